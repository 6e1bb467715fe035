import { ceremony } from './ceremony.ts';
import { base64, base64Unpadded, base64Url, utf8 } from './encoding.ts';
import { KeymoorError } from './keymoorError.ts';
import type { BindingClaims, NewKey, SignInClaims, SignInProof } from './passkeyKey.ts';
import { exportPublicJwk, thumbprint } from './thumbprint.ts';

/** Whose key an authenticator is asked for; it may show these names. */
export interface KeyOwner {
  realm: string;
  username: string;
  displayName: string;
}

// COSE algorithm identifier of ECDSA with SHA-256 (RFC 9053 section 2.1).
export const ES256 = -7;
const USER_HANDLE_BYTES = 32;

/**
 * Asks the device's authenticator for a key (WebAuthn Level 3 section 5.1.3). The challenge is the claims
 * themselves, so that the authenticator's signature covers them.
 *
 * @throws {@link KeymoorError} `cancelled` if the person or the page ended it, `unsupported` if this device
 * can't make such a key.
 */
export async function createWebAuthnKey(claims: BindingClaims, owner: KeyOwner): Promise<NewKey> {
  const credential = await ceremony(() =>
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
  const response = credential.response as AuthenticatorAttestationResponse;
  return {
    key: { type: 'webauthn', credentialId: credential.rawId },
    kid: await keyId(response),
    proof: {
      type: 'WEBAUTHN',
      raw: JSON.stringify({
        client_data_json_base64: base64(response.clientDataJSON),
        attestation_object: base64(response.attestationObject),
      }),
    },
  };
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
  const credential = await ceremony(() =>
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
    await PublicKeyCredential.signalUnknownCredential?.({
      rpId: location.hostname,
      credentialId: base64Url(credentialId),
    });
  } catch {
    // A courtesy: the key is useless whether or not it disappears from the person's list.
  }
}

/** The thumbprint of a key that was just made. @throws {@link KeymoorError} `unsupported` if it is no P-256 key. */
export async function keyId(response: AuthenticatorAttestationResponse): Promise<string> {
  try {
    const spki = response.getPublicKey() as ArrayBuffer;
    const key = await crypto.subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify']);
    return await thumbprint(await exportPublicJwk(key));
  } catch (error) {
    throw new KeymoorError('unsupported', 'the authenticator of this device made no P-256 key', error);
  }
}
