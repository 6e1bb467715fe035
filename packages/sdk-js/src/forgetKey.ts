import type { PasskeyKey } from './passkeyKey.ts';
import { forgetWebAuthnKey } from './webAuthnKey.ts';

/** Gives up a key. One that the browser keeps is gone with its record; an authenticator has to be told. */
export async function forgetKey(key: PasskeyKey): Promise<void> {
  if (key.type === 'webauthn') await forgetWebAuthnKey(key.credentialId);
}
