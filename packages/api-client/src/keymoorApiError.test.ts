import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeymoorApiError, readJson } from './keymoorApiError.ts';

async function errorOf(response: Response): Promise<KeymoorApiError> {
  return readJson(response).then(
    () => assert.fail('it was read'),
    (error) => error,
  );
}

test('an error carries what the API answered', async () => {
  const details = [{ type: 'ResourceInfo', resource_type: 'Realm', id: 'r1', description: 'no such realm' }];
  const error = await errorOf(Response.json({ code: 'not_found', message: 'not found', details }, { status: 404 }));
  assert(error instanceof KeymoorApiError);
  assert.equal(String(error), 'KeymoorApiError: not found');
  assert.deepEqual([error.status, error.code, error.details], [404, 'not_found', details]);
  assert.equal(error.retryAfter, undefined);
});

test('details may be absent, and the server may say when to try again', async () => {
  const init = { status: 503, headers: { 'retry-after': '7' } };
  const error = await errorOf(Response.json({ code: 'service_unavailable', message: 'overloaded' }, init));
  assert.deepEqual([error.details, error.retryAfter], [[], 7]);
});

test('OAuth errors have a code too', async () => {
  const body = { error: 'invalid_client', error_description: 'wrong secret' };
  const described = await errorOf(Response.json(body, { status: 401 }));
  assert.deepEqual([described.code, described.message], ['invalid_client', 'wrong secret']);
  const bare = await errorOf(Response.json({ error: 'invalid_scope' }, { status: 400 }));
  assert.deepEqual([bare.code, bare.message], ['invalid_scope', 'invalid_scope']);
});

for (const [body, status] of [['<h1>Bad gateway</h1>', 502], ['', 404], ['null', 500], ['[]', 500], ['<p>Log in</p>', 200]] as const) {
  test(`${status} ${body} is not an answer of the API`, async () => {
    const error = await errorOf(new Response(body, { status, headers: { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' } }));
    assert.deepEqual([error.status, error.code, error.retryAfter], [status, 'unexpected_response', undefined]);
    assert.equal(error.message, `the response with status ${status} is not from the API`);
  });
}
