import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type FakeBrowser, fakeBrowser } from '../test/fakeBrowser.ts';
import { APPLICATION, FakeServer, JOB } from '../test/fakeServer.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { Embedded, type KeymoorErrorCode } from './index.ts';

const PAGE = 'https://app.example.org';
const API = 'https://api.example.org';
const ENDPOINT = `/v1/tenants/${JOB.tenant}/realms/${JOB.realm}/applications/${APPLICATION}/bi-authenticate`;

let browser: FakeBrowser;
let server: FakeServer;
let embedded: Embedded;
beforeEach(async () => {
  browser = fakeBrowser(`${PAGE}/`);
  server = new FakeServer(API, PAGE);
  embedded = await Embedded.initialize({ allowedDomains: ['api.example.org'] });
});

const now = () => Math.floor(Date.now() / 1000);

async function bound(): Promise<string> {
  const { passkey } = await embedded.bindPasskey(server.apiLink());
  server.requests.length = 0;
  return passkey.id;
}

for (const kind of ['subtle', 'webauthn'] as const) {
  test(`a ${kind} key signs in, and the proof says what the protocol wants`, async () => {
    browser.authenticator.available = kind === 'webauthn';
    const id = await bound();
    const before = now();
    const answer = await embedded.authenticate(server.signInUrl(before), id);
    assert.deepEqual(answer, {
      redirectUrl:
        'https://app.example.org/callback?iss=https%3A%2F%2Fissuer.example&code=the+code&state=state+%26+more',
    });
    assert.deepEqual(server.paths(), ['GET /keys/jwks.json', `POST ${ENDPOINT}`]);
    assert.equal(server.requests[1]?.headers.get('x-correlation-id'), 'correlation 1');
    const [claims] = server.claims;
    assert.ok(claims);
    const iat = claims['iat'] as number;
    assert.ok(iat >= before && iat <= now());
    assert.match(claims['iss'] as string, /^[0-9a-f-]{36}:\d+\.\d+\.\d+$/);
    assert.match(claims['jti'] as string, /^[0-9a-f-]{36}$/);
    const credentialId = claims['pub_key_cred_id'] as string | undefined;
    if (kind === 'webauthn') assert.match(credentialId ?? '', /^[A-Za-z0-9+/]+$/);
    assert.deepEqual(claims, {
      iss: claims['iss'],
      sub: `CN=${JOB.identity}, OU=${JOB.realm}, O=${JOB.tenant}`,
      aud: [`${API}${ENDPOINT}`],
      iat,
      exp: iat + 4200,
      nbf: iat - 4200,
      jti: claims['jti'],
      bi_tid: 'TX',
      bi_non: 'sealed.nonce',
      bi_prf: 'W10=',
      bi_pol_ver: 'v3',
      flow_type: 'embedded',
      ...(kind === 'webauthn' ? { pub_key_cred_id: credentialId } : {}),
    });
  });
}

test('an authenticator is asked for the one key of the passkey and a verified user', async () => {
  browser.authenticator.available = true;
  await embedded.authenticate(server.signInUrl(now()), await bound());
  const [request] = browser.authenticator.requests;
  assert.equal(request?.rpId, 'app.example.org');
  assert.equal(request?.userVerification, 'required');
  assert.equal(request?.allowCredentials?.length, 1);
});

test('a browser has one name in all its proofs, and each proof its own id', async () => {
  const id = await bound();
  await embedded.authenticate(server.signInUrl(now()), id);
  await embedded.authenticate(server.signInUrl(now()), id);
  const [first, second] = server.claims;
  assert.equal(first?.['iss'], second?.['iss']);
  assert.notEqual(first?.['jti'], second?.['jti']);
});

for (const [redirectUri, state, expected] of [
  ['https://app.example.org/cb', undefined, 'https://app.example.org/cb?code=the+code'],
  ['com.example.app:/cb', 's', 'com.example.app:/cb?code=the+code&state=s'],
  ['https://app.example.org/cb?a=b%20c', '', 'https://app.example.org/cb?a=b%20c&code=the+code&state='],
] as const) {
  test(`the code and the state ${state} are added to ${redirectUri}`, async () => {
    const url = server.signInUrl(now(), (_, { authn }) => {
      authn.redirect_uri = redirectUri;
      authn.state = state;
    });
    assert.equal((await embedded.authenticate(url, await bound())).redirectUrl, expected);
  });
}

test('a message of the answer is handed on', async () => {
  const id = await bound();
  server.answer('/bi-authenticate', 200, { type: 'allow', code: 'c', message: 'welcome' });
  assert.equal((await embedded.authenticate(server.signInUrl(now()), id)).message, 'welcome');
});

test('c4_a_denial_is_policy_denied_with_the_words_of_the_server', async () => {
  const id = await bound();
  server.answer('/bi-authenticate', 200, { type: 'deny', message: 'not from here' });
  const error = await rejectsWith('policy_denied', embedded.authenticate(server.signInUrl(now()), id));
  assert.equal(error.message, 'not from here');
});

test('a request that already allows or denies needs no proof', async () => {
  const id = await bound();
  const decided = (action: Record<string, object>) =>
    server.signInUrl(now(), (_, { authn }) => {
      authn.action = action;
    });
  const { redirectUrl } = await embedded.authenticate(decided({ allow: { code: 'early' } }), id);
  assert.ok(new URL(redirectUrl).searchParams.get('code') === 'early');
  await rejectsWith('policy_denied', embedded.authenticate(decided({ deny: {} }), id));
  assert.deepEqual(server.claims, []);
});

test('a server that asks for another proof gets one for its new values', async () => {
  const id = await bound();
  const next = { type: 'prove', transaction_id: 'TX2', nonce: 'N2', bi_pol_ver: 'v3' };
  server.overrides.set('/bi-authenticate', () => {
    server.overrides.clear();
    return Response.json(next);
  });
  await embedded.authenticate(server.signInUrl(now()), id);
  assert.deepEqual(server.claims.map((claims) => [claims['bi_tid'], claims['bi_non']]), [['TX2', 'N2']]);
});

test('a server that asks for proofs for ever is given up', async () => {
  const id = await bound();
  server.answer('/bi-authenticate', 200, { type: 'prove', transaction_id: 'TX', nonce: 'N', bi_pol_ver: 'v3' });
  await rejectsWith('invalid_response', embedded.authenticate(server.signInUrl(now()), id));
  assert.equal(server.requests.filter(({ url }) => url.pathname === ENDPOINT).length, 5);
});

test('an unknown passkey is refused before anything is proved', async () => {
  await rejectsWith('passkey_not_found', embedded.authenticate(server.signInUrl(now()), 'unknown'));
  assert.deepEqual(server.paths(), ['GET /keys/jwks.json']);
});

test('the id of the server is not the id of the passkey', async () => {
  await bound();
  await rejectsWith('passkey_not_found', embedded.authenticate(server.signInUrl(now()), 'credential1'));
});

test('h3_a_deleted_passkey_is_gone_and_deleting_it_again_succeeds', async () => {
  browser.authenticator.available = true;
  const id = await bound();
  await embedded.deletePasskey(id);
  await embedded.deletePasskey(id);
  await embedded.deletePasskey('unknown');
  assert.deepEqual(await embedded.getPasskeys(), []);
  assert.equal(browser.authenticator.forgotten.length, 1);
  await rejectsWith('passkey_not_found', embedded.authenticate(server.signInUrl(now()), id));
});

test('a passkey of another realm signs nothing', async () => {
  const id = await bound();
  const url = server.signInUrl(now(), (_, { authn }) => {
    authn.rid = 'another';
  });
  await rejectsWith('invalid_request', embedded.authenticate(url, id));
  assert.deepEqual(server.claims, []);
});

test('a person who cancels is told apart from a failure', async () => {
  browser.authenticator.available = true;
  const id = await bound();
  browser.authenticator.failure = new DOMException('no', 'NotAllowedError');
  await rejectsWith('cancelled', embedded.authenticate(server.signInUrl(now()), id));
  browser.authenticator.failure = new DOMException('no', 'SecurityError');
  await rejectsWith('unsupported', embedded.authenticate(server.signInUrl(now()), id));
});

for (const [status, body, code] of [
  [400, { code: 'bad_request', message: 'invalid proof' }, 'invalid_request'],
  [403, { code: 'forbidden', message: 'forbidden' }, 'untrusted_origin'],
  [429, {}, 'rate_limited'],
  [503, {}, 'server'],
  [200, { type: 'continue' }, 'invalid_response'],
  [200, { type: 'allow' }, 'invalid_response'],
  [200, { type: 'prove', transaction_id: 'TX', nonce: 'N', bi_pol_ver: 'v2' }, 'invalid_response'],
  [200, {}, 'invalid_response'],
] as [number, unknown, KeymoorErrorCode][]) {
  test(`an answer of ${status} ${JSON.stringify(body)} is ${code}`, async () => {
    const id = await bound();
    server.answer('/bi-authenticate', status, body);
    await rejectsWith(code, embedded.authenticate(server.signInUrl(now()), id));
  });
}
