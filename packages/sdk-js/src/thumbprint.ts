import { base64Url, utf8 } from './encoding.ts';

/** A P-256 public key, as proofs name it. */
export interface PublicJwk {
  crv: string;
  kty: string;
  x: string;
  y: string;
}

/** The public members of a key, in the order of RFC 7638 section 3.2. */
export async function exportPublicJwk(key: CryptoKey): Promise<PublicJwk> {
  const { crv, kty, x, y } = (await crypto.subtle.exportKey('jwk', key)) as PublicJwk;
  return { crv, kty, x, y };
}

/** The SHA-256 thumbprint of a key (RFC 7638), by which the server knows it. */
export async function thumbprint({ crv, kty, x, y }: PublicJwk): Promise<string> {
  return base64Url(await crypto.subtle.digest('SHA-256', utf8(JSON.stringify({ crv, kty, x, y }))));
}
