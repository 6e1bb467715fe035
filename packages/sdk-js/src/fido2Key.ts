import { ceremony } from './ceremony.ts';
import { base64Url } from './encoding.ts';
import type { Fields } from './fields.ts';
import type { NewKey, PasskeyKey, SignInProof } from './passkeyKey.ts';
import type { Step } from './signInRequest.ts';
import { introduced, keyId } from './webAuthnKey.ts';

type WebAuthnKey = Extract<PasskeyKey, { type: 'webauthn' }>;

/** Which key an authenticator is asked for. */
export interface Wanted {
  /** The keys to choose from. Empty: whichever the authenticator finds by itself. */
  keys: WebAuthnKey[];
  /** The distinguished name of their owner, if they have one owner. */
  sub?: string;
  /** Until when the keys are shown among the page's autofill instead of in a prompt, in seconds since 1970. */
  inAutofillUntil?: number;
}

/** Options of the server's making for a new key. */
export interface NewKeyOptions {
  options: Fields;
  /** The key that the new one takes the place of. */
  former: PasskeyKey | undefined;
}

/**
 * Asks an authenticator for a key with options of the server's making (WebAuthn Level 3 section 5.1.8).
 *
 * They are read here and not by `parseCreationOptionsFromJSON`, nor is the answer written by `toJSON`: not
 * all browsers have these, and password managers that stand in for the authenticator break them.
 *
 * @throws As {@link ceremony}, and `invalid_response` if the options aren't what the protocol says.
 */
export async function createFido2Key({ options, former }: NewKeyOptions): Promise<NewKey> {
  const user = options.object('user');
  const publicKey = {
    ...(options.raw() as unknown as PublicKeyCredentialCreationOptions),
    challenge: options.bytes('challenge'),
    user: { ...(user.raw() as unknown as PublicKeyCredentialUserEntity), id: user.bytes('id') },
    excludeCredentials: excluded(options, former),
  };
  const credential = await ceremony('create', () => navigator.credentials.create({ publicKey }));
  return introduced(credential, async (response) => {
    const { clientDataJSON, attestationObject } = response;
    const transports = transportsOf(response);
    return {
      key: { type: 'webauthn', credentialId: credential.rawId, ...(transports ? { transports } : {}) },
      // Only the older proofs name the key by its thumbprint, and they are of P-256 keys.
      kid: await keyId(attestationObject),
      proof: { type: 'FIDO2', raw: JSON.stringify(toJson(credential, { clientDataJSON, attestationObject })) },
    };
  });
}

/** Some password managers that stand in for the authenticator leave the method out or break it. */
function transportsOf(response: AuthenticatorAttestationResponse): string[] | undefined {
  try {
    const transports: unknown = response.getTransports();
    return Array.isArray(transports) ? transports.map(String) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An authenticator knows a person by one handle and replaces what it holds for it: on purpose the key that this
 * browser holds, but not one that another device of the same sync account made.
 */
function excluded(options: Fields, former: PasskeyKey | undefined): PublicKeyCredentialDescriptor[] {
  if (!options.has('excludeCredentials')) return [];
  const replaced = former?.type === 'webauthn' ? base64Url(former.credentialId) : undefined;
  return options
    .objects('excludeCredentials')
    .filter((known) => known.string('id') !== replaced)
    .map((known) => ({ ...(known.raw() as unknown as PublicKeyCredentialDescriptor), id: known.bytes('id') }));
}

/** Asks an authenticator for a sign-in proof over the server's challenge (WebAuthn Level 3 section 5.1.9). */
export async function signWithFido2Key(
  options: Fields,
  { transactionId, nonce }: Extract<Step, { type: 'prove' }>,
  { keys, sub, inAutofillUntil }: Wanted,
): Promise<SignInProof> {
  const publicKey = {
    ...(options.raw() as unknown as PublicKeyCredentialRequestOptions),
    challenge: options.bytes('challenge'),
    allowCredentials: keys.map(describe),
  };
  const waitMs = inAutofillUntil && inAutofillUntil * 1000 - Date.now();
  const mediation = inAutofillUntil ? { mediation: 'conditional' as const } : {};
  const ask = (ending: { signal?: AbortSignal }) => navigator.credentials.get({ publicKey, ...mediation, ...ending });
  const credential = await ceremony('get', ask, waitMs);
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    Fido2: JSON.stringify({
      transaction_id: transactionId,
      nonce,
      sub,
      credential: toJson(credential, {
        clientDataJSON: response.clientDataJSON,
        authenticatorData: response.authenticatorData,
        signature: response.signature,
        userHandle: response.userHandle,
      }),
    }),
  };
}

/** A key that was bound before its transports were kept is one of this device. */
function describe({ credentialId, transports }: WebAuthnKey): PublicKeyCredentialDescriptor {
  return {
    type: 'public-key',
    id: credentialId,
    transports: (transports ?? ['internal']) as AuthenticatorTransport[],
  };
}

/** WebAuthn Level 3 section 5.1. */
function toJson({ rawId }: PublicKeyCredential, response: Record<string, ArrayBuffer | null>) {
  const id = base64Url(rawId);
  const members = Object.entries(response).filter(([, bytes]) => bytes);
  return {
    id,
    rawId: id,
    type: 'public-key',
    response: Object.fromEntries(members.map(([name, bytes]) => [name, base64Url(bytes as ArrayBuffer)])),
  };
}
