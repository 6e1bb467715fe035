import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';
import { clientCredentials, createClient, KeymoorApiError } from '../src/index.ts';
import { FakeApi, json } from './fakeApi.ts';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const [create, call, list, errors, ...more] = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);

type Example = (...globals: unknown[]) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => Example;

/** What the examples printed. */
let printed: string[];
beforeEach(() => {
  printed = [];
});

/** Runs an example against a server that gives these answers. */
async function run(example: string | undefined, api: FakeApi): Promise<void> {
  assert(example);
  const token = 'the-token';
  const globals = {
    KeymoorApiError,
    clientCredentials: (credentials: object) => clientCredentials({ ...credentials, fetch: api.fetch } as never),
    createClient: (options: object) => createClient({ ...options, fetch: api.fetch } as never),
    init: {
      api_url: 'https://api.example.org',
      tenant_id: 't1',
      management: { client_id: 'app', client_secret: 'secret', token_endpoint: 'https://auth.example.org/token' },
    },
    ...(example !== create && {
      keymoor: createClient({ baseUrl: 'https://api.example.org', tenantId: 't1', token, fetch: api.fetch }),
    }),
    realm_id: 'r1',
    identity_id: 'i1',
    console: { log: (...data: unknown[]) => printed.push(data.join(' ')) },
  };
  const body = example.replace(/^import .*;\n/gm, '');
  await new AsyncFunction(...Object.keys(globals), body)(...Object.values(globals));
}

test('every example of the README is run here', () => {
  assert(errors);
  assert.deepEqual(more, []);
});

test('the example of a client gets a token and uses it', async () => {
  const api = new FakeApi(json({ access_token: 'the-token', expires_in: 3_600 }), json({ display_name: 'Acme' }));
  await run(create, api);
  assert.deepEqual(printed, ['Acme']);
  assert.equal(api.sent[1]?.headers.get('authorization'), 'Bearer the-token');
});

test('the example of operations leads to a link', async () => {
  const ids = ['r1', 'c1', 'i1'].map((id) => json({ id })) as [ReturnType<typeof json>];
  const api = new FakeApi(...ids, json({ credential_binding_link: 'the-link', credential_binding_job: { id: 'j1' } }));
  await run(call, api);
  assert.deepEqual(printed, ['the-link']);
  const { url, body } = api.sent[3] ?? {};
  assert.equal(url, 'https://api.example.org/v1/tenants/t1/realms/r1/identities/i1/credential-binding-jobs');
  assert.deepEqual(body, { job: { delivery_method: 'RETURN', authenticator_config_id: 'c1' } });
});

test('the example of lists prints all pages', async () => {
  const page = (id: string, next_page_token?: string) =>
    json({ identities: [{ id, display_name: id.toUpperCase() }], total_size: 2, next_page_token });
  await run(list, new FakeApi(page('a', 'more'), page('a', 'more'), page('b')));
  assert.deepEqual(printed, ['1 of 2', 'a A', 'b B']);
});

test('the example of errors prints the wrong fields', async () => {
  const field_violations = [{ field: 'identity.display_name', description: 'must not be empty' }];
  const details = [{ type: 'FieldViolations', field_violations }];
  await run(errors, new FakeApi(json({ code: 'bad_request', message: 'invalid request', details }, 400)));
  assert.deepEqual(printed, ['identity.display_name: must not be empty']);
});
