import assert from 'node:assert/strict';
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';

export const JOB = { tenant: 'tenant1', realm: 'realm1', identity: 'identity1', job: 'job1', token: 'secret-token_1' };
export const APPLICATION = 'application1';
export const USER_HANDLE = 'dXNlciBoYW5kbGU';
const CREATION_CHALLENGE = 'YSBjaGFsbGVuZ2UgYXQgYmluZGluZw';
const REQUEST_CHALLENGE = 'YSBjaGFsbGVuZ2UgYXQgc2lnbi1pbg';

/** A registration or an assertion in WebAuthn's own JSON. */
interface WebAuthnJson {
  id: string;
  rawId: string;
  type: string;
  response: Record<string, string>;
}

function creationOptions(pageOrigin: string, known: string[]) {
  return {
    creation_options: {
      challenge: CREATION_CHALLENGE,
      rp: { id: new URL(pageOrigin).hostname, name: 'Customers' },
      user: { id: USER_HANDLE, name: 'user1', displayName: 'User One' },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      excludeCredentials: known.map((id) => ({ type: 'public-key', id })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      hints: ['client-device'],
      attestation: 'direct',
    },
  };
}

const SIGNING = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });

interface SentRequest {
  method: string;
  url: URL;
  headers: Headers;
  body: string;
  init: RequestInit;
}

/**
 * The server's half of the protocol behind `fetch`: it checks every proof as a server would, and answers
 * otherwise where a test says so.
 */
export class FakeServer {
  readonly origin: string;
  readonly requests: SentRequest[] = [];
  /** By path suffix: what to answer instead. */
  readonly overrides = new Map<string, () => Response | Promise<Response>>();
  info: Record<string, unknown>;
  /** Public keys by thumbprint. */
  readonly bound = new Map<string, KeyObject>();
  /** The ids of the credentials that were bound with its own options. */
  readonly known: string[] = [];
  /** The tokens of its links. */
  readonly tokens = [JOB.token];
  readonly claims: Record<string, unknown>[] = [];
  /** Whether its link is good for one key only, which may be sent again. */
  bindsOnce = false;
  /** Whether its next answer to a key is lost, after it has accepted the key. */
  losesAnswers = 0;
  #bound: { kid: string; credential: object } | undefined;
  /** Whether it makes WebAuthn options of its own. */
  offersFido2 = false;
  readonly signing = SIGNING;
  pageOrigin: string;

  constructor(origin: string, pageOrigin = origin) {
    this.origin = origin;
    this.pageOrigin = pageOrigin;
    this.info = {
      tenant: { display_name: 'Acme' },
      realm: { display_name: 'Customers' },
      identity: {
        display_name: 'User One',
        traits: {
          type: 'traits_v0',
          username: 'user1',
          external_id: 'crm-4711',
          primary_email_address: 'user1@example.org',
        },
      },
      theme: { logo_url_light: '', logo_url_dark: '', support_url: '' },
      authenticator_config: { tenant_id: JOB.tenant, realm_id: JOB.realm, config: { type: 'embedded' } },
      post_binding_redirect_uri: 'https://app.example.org/done',
    };
    globalThis.fetch = (input, init) => this.#fetch(new URL(String(input)), init ?? {});
  }

  apiLink(): string {
    return `${this.#jobUrl()}:invokeAuthenticator?token=${JOB.token}`;
  }

  appLink(page: string, token = JOB.token): string {
    return `${page}/bind?${new URLSearchParams({ ...this.#job(), token })}`;
  }

  paths(): string[] {
    return this.requests.map(({ method, url }) => `${method} ${url.pathname}`);
  }

  answer(suffix: string, status: number, body: unknown): void {
    this.overrides.set(suffix, () => Response.json(body, { status }));
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    const request = {
      method: init.method ?? 'GET',
      url,
      headers: new Headers(init.headers),
      body: String(init.body ?? ''),
      init,
    };
    this.requests.push(request);
    for (const [suffix, answer] of this.overrides) if (url.pathname.endsWith(suffix)) return answer();
    const segment = url.pathname.split('/').pop() ?? '';
    const handler = this.#handlers[segment.slice(segment.indexOf(':') + 1)];
    return handler ? handler(request) : Response.json({ code: 'not_found', message: 'not found' }, { status: 404 });
  }

  readonly #handlers: Record<string, (request: SentRequest) => Response> = {
    getInfo: (request) => {
      this.#authorized(request);
      assert.equal(request.body, '');
      if (this.bindsOnce && this.#bound) return complete();
      return Response.json(this.offersFido2 ? { ...this.info, fido2: creationOptions(this.pageOrigin, this.known) } : this.info);
    },
    bind: (request) => {
      this.#authorized(request);
      assert.equal(request.headers.get('content-type'), 'application/json');
      const key = this.#acceptBinding(JSON.parse(request.body));
      const kid = thumbprint(key);
      if (this.bindsOnce && this.#bound && this.#bound.kid !== kid) return complete();
      this.bound.set(kid, key);
      const time = `2026-01-01T00:00:0${this.bound.size}.000Z`;
      this.#bound = { kid, credential: { id: `credential${this.bound.size}`, state: 'ACTIVE', create_time: time, update_time: time } };
      if (this.losesAnswers-- > 0) throw new TypeError('Failed to fetch');
      return Response.json(this.#bound.credential);
    },
    'jwks.json': () =>
      Response.json({
        keys: [
          { kty: 'OKP', crv: 'unknown', kid: 'other' },
          { ...this.signing.publicKey.export({ format: 'jwk' }), kid: 'es' },
          { ...RSA.publicKey.export({ format: 'jwk' }), kid: 'rs', alg: 'RS256', use: 'sig' },
        ],
      }),
    'bi-authenticate': (request) => {
      assert.equal(request.headers.get('content-type'), 'application/x-www-form-urlencoded');
      const form = new URLSearchParams(request.body);
      assert.deepEqual([...form.keys()], ['claims']);
      this.claims.push(this.#acceptProof(JSON.parse(form.get('claims') ?? '')));
      return Response.json({ type: 'allow', code: 'the code' });
    },
  };

  #authorized({ method, headers }: SentRequest): void {
    assert.equal(method, 'POST');
    assert.ok(this.tokens.some((token) => headers.get('authorization') === `Bearer ${token}`));
  }

  #acceptBinding({ type, raw }: { type: string; raw: string }): KeyObject {
    const expected = { sub: `CN=${JOB.identity}, OU=${JOB.realm}, O=${JOB.tenant}`, token: JOB.token };
    if (type === 'JWT') {
      const { header, payload, signed, signature } = parseJws(raw);
      assert.deepEqual(Object.keys(header), ['alg', 'jwk']);
      assert.deepEqual(Object.keys(header['jwk'] as object).sort(), ['crv', 'kty', 'x', 'y']);
      assert.equal(header['alg'], 'ES256');
      assert.deepEqual(payload, expected);
      const key = createPublicKey({ key: header['jwk'] as JsonWebKey, format: 'jwk' });
      assert.ok(verifyRaw(key, signed, signature), 'proof of possession');
      return key;
    }
    if (type === 'FIDO2') return this.#acceptRegistration(JSON.parse(raw));
    assert.equal(type, 'WEBAUTHN');
    const response = JSON.parse(raw) as Record<string, string>;
    assert.deepEqual(Object.keys(response).sort(), ['attestation_object', 'client_data_json_base64']);
    const client = JSON.parse(fromBase64(response['client_data_json_base64']).toString());
    assert.equal(client.type, 'webauthn.create');
    assert.equal(client.origin, this.pageOrigin);
    assert.deepEqual(JSON.parse(Buffer.from(client.challenge, 'base64url').toString()), expected);
    return attestedKey(fromBase64(response['attestation_object']));
  }

  #acceptRegistration({ id, rawId, type, response }: WebAuthnJson): KeyObject {
    assert.deepEqual([rawId, type], [id, 'public-key']);
    assert.deepEqual(Object.keys(response).sort(), ['attestationObject', 'clientDataJSON']);
    const client = JSON.parse(fromBase64Url(response['clientDataJSON']).toString());
    assert.deepEqual(
      [client.type, client.origin, client.challenge],
      ['webauthn.create', this.pageOrigin, CREATION_CHALLENGE],
    );
    this.known.push(id);
    return attestedKey(fromBase64Url(response['attestationObject']));
  }

  #acceptAssertion(proof: { credential: WebAuthnJson }): Record<string, unknown> {
    const { id, rawId, type, response } = proof.credential;
    assert.deepEqual([rawId, type], [id, 'public-key']);
    const clientData = fromBase64Url(response['clientDataJSON']);
    const client = JSON.parse(clientData.toString());
    assert.deepEqual([client.type, client.challenge], ['webauthn.get', REQUEST_CHALLENGE]);
    const authenticatorData = fromBase64Url(response['authenticatorData']);
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()]);
    const signature = fromBase64Url(response['signature']);
    const isOf = (key: KeyObject) => verify('sha256', signed, key, signature);
    assert.ok([...this.bound.values()].some(isOf), 'signature of the assertion');
    return proof;
  }

  #acceptProof(proof: { Jwt?: string; WebAuthn?: string; Fido2?: string }): Record<string, unknown> {
    if (proof.Fido2) return this.#acceptAssertion(JSON.parse(proof.Fido2));

    if (proof.Jwt) {
      const { header, payload, signed, signature } = parseJws(proof.Jwt);
      assert.deepEqual(Object.keys(header), ['alg', 'kid']);
      assert.ok(verifyRaw(this.#key(header['kid']), signed, signature), 'signature of the sign-in proof');
      return payload;
    }
    const response = JSON.parse(proof.WebAuthn ?? '') as Record<string, string>;
    assert.deepEqual(Object.keys(response).sort(), ['authenticator_data', 'client_data', 'signature']);
    const clientData = fromBase64(response['client_data']);
    const authenticatorData = fromBase64(response['authenticator_data']);
    const client = JSON.parse(clientData.toString());
    assert.equal(client.type, 'webauthn.get');
    const challenge = JSON.parse(Buffer.from(client.challenge, 'base64url').toString());
    assert.deepEqual(Object.keys(challenge), ['header', 'claims']);
    assert.equal(challenge.header.alg, 'ES256');
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()]);
    const key = this.#key(challenge.header.kid);
    assert.ok(verify('sha256', signed, key, fromBase64(response['signature'])), 'signature of the assertion');
    assert.deepEqual(
      authenticatorData.subarray(0, 32),
      createHash('sha256').update(new URL(this.pageOrigin).hostname).digest(),
    );
    return challenge.claims;
  }

  #key(kid: unknown): KeyObject {
    const key = this.bound.get(String(kid));
    assert.ok(key, 'the proof names a bound key');
    return key;
  }

  #job(): Record<string, string> {
    return {
      api_base_url: this.origin,
      tenant_id: JOB.tenant,
      realm_id: JOB.realm,
      identity_id: JOB.identity,
      job_id: JOB.job,
      token: JOB.token,
    };
  }

  #jobUrl(): string {
    const { tenant, realm, identity, job } = JOB;
    return `${this.origin}/v1/tenants/${tenant}/realms/${realm}/identities/${identity}/credential-binding-jobs/${job}`;
  }

  /** A sign-in URL; `change` edits header and claims before they are signed. */
  signInUrl(nowS: number, change: (header: Record<string, unknown>, claims: RequestClaims) => void = () => {}): string {
    const header: Record<string, unknown> = { alg: 'ES256', kid: 'es', jku: `${this.origin}/keys/jwks.json` };
    const claims = requestClaims(this.origin, nowS);
    if (this.offersFido2) {
      claims.authn.fido2 = { request_options: { challenge: REQUEST_CHALLENGE, userVerification: 'required' } };
    }
    change(header, claims);
    const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const key = header['alg'] === 'RS256' ? RSA.privateKey : this.signing.privateKey;
    const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
    return `https://app.example.org/bi-authenticate?request=${signed}.${signature.toString('base64url')}`;
  }
}

export type RequestClaims = ReturnType<typeof requestClaims>;

function requestClaims(origin: string, nowS: number) {
  return {
    iss: origin,
    exp: (nowS + 300) as unknown,
    nbf: (nowS - 300) as unknown,
    cid: 'correlation 1' as unknown,
    transaction_id: 'TX',
    origin: { ip: '203.0.113.9', ua: 'Browser/1', geo: '', ref: 'https://app.example.org' },
    authn: {
      base_url: origin,
      tid: JOB.tenant,
      rid: JOB.realm,
      aid: APPLICATION,
      redirect_uri: 'https://app.example.org/callback?iss=https%3A%2F%2Fissuer.example',
      state: 'state & more' as string | undefined,
      application: { display_name: 'Sample' },
      authenticator_config: {
        config: {
          type: 'embedded',
          authentication_methods: [{ type: 'webauthn_passkey' }, { type: 'subtle_crypto_passkey' }],
        },
      },
      fido2: undefined as object | undefined,
      action: {
        prove: { transaction_id: 'TX', nonce: 'sealed.nonce', bi_req: 'W10=', bi_pol_ver: 'v3' },
      } as Record<string, object>,
    },
  };
}

function parseJws(jws: string) {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  return {
    header: read(header),
    payload: read(payload),
    signed: Buffer.from(`${header}.${payload}`),
    signature: Buffer.from(signature, 'base64url'),
  };
}

function verifyRaw(key: KeyObject, signed: Buffer, signature: Buffer): boolean {
  return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

function thumbprint(key: KeyObject): string {
  const { crv, kty, x, y } = key.export({ format: 'jwk' });
  return createHash('sha256').update(`{"crv":"${crv}","kty":"${kty}","x":"${x}","y":"${y}"}`).digest('base64url');
}

/** The answer to whatever asks about a link that is used up, except the key that used it. */
function complete(): Response {
  const detail = { type: 'ResourceInfo', resource_type: 'CredentialBindingJob', id: JOB.job, description: 'complete' };
  return Response.json({ code: 'conflict', message: 'conflict', details: [detail] }, { status: 409 });
}

/** The key at the end of an attestation object of the fake authenticator. */
function attestedKey(object: Buffer): KeyObject {
  const [x, y] = [object.subarray(-67, -35), object.subarray(-32)].map((bytes) => bytes.toString('base64url')) as [string, string];
  return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
}

/** base64url without padding, and nothing else. */
function fromBase64Url(text: string | undefined): Buffer {
  const bytes = Buffer.from(text ?? '', 'base64url');
  assert.equal(bytes.toString('base64url'), text);
  return bytes;
}

/** Standard base64 with padding, and nothing else. */
function fromBase64(text: string | undefined): Buffer {
  const bytes = Buffer.from(text ?? '', 'base64');
  assert.equal(bytes.toString('base64'), text);
  return bytes;
}
