import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type FakeBrowser, fakeBrowser } from '../test/fakeBrowser.ts';
import { FakeServer, JOB } from '../test/fakeServer.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { settle } from '../test/settle.ts';
import { Embedded, type KeymoorErrorCode } from './index.ts';

const PAGE = 'https://app.example.org';
const API = 'https://api.example.org';
const IDENTITY_PATH = `/v1/tenants/${JOB.tenant}/realms/${JOB.realm}/identities/${JOB.identity}`;
const JOB_PATH = `${IDENTITY_PATH}/credential-binding-jobs/${JOB.job}`;

let browser: FakeBrowser;
let server: FakeServer;
let embedded: Embedded;
let logged: unknown[][];
beforeEach(async () => {
  browser = fakeBrowser(`${PAGE}/`);
  server = new FakeServer(API, PAGE);
  logged = [];
  embedded = await Embedded.initialize({
    allowedDomains: ['api.example.org'],
    logger: { write: (...data) => logged.push(data) },
  });
});

for (const kind of ['subtle', 'webauthn'] as const) {
  test(`an API link binds a ${kind} key`, async () => {
    browser.authenticator.available = kind === 'webauthn';
    const { passkey } = await embedded.bindPasskey(server.apiLink());
    assert.deepEqual(server.paths(), [`POST ${JOB_PATH}:getInfo`, `POST ${JOB_PATH}:bind`]);
    assert.equal(server.bound.size, 1);
    assert.match(passkey.id, /^[0-9a-f]{64}$/);
    assert.deepEqual(passkey, {
      id: passkey.id,
      passkeyId: 'credential1',
      created: '2026-01-01T00:00:01.000Z',
      keyType: kind,
      state: 'Active',
      tenant: { id: JOB.tenant, displayName: 'Acme' },
      realm: { id: JOB.realm, displayName: 'Customers' },
      identity: {
        id: JOB.identity,
        username: 'user1',
        displayName: 'User One',
        externalId: 'crm-4711',
        emailAddress: 'user1@example.org',
      },
      theme: { logoUrlLight: '', logoUrlDark: '' },
    });
    assert.deepEqual(await embedded.getPasskeys(), [passkey]);
  });
}

test('an app link binds without being called itself', async () => {
  await embedded.bindPasskey(server.appLink('https://elsewhere.example'));
  assert.deepEqual(server.paths(), [`POST ${JOB_PATH}:getInfo`, `POST ${JOB_PATH}:bind`]);
});

test('h2_no_call_follows_a_redirect_or_says_where_it_comes_from', async () => {
  await embedded.bindPasskey(server.apiLink());
  for (const { init } of server.requests) {
    assert.equal(init.redirect, 'error');
    assert.equal(init.credentials, 'omit');
    assert.equal(init.referrerPolicy, 'no-referrer');
    assert.equal(init.cache, 'no-store');
    assert.ok(init.signal);
  }
});

test('h4_an_id_that_would_lead_elsewhere_makes_no_link', async () => {
  for (const id of ['../../x', '..', 'a/b', 'a b', 'ä', 'x'.repeat(129)]) {
    const link = new URL(server.appLink(PAGE));
    link.searchParams.set('job_id', id);
    await rejectsWith('invalid_url', embedded.bindPasskey(link.href));
  }
  assert.deepEqual(server.paths(), []);
});

test('d4_no_url_that_is_called_holds_the_token', async () => {
  for (const link of [server.apiLink(), server.appLink(PAGE)]) await embedded.bindPasskey(link);
  for (const { url } of server.requests) assert.ok(!url.href.includes(JOB.token), url.href);
});

test('h1_the_answer_has_the_two_names_and_the_deprecated_ones_as_getters', async () => {
  const response = await embedded.bindPasskey(server.apiLink());
  const { passkey, postBindingRedirectUri } = response;
  const all = { passkey, postBindingRedirectUri, postBindRedirect: postBindingRedirectUri, credential: passkey, id: passkey.id };
  assert.deepEqual({ ...response }, all);
  assert.deepEqual(JSON.parse(JSON.stringify(response)), all);
  assert.equal(response.postBindingRedirectUri, 'https://app.example.org/done');
  assert.equal(response.postBindRedirect, response.postBindingRedirectUri);
  assert.equal(response.credential, response.passkey);
  assert.equal(response.id, response.passkey.id);
});

test('h1_without_a_redirect_the_answer_has_no_such_member', async () => {
  delete server.info['post_binding_redirect_uri'];
  const response = await embedded.bindPasskey(server.apiLink());
  assert.ok(!('postBindingRedirectUri' in response));
  assert.equal(response.postBindRedirect, undefined);
});

for (const uri of ['javascript:alert(1)', 'JavaScript:alert(1)', 'data:text/html,x', 'view-source:x', 'ms-settings:x', 'intent://x', '/relative']) {
  test(`d5_a_job_that_leads_to_${uri}_is_refused_before_a_key_is_made`, async () => {
    server.info['post_binding_redirect_uri'] = uri;
    await rejectsWith('invalid_response', embedded.bindPasskey(server.apiLink()));
    assert.equal(server.bound.size, 0);
  });
}

for (const kind of ['subtle', 'webauthn'] as const) {
  test(`h3_binding_an_identity_again_replaces_its_${kind}_passkey`, async () => {
    browser.authenticator.available = kind === 'webauthn';
    const first = await embedded.bindPasskey(server.apiLink());
    const second = await embedded.bindPasskey(server.apiLink());
    assert.notEqual(first.passkey.id, second.passkey.id);
    assert.deepEqual(await embedded.getPasskeys(), [second.passkey]);
    assert.equal(browser.authenticator.forgotten.length, kind === 'webauthn' ? 1 : 0);
  });
}

const REFUSALS: [status: number, body: unknown, code: KeymoorErrorCode][] = [
  [404, { code: 'not_found', message: 'credential binding job not found' }, 'link_not_found'],
  ...(['complete', 'expired', 'revoked'] as const).map((state): [number, unknown, KeymoorErrorCode] => [
    409,
    {
      code: 'conflict',
      message: 'conflict',
      details: [{ type: 'ResourceInfo', resource_type: 'CredentialBindingJob', id: JOB.job, description: state }],
    },
    `link_${state}`,
  ]),
  [403, { code: 'forbidden', message: 'forbidden' }, 'user_suspended'],
  [400, { code: 'bad_request', message: 'invalid proof' }, 'invalid_request'],
  [500, 'no object', 'server'],
];
for (const step of [':getInfo', ':bind']) {
  for (const [status, body, code] of REFUSALS) {
    test(`a3_a_${status}_${code}_at_${step}_is_reported_and_the_former_passkey_stays`, async () => {
      browser.authenticator.available = true;
      const { passkey } = await embedded.bindPasskey(server.apiLink());
      server.answer(step, status, body);
      await rejectsWith(code, embedded.bindPasskey(server.apiLink()));
      assert.deepEqual(await embedded.getPasskeys(), [passkey]);
      const isRefused = step === ':bind' && status < 500;
      assert.equal(browser.authenticator.forgotten.length, isRefused ? 1 : 0);
    });
  }
}

for (const [what, answer] of [
  ['no JSON', () => new Response('<html>')],
  ['a list', () => Response.json([])],
  ['null', () => Response.json(null)],
  ['a wrapped object', () => Response.json({ credential: { id: 'c', state: 'ACTIVE', create_time: 't' } })],
] as const) {
  test(`an answer to bind that is ${what} is an invalid response and stores nothing`, async () => {
    server.overrides.set(':bind', answer);
    await rejectsWith('invalid_response', embedded.bindPasskey(server.apiLink()));
    assert.deepEqual(await embedded.getPasskeys(), []);
  });
}

for (const [what, code, answer] of [
  ['no answer', 'network', () => Promise.reject(new TypeError('Failed to fetch'))],
  ['the error of a gateway', 'server', () => new Response('<html>', { status: 502 })],
  ['a refusal that is not of the server', 'invalid_request', () => new Response('<html>', { status: 408 })],
  ['no JSON', 'invalid_response', () => new Response('{')],
  ['no credential', 'invalid_response', () => Response.json({})],
] as const) {
  test(`after ${what} to bind the authenticator keeps the key, which the server may have taken`, async () => {
    browser.authenticator.available = true;
    server.overrides.set(':bind', answer);
    await rejectsWith(code, embedded.bindPasskey(server.apiLink()));
    assert.deepEqual(browser.authenticator.forgotten, []);
  });
}

test('the authenticator keeps the key that the server took and this browser could not store', async () => {
  browser.authenticator.available = true;
  server.overrides.set(':bind', () => {
    indexedDB.open = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    return Response.json({ id: 'c', state: 'ACTIVE', create_time: 't' });
  });
  await rejectsWith('storage', embedded.bindPasskey(server.apiLink()));
  assert.deepEqual(browser.authenticator.forgotten, []);
});

for (const missing of ['tenant', 'realm', 'identity', 'theme', 'authenticator_config']) {
  test(`job information without ${missing} is an invalid response before a key is made`, async () => {
    delete server.info[missing];
    const error = await rejectsWith('invalid_response', embedded.bindPasskey(server.apiLink()));
    assert.equal(error.message, `answer.${missing} isn't an object`);
    assert.equal(server.bound.size, 0);
  });
}

test('no answer is a network error that keeps its cause and no token', async () => {
  const cause = new TypeError('Failed to fetch');
  server.overrides.set(':getInfo', () => Promise.reject(cause));
  const error = await rejectsWith('network', embedded.bindPasskey(server.apiLink()));
  assert.equal(error.cause, cause);
  assert.equal(error.message, `no answer from ${API}${JOB_PATH}:getInfo`);
});

for (const url of ['', 'nonsense', `${PAGE}/bind`, `${PAGE}/bi-authenticate?request=X`]) {
  test(`what is no binding link is refused without a call: "${url}"`, async () => {
    await rejectsWith('invalid_url', embedded.bindPasskey(url));
    assert.deepEqual(server.requests, []);
  });
}

test('h2_an_api_link_to_another_host_is_not_called', async () => {
  await rejectsWith('disallowed_domain', embedded.bindPasskey(server.apiLink().replace('api.', 'evil.')));
  assert.deepEqual(server.requests, []);
});

test('h2_an_app_link_that_names_another_host_is_not_called', async () => {
  const link = server.appLink(PAGE).replace('api.example.org', 'evil.example.org');
  await rejectsWith('disallowed_domain', embedded.bindPasskey(link));
  assert.deepEqual(server.requests, []);
});

test('a person who cancels gets no passkey, and the link still works', async () => {
  browser.authenticator.available = true;
  browser.authenticator.failure = new DOMException('no', 'NotAllowedError');
  await rejectsWith('cancelled', embedded.bindPasskey(server.apiLink()));
  assert.ok(!server.paths().some((path) => path.endsWith(':bind')));
  browser.authenticator.failure = undefined;
  await embedded.bindPasskey(server.apiLink());
});

test('storage that fails is noticed before the server takes a key', async () => {
  indexedDB.open = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  await rejectsWith('storage', embedded.bindPasskey(server.apiLink()));
  assert.deepEqual(server.requests, []);
});

test('a page that binds one link twice at once gets one passkey', async () => {
  const other = await Embedded.initialize({ allowedDomains: ['api.example.org'] });
  const [a, b] = await Promise.all([embedded.bindPasskey(server.apiLink()), other.bindPasskey(server.apiLink())]);
  assert.equal(a.passkey.id, b.passkey.id);
  assert.equal(server.bound.size, 1);
});

/** The SDK once more, sharing nothing with the first but what tabs of one browser share. */
async function openTab(name: string): Promise<Embedded> {
  const module: typeof import('./embedded.ts') = await import(`./embedded.ts?${name}`);
  return module.Embedded.initialize({ allowedDomains: ['api.example.org'] });
}

for (const locks of ['locks', 'no locks']) {
  test(`two tabs with ${locks} that bind at once leave one passkey`, async () => {
    if (locks === 'no locks') browser.locks = undefined;
    const other = await openTab(locks);
    const bound = await Promise.all([embedded.bindPasskey(server.apiLink()), other.bindPasskey(server.apiLink())]);
    const [left, ...more] = await embedded.getPasskeys();
    assert.deepEqual(more, []);
    assert.ok(bound.some(({ passkey }) => passkey.id === left?.id));
  });
}

test('a tab waits until the other has bound', async () => {
  const other = await openTab('waits');
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  server.overrides.set(':getInfo', () => {
    asked.resolve();
    return answer.promise;
  });
  const first = embedded.bindPasskey(server.apiLink());
  await asked.promise;
  const second = other.bindPasskey(server.apiLink());
  await settle();
  const meanwhile = server.requests.length;
  server.overrides.clear();
  answer.resolve(Response.json(server.info));
  await Promise.all([first, second]);
  assert.equal(meanwhile, 1);
  assert.equal(server.requests.length, 4);
});

test("d4_the_page's_own_link_is_dropped_from_the_address_and_the_rest_of_it_stays", async () => {
  browser.open(`${server.appLink(PAGE)}&lang=de#top`);
  await embedded.bindPasskey(browser.url());
  assert.equal(browser.url(), `${PAGE}/bind?lang=de#top`);
  assert.deepEqual(browser.historyState, { kept: true });
});

test('d4_a_link_that_failed_stays_in_the_address_to_be_tried_again', async () => {
  browser.open(server.appLink(PAGE));
  server.answer(':bind', 500, {});
  await rejectsWith('server', embedded.bindPasskey(browser.url()));
  assert.equal(browser.url(), server.appLink(PAGE));
});

test('d4_another_link_in_the_address_is_left_alone', async () => {
  browser.open(server.appLink(PAGE, 'another-token'));
  await embedded.bindPasskey(server.apiLink());
  assert.equal(browser.url(), server.appLink(PAGE, 'another-token'));
});

test('no log entry holds the token', async () => {
  browser.authenticator.available = true;
  browser.authenticator.failure = new DOMException('failed', 'UnknownError');
  await embedded.bindPasskey(server.appLink(PAGE));
  assert.ok(logged.length > 0);
  assert.ok(!logged.flat().map(String).join(' ').includes(JOB.token));
});
