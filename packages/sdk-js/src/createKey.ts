import { createFido2Key, type NewKeyOptions } from './fido2Key.ts';
import type { Fields } from './fields.ts';
import { KeymoorError } from './keymoorError.ts';
import { obstacle } from './obstacle.ts';
import type { BindingClaims, NewKey } from './passkeyKey.ts';
import { createSoftwareKey } from './softwareKey.ts';
import type { Log } from './types.ts';
import { createWebAuthnKey, type KeyOwner } from './webAuthnKey.ts';
import { within } from './within.ts';

const ANSWER_LIMIT_MS = 5_000;

/** The kinds of key that an authenticator config allows. */
export interface AllowedKeys {
  webauthn: boolean;
  software: boolean;
}

/**
 * Reads an authenticator config. Hosted ones list what they allow. The others allow both kinds unless
 * their list names one of them.
 */
export function allowedKeys(config: Fields): AllowedKeys {
  const methods = config.has('authentication_methods')
    ? config.objects('authentication_methods').map((method) => method.string('type'))
    : [];
  const webauthn = methods.includes('webauthn_passkey');
  const software = methods.includes('software_passkey') || methods.includes('subtle_crypto_passkey');
  const isHosted = config.string('type').startsWith('hosted_');
  return webauthn || software || isHosted ? { webauthn, software } : { webauthn: true, software: true };
}

/**
 * Makes the best key that the config allows: in the device's authenticator where there is one that
 * verifies its user, else in the browser.
 *
 * @param fido2 - Options of the server's making for a key in an authenticator, if it makes them.
 * @throws {@link KeymoorError} `cancelled`, `passkey_exists`, or `unsupported` if no allowed kind can be made here.
 */
export async function createKey(
  allowed: AllowedKeys,
  claims: BindingClaims,
  owner: KeyOwner,
  fido2: NewKeyOptions | undefined,
  log: Log,
): Promise<NewKey> {
  let reason = allowed.webauthn ? obstacle('create') : undefined;
  // A key in an authenticator that is no part of the device is better than none, but no default.
  const takesAnyAuthenticator = fido2 && !allowed.software;
  if (allowed.webauthn && !reason && (takesAnyAuthenticator || (await hasPlatformAuthenticator()))) {
    try {
      return await (fido2 ? createFido2Key(fido2) : createWebAuthnKey(claims, owner));
    } catch (error) {
      // What a person refused must not happen in a weaker way, nor what the server got wrong or a better key serves.
      if ((error as KeymoorError).code !== 'unsupported') throw error;
      reason = error as KeymoorError;
    }
  }
  if (reason) log.write('no key in the authenticator', reason.message, reason.cause);
  if (allowed.software) return createSoftwareKey(claims);
  throw noKey(allowed, reason);
}

function noKey({ webauthn }: AllowedKeys, reason: KeymoorError | undefined): KeymoorError {
  const setting = "the authentication_methods of the authenticator config don't allow software_passkey";
  const why = reason?.message ?? (webauthn ? 'this device has no authenticator that verifies its user' : 'nor webauthn_passkey');
  return new KeymoorError('unsupported', webauthn ? `${why}, and ${setting}` : `${setting}, ${why}`, reason?.cause);
}

async function hasPlatformAuthenticator(): Promise<boolean> {
  try {
    return await within(ANSWER_LIMIT_MS, PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable());
  } catch {
    // Browsers without WebAuthn.
    return false;
  }
}
