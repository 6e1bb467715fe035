import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { fakeBrowser } from '../test/fakeBrowser.ts';
import { FakeServer, type RequestClaims } from '../test/fakeServer.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { parseAllowedDomains } from './allowedDomains.ts';
import { Embedded, type KeymoorErrorCode } from './index.ts';
import { parseAuthenticateUrl } from './parseAuthenticateUrl.ts';
import { RequestKeys } from './requestKeys.ts';
import { CLOCK_LEEWAY_S, verifyRequest } from './verifyRequest.ts';

const API = 'https://api.example.org';
const NOW_S = 1_800_000_000;
type Change = (header: Record<string, unknown>, claims: RequestClaims) => void;

let server: FakeServer;
let keys: RequestKeys;
const domains = parseAllowedDomains(['api.example.org'], new URL('https://app.example.org'));
beforeEach(() => {
  fakeBrowser('https://app.example.org/');
  server = new FakeServer(API);
  keys = new RequestKeys(domains);
});

const jwt = (change?: Change) => parseAuthenticateUrl(server.signInUrl(NOW_S, change)) ?? '';
const verify = (text: string) => verifyRequest(text, keys, domains, NOW_S);

test('a request signed with ES256 is read', async () => {
  const request = await verify(jwt());
  assert.equal(request.baseUrl, API);
  assert.deepEqual(request.firstStep, { type: 'prove', transactionId: 'TX', nonce: 'sealed.nonce' });
});

test('a request signed with RS256 is read', async () => {
  await verify(jwt((header) => Object.assign(header, { alg: 'RS256', kid: 'rs' })));
});

test('keys are fetched once, and again for a key that is not known yet', async () => {
  await verify(jwt());
  await verify(jwt());
  assert.equal(server.requests.length, 1);
  await verify(jwt((header) => Object.assign(header, { alg: 'RS256', kid: 'rs' })));
  assert.equal(server.requests.length, 2);
});

test('a kid of one key set says nothing in another', async () => {
  await verify(jwt());
  server.answer('/other.json', 200, { keys: [] });
  await rejectsWith('invalid_request', verify(jwt((header) => Object.assign(header, { jku: `${API}/other.json` }))));
});

const TIMES: [claim: 'exp' | 'nbf', offset: number, valid: boolean][] = [
  ['exp', -CLOCK_LEEWAY_S + 1, true],
  ['exp', -CLOCK_LEEWAY_S, false],
  ['nbf', CLOCK_LEEWAY_S, true],
  ['nbf', CLOCK_LEEWAY_S + 1, false],
];
for (const [claim, offset, valid] of TIMES) {
  test(`a request whose ${claim} is ${offset} s from now is ${valid ? 'accepted' : 'refused'}`, async () => {
    const text = jwt((_, claims) => {
      claims[claim] = NOW_S + offset;
    });
    if (valid) await verify(text);
    else await rejectsWith('invalid_request', verify(text));
  });
}

const REFUSED: [what: string, code: KeymoorErrorCode, change: Change][] = [
  ['alg none', 'invalid_request', (header) => (header['alg'] = 'none')],
  ['alg HS256', 'invalid_request', (header) => (header['alg'] = 'HS256')],
  ['alg toString', 'invalid_request', (header) => (header['alg'] = 'toString')],
  ['no alg', 'invalid_request', (header) => delete header['alg']],
  ['no kid', 'invalid_request', (header) => delete header['kid']],
  ['no jku', 'invalid_request', (header) => delete header['jku']],
  ['an unknown kid', 'invalid_request', (header) => (header['kid'] = 'unknown')],
  ['the kid of a key of another type', 'invalid_request', (header) => (header['kid'] = 'rs')],
  ['a kid whose key no browser can read', 'invalid_request', (header) => (header['kid'] = 'other')],
  ['a critical header', 'invalid_request', (header) => (header['crit'] = ['x'])],
  ['a jku elsewhere', 'disallowed_domain', (header) => (header['jku'] = 'https://evil.example/keys/jwks.json')],
  ['a jku over http', 'disallowed_domain', (header) => (header['jku'] = 'http://api.example.org/keys/jwks.json')],
  ['a jku that is none', 'invalid_url', (header) => (header['jku'] = '/keys/jwks.json')],
  ['a base_url elsewhere', 'disallowed_domain', (_, { authn }) => (authn.base_url = 'https://evil.example')],
  ['a redirect to a script', 'invalid_request', (_, { authn }) => (authn.redirect_uri = 'javascript:alert(1)')],
  ['no exp', 'invalid_request', (_, claims) => delete (claims as Partial<RequestClaims>).exp],
  ['an nbf that is text', 'invalid_request', (_, claims) => (claims.nbf = '1')],
  ['no cid', 'invalid_request', (_, claims) => (claims.cid = null)],
  ['no action', 'invalid_request', (_, { authn }) => (authn.action = {})],
  ['an unknown action', 'invalid_request', (_, { authn }) => (authn.action = { cancel: {} })],
  ['an older policy', 'invalid_request', (_, { authn }) => (authn.action = { prove: { bi_pol_ver: 'v2' } })],
];
for (const [what, code, change] of REFUSED) {
  test(`a request with ${what} is refused`, async () => {
    await rejectsWith(code, verify(jwt(change)));
    assert.ok(server.requests.every(({ url }) => url.origin === API));
  });
}

for (const [what, change] of [
  ['claims', ([header, , signature]: string[]) => [header, Buffer.from('{"exp":9}').toString('base64url'), signature]],
  ['signature', ([header, claims]: string[]) => [header, claims, Buffer.alloc(64).toString('base64url')]],
  ['signature in DER', ([header, claims]: string[]) => [header, claims, Buffer.alloc(70, 48).toString('base64url')]],
  ['header', ([, claims, signature]: string[]) => ['e30', claims, signature]],
  ['shape', (parts: string[]) => [...parts, 'x']],
  ['ending', ([header, claims]: string[]) => [header, claims, '']],
  ['alphabet', ([header, claims, signature]: string[]) => [header, `${claims}=`, signature]],
  ['JSON', ([, claims, signature]: string[]) => ['bm9uc2Vuc2U', claims, signature]],
] as const) {
  test(`a request with another ${what} is refused`, async () => {
    await rejectsWith('invalid_request', verify(change(jwt().split('.')).join('.')));
  });
}

test('a key that is too short verifies nothing', async () => {
  const { publicKey } = await crypto.subtle.generateKey(
    { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' },
    true,
    ['sign', 'verify'],
  );
  server.answer('/jwks.json', 200, { keys: [{ ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: 'rs' }] });
  const short = verify(jwt((header) => Object.assign(header, { alg: 'RS256', kid: 'rs' })));
  await rejectsWith('invalid_request', short);
});

for (const change of [{ alg: 'ES384' }, { use: 'enc' }, { kty: 'RSA' }, { crv: 'P-384' }, { key_ops: ['sign'] }]) {
  test(`a key for something else verifies nothing: ${JSON.stringify(change)}`, async () => {
    const jwk = server.signing.publicKey.export({ format: 'jwk' });
    server.answer('/jwks.json', 200, { keys: [{ ...jwk, kid: 'es', ...change }] });
    await rejectsWith('invalid_request', verify(jwt()));
  });
}

test('a key with everything said right verifies', async () => {
  const jwk = server.signing.publicKey.export({ format: 'jwk' });
  server.answer('/jwks.json', 200, { keys: [{ ...jwk, kid: 'es', alg: 'ES256', use: 'sig', key_ops: ['verify'] }] });
  await verify(jwt());
});

test('the context of a verified request is shown without using it up', async () => {
  const embedded = await Embedded.initialize({ allowedDomains: ['api.example.org'] });
  const url = server.signInUrl(Math.floor(Date.now() / 1000));
  const expected = {
    authUrl: url,
    authMethods: [{ type: 'webauthn_passkey' }, { type: 'software_passkey' }],
    application: { id: 'application1', displayName: 'Sample' },
    origin: { sourceIp: '203.0.113.9', userAgent: 'Browser/1', geolocation: '', referer: 'https://app.example.org' },
  };
  assert.deepEqual(await embedded.getAuthenticationContext(url), expected);
  assert.deepEqual(await embedded.getAuthenticationContext(url), expected);
  assert.deepEqual(server.paths(), ['GET /keys/jwks.json']);
});

test('what is no sign-in URL has no context', async () => {
  const embedded = await Embedded.initialize();
  await rejectsWith('invalid_url', embedded.getAuthenticationContext('https://app.example.org/bind'));
  await rejectsWith('invalid_url', embedded.authenticate('nonsense', 'id'));
});
