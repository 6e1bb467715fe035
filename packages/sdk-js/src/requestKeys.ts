import type { AllowedDomain } from './allowedDomains.ts';
import { callServer } from './callServer.ts';
import { KeymoorError } from './keymoorError.ts';

/** The algorithms that a sign-in request may be signed with, as WebCrypto imports their keys and verifies. */
export const REQUEST_ALGORITHMS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
} as const;

/** One of {@link REQUEST_ALGORITHMS}. */
export type RequestAlgorithm = keyof typeof REQUEST_ALGORITHMS;

/** How a request names its key. */
export interface KeyName {
  alg: RequestAlgorithm;
  kid: string;
  /** Where the key set is. */
  jku: string;
}

// RFC 7518 section 3.3.
const MIN_RSA_BITS = 2048;

/** The keys of requests seen so far. A `kid` says nothing outside its own key set, so both name a key here. */
export class RequestKeys {
  readonly #keys = new Map<string, CryptoKey>();
  readonly #domains: readonly AllowedDomain[];

  constructor(domains: readonly AllowedDomain[]) {
    this.#domains = domains;
  }

  /** @throws {@link KeymoorError} `invalid_request` if the key set has no such key. */
  async find(name: KeyName): Promise<CryptoKey> {
    const cacheKey = JSON.stringify([name.jku, name.kid, name.alg]);
    const known = this.#keys.get(cacheKey);
    if (known) return known;
    const answer = await callServer(name.jku, this.#domains, { subject: 'sign-in' });
    const jwk = answer
      .objects('keys')
      .map((key) => key.raw() as JsonWebKey & { kid?: string })
      .find((key) => key.kid === name.kid);
    if (!jwk) throw new KeymoorError('invalid_request', 'the sign-in request is signed by an unknown key');
    const key = await importKey(jwk, name.alg);
    this.#keys.set(cacheKey, key);
    return key;
  }
}

async function importKey(jwk: JsonWebKey, alg: RequestAlgorithm): Promise<CryptoKey> {
  try {
    // Refuses a key whose type, curve, `alg` or `use` isn't this algorithm's.
    const key = await crypto.subtle.importKey('jwk', jwk, REQUEST_ALGORITHMS[alg], false, ['verify']);
    const { modulusLength } = key.algorithm as RsaHashedKeyAlgorithm;
    if (modulusLength < MIN_RSA_BITS) throw new TypeError('the RSA key is too short');
    return key;
  } catch (error) {
    throw new KeymoorError('invalid_request', "the sign-in request's key can't verify it", error);
  }
}
