import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeApi, json } from '../test/fakeApi.ts';
import type { TokenProvider } from './clientCredentials.ts';
import { createClient } from './createClient.ts';

const BASE = 'https://api.example.org';

function client(api: FakeApi, token: string | TokenProvider = 'the-token', baseUrl = BASE) {
  return createClient({ baseUrl, tenantId: 't1', token, fetch: api.fetch });
}

test('parameters go into the path and the query', async () => {
  const api = new FakeApi(json({ identities: [], total_size: 0 }));
  await client(api).listIdentities({ realm_id: 'r1', page_size: 5, filter: 'traits.username eq "a b&c"' });
  const [request] = api.sent;
  assert.equal(request?.method, 'GET');
  const query = 'page_size=5&filter=traits.username+eq+%22a+b%26c%22';
  assert.equal(request?.url, `${BASE}/v1/tenants/t1/realms/r1/identities?${query}`);
  assert.equal(request?.headers.get('authorization'), 'Bearer the-token');
  assert.equal(request?.headers.has('content-type'), false);
  assert.equal(request?.body, '');
});

test('the other parameters are the JSON body', async () => {
  const api = new FakeApi(json({ id: 'i1' }));
  const identity = { display_name: 'Ada', traits: { type: 'traits_v0', username: 'ada' } } as const;
  assert.deepEqual(await client(api).createIdentity({ realm_id: 'r1', identity }), { id: 'i1' });
  const [request] = api.sent;
  assert.equal(request?.method, 'POST');
  assert.equal(request?.url, `${BASE}/v1/tenants/t1/realms/r1/identities`);
  assert.equal(request?.headers.get('content-type'), 'application/json');
  assert.deepEqual(request?.body, { identity });
});

test('a custom verb follows the id', async () => {
  const api = new FakeApi(json({ id: 'c1' }));
  await client(api).revokeCredential({ realm_id: 'r1', identity_id: 'i1', credential_id: 'c1' });
  const [request] = api.sent;
  assert.equal(request?.method, 'POST');
  assert.equal(request?.url, `${BASE}/v1/tenants/t1/realms/r1/identities/i1/credentials/c1:revoke`);
  assert.equal(request?.body, '');
});

test('an operation without required parameters needs no argument, and a base URL may have a path', async () => {
  const api = new FakeApi(json({ id: 't1' }));
  await client(api, 'the-token', `${BASE}/keymoor/`).getTenant();
  assert.equal(api.sent[0]?.url, `${BASE}/keymoor/v1/tenants/t1`);
});

test('an empty response is undefined', async () => {
  const api = new FakeApi(() => new Response());
  assert.equal(await client(api).deleteRealm({ realm_id: 'r1' }), undefined);
});

test('the wildcard is an id, and what an id contains never changes the path', async () => {
  const api = new FakeApi(json({ credentials: [], total_size: 0 }));
  await client(api).listCredentials({ realm_id: '../r/1?x#:revoke', identity_id: '-' });
  const realm = '..%2Fr%2F1%3Fx%23%3Arevoke';
  assert.equal(api.sent[0]?.url, `${BASE}/v1/tenants/t1/realms/${realm}/identities/-/credentials`);
});

for (const realm_id of ['', '.', '..', undefined, 1]) {
  test(`${JSON.stringify(realm_id)} is not sent as an id`, async () => {
    const api = new FakeApi(json({}));
    await assert.rejects(client(api).deleteRealm({ realm_id: realm_id as string }), {
      name: 'TypeError',
      message: `realm_id must be an id, not ${JSON.stringify(realm_id)}`,
    });
    assert.deepEqual(api.sent, []);
  });
}

test('an unknown parameter is not dropped silently', async () => {
  const parameters = { realm_id: 'r1', page_siez: 5 };
  await assert.rejects(async () => client(new FakeApi(json({}))).listIdentities(parameters), {
    name: 'TypeError',
    message: 'there is no parameter page_siez',
  });
});

test('a call can be cancelled', async () => {
  const api = new FakeApi(json({ id: 't1' }));
  await assert.rejects(client(api).getTenant({}, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('a rejected token is replaced once', async () => {
  const unauthorized = json({ code: 'unauthorized', message: 'the token is not valid' }, 401);
  const api = new FakeApi(unauthorized, json({ id: 't1' }), unauthorized);
  const rejections: (string | undefined)[] = [];
  const provider: TokenProvider = (rejected) => {
    rejections.push(rejected);
    return rejected === undefined ? 'old' : 'new';
  };
  const { getTenant } = client(api, provider);
  assert.deepEqual(await getTenant(), { id: 't1' });
  assert.deepEqual(rejections, [undefined, 'old']);
  const tokens = api.sent.map(({ headers }) => headers.get('authorization'));
  assert.deepEqual(tokens, ['Bearer old', 'Bearer new']);
  await assert.rejects(getTenant(), { status: 401, code: 'unauthorized' });
  assert.equal(api.sent.length, 4);
});

test('a fixed token is not tried twice', async () => {
  const api = new FakeApi(json({ code: 'unauthorized', message: 'the token is not valid' }, 401));
  await assert.rejects(client(api).getTenant(), { status: 401, message: 'the token is not valid' });
  assert.equal(api.sent.length, 1);
});

test('without a fetch of its own the client uses the global one', async (t) => {
  const api = new FakeApi(json({ id: 't1' }));
  t.mock.method(globalThis, 'fetch', api.fetch);
  await createClient({ baseUrl: BASE, tenantId: 't1', token: 'the-token' }).getTenant();
  assert.equal(api.sent.length, 1);
});
