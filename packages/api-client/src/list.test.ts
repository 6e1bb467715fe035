import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeApi, json } from '../test/fakeApi.ts';
import { createClient } from './createClient.ts';

const page = (next: string | null | undefined, ...ids: string[]) =>
  json({ realms: ids.map((id) => ({ id })), total_size: 3, ...(next !== undefined && { next_page_token: next }) });

function listRealms(api: FakeApi, parameters: { skip?: number; page_size?: number; filter?: string } = {}) {
  const client = createClient({ baseUrl: 'https://api.example.org', tenantId: 't1', token: 'x', fetch: api.fetch });
  return client.listRealms(parameters);
}

async function idsOf(realms: AsyncIterable<{ id: string }>): Promise<string[]> {
  const ids = [];
  for await (const { id } of realms) ids.push(id);
  return ids;
}

test('awaited, a list is its first page', async () => {
  const api = new FakeApi(page('more', 'a', 'b'));
  const { realms, next_page_token } = await listRealms(api);
  assert.deepEqual([realms.map(({ id }) => id), next_page_token], [['a', 'b'], 'more']);
  assert.equal(api.sent.length, 1);
});

for (const end of [undefined, null, '']) {
  test(`iterated, it is the items of all pages until the token is ${JSON.stringify(end)}`, async () => {
    const api = new FakeApi(page('2&3', 'a', 'b'), page('3'), page(end, 'c'));
    assert.deepEqual(await idsOf(listRealms(api, { page_size: 2, filter: 'f', skip: 7 })), ['a', 'b', 'c']);
    const queries = api.sent.map(({ url }) => new URL(url).search);
    // What is to be skipped has been skipped after the first page.
    assert.deepEqual(queries, [
      '?page_size=2&skip=7&filter=f',
      '?page_size=2&page_token=2%263&filter=f',
      '?page_size=2&page_token=3&filter=f',
    ]);
  });
}

test('a page that is not needed is not requested', async () => {
  const api = new FakeApi(page('more', 'a', 'b'));
  for await (const { id } of listRealms(api)) {
    assert.equal(id, 'a');
    break;
  }
  assert.equal(api.sent.length, 1);
});

test('an error of any page ends the iteration', async () => {
  const refusal = json({ code: 'service_unavailable', message: 'overloaded' }, 503);
  await assert.rejects(idsOf(listRealms(new FakeApi(refusal))), { status: 503 });
  await assert.rejects(idsOf(listRealms(new FakeApi(page('more', 'a'), refusal))), { status: 503 });
});
