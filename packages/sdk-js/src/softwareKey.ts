import { base64Url, utf8 } from './encoding.ts';
import { KeymoorError } from './keymoorError.ts';
import type { BindingClaims, NewKey, SignInClaims, SignInProof } from './passkeyKey.ts';
import { exportPublicJwk, thumbprint } from './thumbprint.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' };

/** Makes a key that this browser keeps and no script can read, and proves possession of it. */
export async function createSoftwareKey(claims: BindingClaims): Promise<NewKey> {
  return reportingUnsupported(async () => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey(P256, false, ['sign', 'verify']);
    const jwk = await exportPublicJwk(publicKey);
    return {
      key: { type: 'subtle', privateKey },
      kid: await thumbprint(jwk),
      proof: { type: 'JWT', raw: await compactJws(privateKey, { alg: 'ES256', jwk }, claims) },
    };
  });
}

/** Signs a sign-in proof with a key that this browser keeps. */
export async function signWithSoftwareKey(key: CryptoKey, kid: string, claims: SignInClaims): Promise<SignInProof> {
  return reportingUnsupported(async () => ({ Jwt: await compactJws(key, { alg: 'ES256', kid }, claims) }));
}

/** RFC 7515 section 7.1. WebCrypto already signs as section 3.4 of RFC 7518 wants it: R and S, 64 bytes. */
async function compactJws(key: CryptoKey, header: object, payload: object): Promise<string> {
  const input = [header, payload].map((part) => base64Url(utf8(JSON.stringify(part)))).join('.');
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, utf8(input));
  return `${input}.${base64Url(signature)}`;
}

async function reportingUnsupported<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new KeymoorError('unsupported', 'this browser could not use a P-256 key', error);
  }
}
