/** Signatures, sign-in requests and what they are signed with. Every run makes new keys; private ones are not kept. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export const NOW = 1_795_304_000;
export const AUTH = 'https://auth.example';
export const JKU = `${AUTH}/v1/tenants/T/realms/R/applications/A/.well-known/jwks.json`;
const ec = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve });
const KEY = ec();
const OTHER = ec();
const P384 = ec('P-384');
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const SHORT_RSA = generateKeyPairSync('rsa', { modulusLength: 1024 });
const jwk = (key: KeyObject) => key.export({ format: 'jwk' }) as Record<string, string>;
const b64 = (bytes: Buffer | string) => Buffer.from(bytes).toString('base64url');
const signRaw = (key: KeyObject, data: string, hash = 'sha256') => sign(hash, Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' });
const signDer = (key: KeyObject, data: string) => sign('sha256', Buffer.from(data), key);

function derOf(raw: Buffer): Buffer {
  const integer = (part: Buffer) => {
    let start = 0;
    while (start < 31 && part[start] === 0) start++;
    const bytes = part.subarray(start);
    const padded = (bytes[0] as number) & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
    return Buffer.concat([Buffer.of(2, padded.length), padded]);
  };
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}

/** Signs other texts until the signature is of the wanted kind. */
function signatureWith(wanted: (raw: Buffer) => boolean): { signed: string; raw: Buffer } {
  for (let tries = 0; ; tries++) {
    const signed = `text ${tries}`;
    const raw = signRaw(KEY.privateKey, signed);
    if (wanted(raw)) return { signed, raw };
  }
}

function jwsCases() {
  const { kty, crv, x, y } = jwk(KEY.publicKey);
  const key = { kty, crv, x, y };
  const thumbprint = (name: string, of: Record<string, string | undefined>) => ({
    name,
    kind: 'thumbprint',
    jwk: of,
    thumbprint: createHash('sha256').update(`{"crv":"${of['crv']}","kty":"EC","x":"${of['x']}","y":"${of['y']}"}`).digest('base64url'),
  });
  const good = signRaw(KEY.privateKey, 'signed');
  const verify = (name: string, signature: Buffer, valid: boolean, signed = 'signed', by: object = key) => ({
    name, kind: 'verify', jwk: by, signed, signature: b64(signature), valid,
  });
  const zero = Buffer.alloc(32);
  const offCurve = { ...key, y: b64(Buffer.from(Buffer.from(y as string, 'base64url').map((byte, at) => (at === 31 ? byte ^ 1 : byte)))) };
  const der = (name: string, bytes: Buffer, raw: Buffer | null, signed = 'signed') => ({
    name, kind: 'der', jwk: key, signed, der: bytes.toString('hex'), raw: raw && b64(raw),
  });
  const shortR = signatureWith((raw) => raw[0] === 0 && (raw[1] as number) < 0x80);
  const shortS = signatureWith((raw) => raw[32] === 0 && (raw[33] as number) < 0x80);
  const highR = signatureWith((raw) => (raw[0] as number) >= 0x80 && (raw[32] as number) < 0x80);
  const lowBoth = signatureWith((raw) => (raw[0] as number) < 0x80 && (raw[32] as number) < 0x80);
  const goodDer = derOf(good);
  return [
    thumbprint('a thumbprint', key),
    thumbprint('a thumbprint of another key', (({ crv, kty, x, y }) => ({ y, x, kty, crv }))(jwk(OTHER.publicKey))),
    thumbprint('a thumbprint of a key with more members', { ...key, kid: 'k', use: 'sig' }),
    verify('a signature', good, true),
    verify('another text', good, false, 'signed!'),
    verify('a changed signature', Buffer.from(good.map((byte, at) => (at === 40 ? byte ^ 1 : byte))), false),
    verify('a signature in DER', signDer(KEY.privateKey, 'signed'), false),
    verify('a signature that is too short', good.subarray(1), false),
    verify('a signature that is too long', Buffer.concat([good, Buffer.of(0)]), false),
    verify('a signature of zeros', Buffer.concat([zero, zero]), false),
    verify('an empty signature', Buffer.alloc(0), false),
    verify('another key', good, false, 'signed', (({ kty, crv, x, y }) => ({ kty, crv, x, y }))(jwk(OTHER.publicKey))),
    verify('a point off the curve', good, false, 'signed', offCurve),
    verify('a coordinate that is too short', good, false, 'signed', { ...key, x: 'AAAA' }),
    der('DER', goodDer, good),
    der('a short r', derOf(shortR.raw), shortR.raw, shortR.signed),
    der('a short s', derOf(shortS.raw), shortS.raw, shortS.signed),
    der('an r that needs a zero before it', derOf(highR.raw), highR.raw, highR.signed),
    der('neither needs a zero before it', derOf(lowBoth.raw), lowBoth.raw, lowBoth.signed),
    der('DER cut off', goodDer.subarray(0, -1), null),
    der('an integer longer than its sequence', Buffer.from(goodDer.map((byte, at) => (at === 3 ? byte + 40 : byte))), null),
    der('no sequence', Buffer.from(goodDer.map((byte, at) => (at === 0 ? 0x31 : byte))), null),
    der('nothing', Buffer.alloc(0), null),
  ];
}

type Json = Record<string, any>;

/** The claims of a request, with every member that the protocol calls required. */
export const claims = (): Json => ({
  iss: AUTH, sub: 'request', aud: ['sdk'], jti: 'request-1', exp: NOW + 300, nbf: NOW - 300, iat: NOW, cid: 'correlation 1', verb: 'authenticate', transaction_id: 'TX',
  indirect_uri: `${AUTH}/v1/tenants/T/realms/R/transactions/TX/indirect`,
  origin: { ip: '203.0.113.9', ua: 'Browser/1', geo: '', ref: 'https://app.example' },
  authn: {
    base_url: AUTH, tid: 'T', rid: 'R', aid: 'A', mode: 'grant', redirect_uri: 'https://app.example/callback?iss=https%3A%2F%2Fauth.example', state: 'state & more',
    application: { display_name: 'Sample' },
    authenticator_config: {
      id: 'C', tenant_id: 'T', realm_id: 'R', display_name: 'Config',
      config: { type: 'embedded', invoke_url: 'https://app.example', invocation_type: 'automatic', authentication_methods: [{ type: 'webauthn_passkey' }, { type: 'subtle_crypto_passkey' }] },
    },
    action: { prove: { transaction_id: 'TX', nonce: 'sealed.nonce', bi_req: 'W10=', bi_obl: '', bi_pol_ver: 'v3' } },
  },
});

export function jwt(change: (header: Json, claims: Json) => void = () => {}, key: KeyObject = KEY.privateKey, hash = 'sha256'): string {
  const header = { alg: 'ES256', kid: 'es', jku: JKU };
  const all = claims();
  change(header, all);
  return signedJwt(JSON.stringify(header), JSON.stringify(all), key, hash);
}

function signedJwt(header: string, payload: string, key: KeyObject = KEY.privateKey, hash = 'sha256'): string {
  const input = `${b64(header)}.${b64(payload)}`;
  return `${input}.${b64(signRaw(key, input, hash))}`;
}

const ES = { ...jwk(KEY.publicKey), kid: 'es' };
const RS = { ...jwk(RSA.publicKey), kid: 'rs', alg: 'RS256', use: 'sig' };
export const KEY_SET = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AA', kid: 'other' }, { ...jwk(P384.publicKey), kid: '384' }, ES, RS, { ...jwk(SHORT_RSA.publicKey), kid: 'short' }] };

interface Options { now?: number; keys?: object; status?: number; without?: string; allowedDomains?: string[]; called?: boolean; context?: object }
const request = (name: string, outcome: string, text: string, options: Options = {}) => {
  const { keys = KEY_SET, status = 200, now = NOW, allowedDomains = ['auth.example'], without, context, called = true } = options;
  return {
    name, now, allowedDomains, request: text, keys: called ? [{ url: JKU, status, json: keys }] : [], outcome, ...(context && { context }), ...(without && { without }),
  };
};

const CONTEXT = {
  application: { id: 'A', displayName: 'Sample' }, methods: ['webauthn_passkey', 'software_passkey'],
  origin: { sourceIp: '203.0.113.9', userAgent: 'Browser/1', geolocation: '', referer: 'https://app.example' },
};

/** What this SDK can't do without, of the members that the protocol calls required. */
const NEEDED = new Set([
  'exp', 'nbf', 'cid', 'authn', 'authn.base_url', 'authn.tid', 'authn.rid', 'authn.aid', 'authn.redirect_uri', 'authn.action', 'authn.action.prove', 'authn.action.prove.transaction_id',
  'authn.action.prove.nonce', 'authn.action.prove.bi_pol_ver', 'authn.authenticator_config.config',
]);
export const REQUIRED_CLAIMS = [
  'iss', 'sub', 'aud', 'jti', 'exp', 'nbf', 'iat', 'cid', 'verb', 'transaction_id', 'indirect_uri', 'origin', 'origin.ip', 'origin.ua', 'origin.geo', 'origin.ref',
  'authn', 'authn.base_url', 'authn.tid', 'authn.rid', 'authn.aid', 'authn.mode', 'authn.redirect_uri', 'authn.authenticator_config', 'authn.authenticator_config.id',
  'authn.authenticator_config.tenant_id', 'authn.authenticator_config.realm_id', 'authn.authenticator_config.display_name', 'authn.authenticator_config.config',
  'authn.authenticator_config.config.type', 'authn.authenticator_config.config.invoke_url', 'authn.authenticator_config.config.invocation_type', 'authn.action', 'authn.action.prove',
  'authn.action.prove.transaction_id', 'authn.action.prove.nonce', 'authn.action.prove.bi_pol_ver',
];

/** Deletes the member at a path of names. */
export function remove(from: Json, path: string): void {
  const names = path.split('.');
  const last = names.pop() as string;
  delete names.reduce((value, name) => value[name] as Json, from)[last];
}

const bad = (name: string, text: string, options: Options = {}) => request(name, 'invalid_request', text, options);
const es = (key: object) => ({ keys: [{ ...key, kid: 'es' }] });

function requestCases() {
  const good = jwt();
  const [header = '', payload = '', signature = ''] = good.split('.');
  return [
    request('a good one', 'ok', good, { context: CONTEXT }),
    request('RS256', 'ok', jwt((header) => Object.assign(header, { alg: 'RS256', kid: 'rs' }), RSA.privateKey)),
    request('late by 59 seconds', 'ok', good, { now: NOW + 359 }),
    bad('late by 61 seconds', good, { now: NOW + 361 }),
    request('early by 60 seconds', 'ok', good, { now: NOW - 360 }),
    bad('early by 61 seconds', good, { now: NOW - 361 }),
    bad('a clock an hour fast', good, { now: NOW + 3_600 }),
    bad('another signature', `${header}.${payload}.${b64(Buffer.alloc(64, 1))}`),
    bad('an empty signature', `${header}.${payload}.`, { called: false }),
    bad('other claims', `${header}.${b64(JSON.stringify({ ...claims(), cid: 'changed' }))}.${signature}`),
    bad('four parts', `${good}.x`, { called: false }),
    bad('two parts', `${header}.${payload}`, { called: false }),
    bad('padding', `${header}.${payload}.${signature}==`, { called: false }),
    bad('no base64url', `${header}.${payload}.****`, { called: false }),
    bad('no JSON', signedJwt('{', '{}'), { called: false }),
    bad('a list as its claims', signedJwt(JSON.stringify({ alg: 'ES256', kid: 'es', jku: JKU }), '[]'), { called: false }),
    bad('a claim twice', signedJwt(JSON.stringify({ alg: 'ES256', kid: 'es', jku: JKU }), `{"cid":"a",${JSON.stringify(claims()).slice(1)}`), { called: false }),
    bad('a header member twice', signedJwt(`{"alg":"none","alg":"ES256","kid":"es","jku":"${JKU}"}`, JSON.stringify(claims())), { called: false }),
    bad('alg none', jwt((header) => (header['alg'] = 'none')), { called: false }),
    bad('alg HS256', jwt((header) => (header['alg'] = 'HS256')), { called: false }),
    bad('alg ES384', jwt((header) => (header['alg'] = 'ES384')), { called: false }),
    bad('alg PS256', jwt((header) => (header['alg'] = 'PS256')), { called: false }),
    bad('alg of a built-in name', jwt((header) => (header['alg'] = 'toString')), { called: false }),
    ...['alg', 'kid', 'jku'].map((name) => bad(`without the header's ${name}`, jwt((header) => delete header[name]), { called: false, without: `header.${name}` })),
    bad('crit', jwt((header) => (header['crit'] = ['exp'])), { called: false }),
    bad('an unknown kid', jwt((header) => (header['kid'] = 'unknown'))),
    bad('the kid of a P-384 key', jwt((header) => (header['kid'] = '384'))),
    bad('the kid of an RSA key', jwt((header) => (header['kid'] = 'rs'))),
    bad('RS256 by the kid of a P-256 key', jwt((header) => (header['alg'] = 'RS256'), RSA.privateKey)),
    bad('an RSA key below 2048 bits', jwt((header) => Object.assign(header, { alg: 'RS256', kid: 'short' }), SHORT_RSA.privateKey)),
    bad('a key for encryption', good, { keys: es({ ...jwk(KEY.publicKey), use: 'enc' }) }),
    bad('an RSA key for another algorithm', jwt((header) => Object.assign(header, { alg: 'RS256', kid: 'rs' }), RSA.privateKey), { keys: { keys: [{ ...jwk(RSA.publicKey), kid: 'rs', alg: 'RS512' }] } }),
    bad('a key without coordinate', good, { keys: es({ kty: 'EC', crv: 'P-256', x: ES.x }) }),
    bad('a key off the curve', good, { keys: es({ kty: 'EC', crv: 'P-256', x: ES.x, y: ES.x }) }),
    bad('an empty key set', good, { keys: { keys: [] } }),
    request('no key set', 'invalid_response', good, { keys: {} }),
    request('a key set that fails', 'server', good, { status: 500 }),
    bad('a key set that is not there', good, { status: 404 }),
    request('a key set of another host', 'disallowed_domain', jwt((header) => (header['jku'] = 'https://evil.example/jwks.json')), { called: false }),
    request('a key set without encryption', 'disallowed_domain', jwt((header) => (header['jku'] = JKU.replace('https', 'http'))), { called: false }),
    request('a key set at no address', 'invalid_url', jwt((header) => (header['jku'] = '/jwks.json')), { called: false }),
    request('another host to sign in at', 'disallowed_domain', jwt((_, { authn }) => (authn.base_url = 'https://evil.example'))),
    bad('a redirect to a script', jwt((_, { authn }) => (authn.redirect_uri = 'javascript:alert(1)'))),
    bad('a cid with a line break', jwt((_, all) => (all['cid'] = 'a\nb'))),
    bad('an empty cid', jwt((_, all) => (all['cid'] = ''))),
    bad('exp in words', jwt((_, all) => (all['exp'] = String(NOW + 300)))),
    bad('an unknown action', jwt((_, { authn }) => (authn.action = { dance: {} }))),
    bad('no action', jwt((_, { authn }) => (authn.action = {}))),
    bad('an older policy', jwt((_, { authn }) => (authn.action.prove.bi_pol_ver = 'v2'))),
    request('an allowing action', 'ok', jwt((_, { authn }) => (authn.action = { allow: { code: 'c' } }))),
    ...REQUIRED_CLAIMS.map((path) =>
      request(`without ${path}`, NEEDED.has(path) ? 'invalid_request' : 'ok', jwt((_, all) => remove(all, path)), { without: `request.${path}` }),
    ),
  ];
}

export const jws = jwsCases();
export const requests = requestCases();
