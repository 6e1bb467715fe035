import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { FakeApi, json } from '../test/fakeApi.ts';
import { type ClientCredentials, clientCredentials } from './clientCredentials.ts';

const TOKEN_ENDPOINT = 'https://auth.example.org/token';

let issued: number;
beforeEach(() => {
  issued = 0;
});

function issue(expires_in: number) {
  return new FakeApi(() => Response.json({ access_token: `token-${++issued}`, token_type: 'Bearer', expires_in }));
}

function provider(api: FakeApi, more: Partial<ClientCredentials> = {}) {
  const credentials = { tokenEndpoint: TOKEN_ENDPOINT, clientId: 'app', clientSecret: 's:e/c+ret', fetch: api.fetch };
  return clientCredentials({ ...credentials, ...more });
}

test('the request is the client credentials grant with HTTP Basic', async () => {
  const api = issue(3_600);
  assert.equal(await provider(api, { scope: 'realms:read identities:read' })(), 'token-1');
  const [request] = api.sent;
  assert.equal(request?.url, TOKEN_ENDPOINT);
  assert.equal(request?.headers.get('authorization'), `Basic ${btoa('app:s%3Ae%2Fc%2Bret')}`);
  assert.match(request?.headers.get('content-type') ?? '', /^application\/x-www-form-urlencoded/);
  assert.equal(request?.body, 'grant_type=client_credentials&scope=realms%3Aread+identities%3Aread');
});

for (const [lifetime, used] of [[3_600, 3_540], [60, 54]] as const) {
  test(`a token of ${lifetime} s is used for ${used} s`, async (t) => {
    t.mock.timers.enable({ apis: ['Date'] });
    const token = provider(issue(lifetime));
    assert.equal(await token(), 'token-1');
    t.mock.timers.setTime(used * 1_000 - 1);
    assert.equal(await token(), 'token-1');
    t.mock.timers.setTime(used * 1_000);
    assert.equal(await token(), 'token-2');
  });
}

test('concurrent calls share one request', async () => {
  const api = issue(3_600);
  const token = provider(api);
  assert.deepEqual(await Promise.all([token(), token(), token()]), ['token-1', 'token-1', 'token-1']);
  assert.equal(api.sent.length, 1);
});

test('a rejected token is replaced once for all calls that used it', async () => {
  const api = issue(3_600);
  const token = provider(api);
  const old = await token();
  assert.deepEqual(await Promise.all([token(old), token(old)]), ['token-2', 'token-2']);
  assert.equal(await token(old), 'token-2');
  assert.equal(await token(), 'token-2');
  assert.equal(api.sent.length, 2);
});

test('a failure is reported to the caller and forgotten', async () => {
  const refusal = json({ error: 'invalid_client', error_description: 'wrong secret' }, 401);
  const token = provider(new FakeApi(refusal, json({ access_token: 'good', expires_in: 60 })));
  await assert.rejects(token(), { name: 'KeymoorApiError', status: 401, code: 'invalid_client', message: 'wrong secret' });
  assert.equal(await token(), 'good');
});
