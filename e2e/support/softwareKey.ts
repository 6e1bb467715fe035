import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { Link } from './directory.ts';
import { type Answer, request } from './http.ts';

type Json = Record<string, unknown>;

/** A P-256 key and the proofs that an SDK makes with it. */
export class SoftwareKey {
  readonly privateKey: KeyObject;
  readonly jwk: { crv: 'P-256'; kty: 'EC'; x: string; y: string };

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    this.privateKey = privateKey;
    this.jwk = { crv: 'P-256', kty: 'EC', x, y };
  }

  /** RFC 7638, SHA-256, base64url without padding. */
  get thumbprint(): string {
    return createHash('sha256').update(JSON.stringify(this.jwk)).digest('base64url');
  }

  /** A compact JWS, signed with ES256 whatever its header says. */
  jws(header: Json, payload: Json | string): string {
    const signed = `${base64url(header)}.${base64url(payload)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** The proof for `:bind`. */
  bindingProof(subject: string, token: string, header: Json = {}, payload: Json = {}): string {
    return this.jws({ alg: 'ES256', jwk: this.jwk, ...header }, { sub: subject, token, ...payload });
  }

  /** The proof for `bi-authenticate`. */
  signInProof(claims: Json, header: Json = {}): string {
    return this.jws({ alg: 'ES256', kid: this.thumbprint, ...header }, claims);
  }
}

/** The claims with which an SDK answers a challenge. */
export function signInClaims(subject: string, audience: string, transactionId: string, nonce: string): Json {
  const now = Math.floor(Date.now() / 1_000);
  return {
    iss: `${randomUUID()}:0.0.0`,
    sub: subject,
    aud: [audience],
    iat: now,
    exp: now + 4_200,
    nbf: now - 4_200,
    jti: randomUUID(),
    bi_tid: transactionId,
    bi_non: nonce,
    bi_prf: 'W10=',
    bi_pol_ver: 'v3',
    flow_type: 'embedded',
  };
}

/** The distinguished name of the identity that a URL below the tenant is about. */
export function subjectOf(link: Pick<Link, 'job'>): string {
  const [, tenant, realm, identity] = /tenants\/([^/]+)\/realms\/([^/]+)\/identities\/([^/]+)/.exec(link.job) ?? [];
  return `CN=${identity}, OU=${realm}, O=${tenant}`;
}

export function bind(link: Link, proof: string, type: 'JWT' | 'WEBAUTHN' = 'JWT', headers: Record<string, string> = {}): Promise<Answer> {
  return request('POST', `${link.job}:bind`, {
    headers: { authorization: `Bearer ${link.token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ type, raw: proof }),
  });
}

export function getInfo(link: Link): Promise<Answer> {
  return request('POST', `${link.job}:getInfo`, { headers: { authorization: `Bearer ${link.token}` } });
}

/** Binds a new key by a link. */
export async function bindSoftwareKey(link: Link): Promise<{ key: SoftwareKey; answer: Answer }> {
  const key = new SoftwareKey();
  return { key, answer: await bind(link, key.bindingProof(subjectOf(link), link.token)) };
}

export function base64url(value: Json | string): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}
