import { attestedKey, ES256 } from './attestedKey.ts';
import { ceremony } from './ceremony.ts';
import { base64, base64Unpadded, base64Url, utf8 } from './encoding.ts';
import { KeymoorError } from './keymoorError.ts';
import type { BindingClaims, NewKey, SignInClaims, SignInProof } from './passkeyKey.ts';
import { thumbprint } from './thumbprint.ts';
import { within } from './within.ts';

/** Whose key an authenticator is asked for; it may show these names. */
export interface KeyOwner {
  realm: string;
  username: string;
  displayName: string;
}

const USER_HANDLE_BYTES = 32;
/** Telling an authenticator is no reason to keep a person waiting. */
const FORGETTING_LIMIT_MS = 3_000;

/**
 * Asks the device's authenticator for a key (WebAuthn Level 3 section 5.1.3). The challenge is the claims
 * themselves, so that the authenticator's signature covers them.
 *
 * @throws {@link KeymoorError} `cancelled` if the person or the page ended it, `unsupported` if this device
 * can't make such a key.
 */
export async function createWebAuthnKey(claims: BindingClaims, owner: KeyOwner): Promise<NewKey> {
  const credential = await ceremony('create', () =>
    navigator.credentials.create({
      publicKey: {
        challenge: utf8(JSON.stringify(claims)),
        rp: { id: location.hostname, name: owner.realm },
        user: {
          // A handle of its own for each key: an authenticator replaces the key of a handle it knows, and
          // the former passkey has to work until the server accepts this one.
          id: crypto.getRandomValues(new Uint8Array(USER_HANDLE_BYTES)),
          name: owner.username,
          displayName: owner.displayName,
        },
        pubKeyCredParams: [{ type: 'public-key', alg: ES256 }],
        attestation: 'direct',
        authenticatorSelection: {
          authenticatorAttachment: 'platform',
          userVerification: 'required',
          // Platforms that leave a choice keep such keys on the device, and this browser remembers their ids.
          residentKey: 'discouraged',
        },
      },
    }),
  );
  return introduced(credential, async ({ clientDataJSON, attestationObject }) => {
    const kid = await keyId(attestationObject);
    if (!kid) throw new KeymoorError('unsupported', 'the authenticator of this device created no P-256 key');
    return {
      key: { type: 'webauthn', credentialId: credential.rawId },
      kid,
      proof: {
        type: 'WEBAUTHN',
        raw: JSON.stringify({
          client_data_json_base64: base64(clientDataJSON),
          attestation_object: base64(attestationObject),
        }),
      },
    };
  });
}

/**
 * Asks the device's authenticator for a sign-in proof (WebAuthn Level 3 section 5.1.4), again with the
 * claims as the challenge.
 */
export async function signWithWebAuthnKey(
  credentialId: ArrayBuffer,
  kid: string,
  claims: SignInClaims,
): Promise<SignInProof> {
  const challenge = {
    header: { alg: 'ES256', kid },
    claims: { ...claims, pub_key_cred_id: base64Unpadded(credentialId) },
  };
  const credential = await ceremony('get', () =>
    navigator.credentials.get({
      publicKey: {
        challenge: utf8(JSON.stringify(challenge)),
        rpId: location.hostname,
        allowCredentials: [{ type: 'public-key', id: credentialId, transports: ['internal'] }],
        userVerification: 'required',
      },
    }),
  );
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    WebAuthn: JSON.stringify({
      authenticator_data: base64(response.authenticatorData),
      client_data: base64(response.clientDataJSON),
      signature: base64(response.signature),
    }),
  };
}

/** Tells the authenticator that a key is of no more use (WebAuthn Level 3 section 5.1.10.2), where it listens. */
export async function forgetWebAuthnKey(credentialId: ArrayBuffer): Promise<void> {
  try {
    const signal = { rpId: location.hostname, credentialId: base64Url(credentialId) };
    await within(FORGETTING_LIMIT_MS, Promise.resolve(PublicKeyCredential.signalUnknownCredential?.(signal)));
  } catch {
    // A courtesy: the key is useless whether or not it disappears from the person's list.
  }
}

/** Reads a key that was just created with `read`. An authenticator doesn't keep one that can't be read. */
export async function introduced(
  { rawId, response }: PublicKeyCredential,
  read: (response: AuthenticatorAttestationResponse) => Promise<NewKey>,
): Promise<NewKey> {
  try {
    return await read(response as AuthenticatorAttestationResponse);
  } catch (error) {
    await forgetWebAuthnKey(rawId);
    if (error instanceof KeymoorError) throw error;
    throw new KeymoorError('unsupported', 'the authenticator of this device created a key that can not be read', error);
  }
}

/** The thumbprint of a key that was just created; empty if it is no P-256 key. */
export async function keyId(attestationObject: ArrayBuffer): Promise<string> {
  const key = attestedKey(attestationObject);
  return key ? thumbprint(key) : '';
}
