import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type FakeBrowser, fakeBrowser } from '../test/fakeBrowser.ts';
import { FakeServer } from '../test/fakeServer.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { Embedded, type KeymoorErrorCode } from './index.ts';

const PAGE = 'https://app.example.org';
/** As often as one call offers a key. */
const TRIES = 3;

let browser: FakeBrowser;
let server: FakeServer;
let embedded: Embedded;
beforeEach(async () => {
  browser = fakeBrowser(`${PAGE}/`);
  server = new FakeServer('https://api.example.org', PAGE);
  server.bindsOnce = true;
  embedded = await Embedded.initialize({ allowedDomains: ['api.example.org'] });
});

const offers = () => server.requests.filter(({ url }) => url.pathname.endsWith(':bind')).map(({ body }) => body);
const creations = () => browser.authenticator.creations.length;

/** The page after a reload: the SDK once more, with nothing but what the browser stored. */
async function reload(): Promise<Embedded> {
  const module: typeof import('./embedded.ts') = await import(`./embedded.ts?${Math.random()}`);
  return module.Embedded.initialize({ allowedDomains: ['api.example.org'] });
}

async function assertBoundOnce(keyType: string): Promise<void> {
  assert.equal(server.bound.size, 1);
  const [passkey, ...others] = await embedded.getPasskeys();
  assert.ok(passkey);
  assert.deepEqual([passkey.keyType, others], [keyType, []]);
  await embedded.authenticate(server.signInUrl(Math.floor(Date.now() / 1000)), passkey.id);
  assert.equal(browser.authenticator.size, keyType === 'webauthn' ? 1 : 0);
}

const KINDS: [name: string, available: boolean, offersFido2: boolean, keyType: string][] = [
  ['a software key', false, true, 'subtle'],
  ['a key with the options of the server', true, true, 'webauthn'],
  ['a key without the options of the server', true, false, 'webauthn'],
];
for (const [name, available, offersFido2, keyType] of KINDS) {
  const prepare = () => {
    browser.authenticator.available = available;
    server.offersFido2 = offersFido2;
  };

  test(`h4_${name} whose first answer is lost is sent again and bound`, async () => {
    prepare();
    server.losesAnswers = 1;
    const { passkey } = await embedded.bindPasskey(server.apiLink());
    assert.equal(passkey.passkeyId, 'credential1');
    const [first, second, ...more] = offers();
    assert.equal(second, first);
    assert.deepEqual(more, []);
    await assertBoundOnce(keyType);
  });

  test(`h4_${name} whose answers are all lost is bound by a later call with the same link`, async () => {
    prepare();
    server.losesAnswers = TRIES;
    await rejectsWith('network', embedded.bindPasskey(server.apiLink()));
    assert.deepEqual(await embedded.getPasskeys(), []);
    assert.equal(offers().length, TRIES);
    const { passkey, postBindingRedirectUri } = await embedded.bindPasskey(server.apiLink());
    assert.equal(passkey.identity.username, 'user1');
    assert.equal(postBindingRedirectUri, 'https://app.example.org/done');
    assert.equal(new Set(offers()).size, 1);
    assert.equal(creations(), available ? 1 : 0);
    await assertBoundOnce(keyType);
  });

  test(`h4_${name} whose answers are all lost is bound after a reload, by either form of the link`, async () => {
    prepare();
    server.losesAnswers = TRIES;
    await rejectsWith('network', embedded.bindPasskey(server.apiLink()));
    browser.open(server.appLink(PAGE));
    await (await reload()).bindPasskey(browser.url());
    assert.equal(browser.url(), `${PAGE}/bind`);
    await assertBoundOnce(keyType);
  });

  test(`h4_${name} that the server accepted and storage then refused is bound by a later call`, async () => {
    prepare();
    const { open } = indexedDB;
    server.overrides.set(':bind', () => {
      server.overrides.clear();
      indexedDB.open = () => {
        throw new DOMException('full', 'QuotaExceededError');
      };
      return fetch(`https://api.example.org${offersPath()}`, server.requests.at(-1)?.init);
    });
    await rejectsWith('storage', embedded.bindPasskey(server.apiLink()));
    assert.equal(server.bound.size, 1);
    indexedDB.open = open;
    await embedded.bindPasskey(server.apiLink());
    await assertBoundOnce(keyType);
  });

  test(`${name} that did not arrive and is refused later gives way to another`, async () => {
    prepare();
    server.overrides.set(':bind', () => Promise.reject(new TypeError('Failed to fetch')));
    await rejectsWith('network', embedded.bindPasskey(server.apiLink()));
    // As of a challenge that has expired.
    server.overrides.set(':bind', () => {
      server.overrides.clear();
      return Response.json({ code: 'bad_request', message: 'invalid proof' }, { status: 400 });
    });
    await embedded.bindPasskey(server.apiLink());
    assert.equal(new Set(offers()).size, 2);
    await assertBoundOnce(keyType);
  });

  test(`h4_${name} whose link another key used up meanwhile is given up`, async () => {
    prepare();
    server.overrides.set(':bind', () => Promise.reject(new TypeError('Failed to fetch')));
    await rejectsWith('network', embedded.bindPasskey(server.apiLink()));
    server.overrides.clear();
    const details = [{ type: 'ResourceInfo', resource_type: 'CredentialBindingJob', id: 'j', description: 'complete' }];
    server.answer(':bind', 409, { code: 'conflict', message: 'conflict', details });
    await rejectsWith('link_complete', embedded.bindPasskey(server.apiLink()));
    assert.equal(browser.authenticator.size, 0);
    server.overrides.clear();
    await embedded.bindPasskey(server.apiLink());
    await assertBoundOnce(keyType);
  });

  for (const status of [403, 404, 429]) {
    test(`${name} that may have arrived is kept when a later try gets ${status}`, async () => {
      prepare();
      server.losesAnswers = 1;
      let tries = 0;
      const { fetch } = globalThis;
      globalThis.fetch = (...request) =>
        String(request[0]).endsWith(':bind') && ++tries === 2
          ? Promise.resolve(Response.json({ code: 'no', message: 'no' }, { status }))
          : fetch(...request);
      await assert.rejects(embedded.bindPasskey(server.apiLink()), { name: 'KeymoorError' });
      assert.deepEqual(browser.authenticator.forgotten, []);
      await embedded.bindPasskey(server.apiLink());
      await assertBoundOnce(keyType);
    });
  }
}

const offersPath = () => server.requests.at(-1)?.url.pathname ?? '';

for (const [what, code, answer] of [
  ['502', 'server', () => new Response('<html>', { status: 502 })],
  ['503', 'server', () => Response.json({ code: 'service_unavailable', message: 'busy' }, { status: 503 })],
  ['no JSON', 'invalid_response', () => new Response('<html>')],
  ['no answer', 'network', () => Promise.reject(new TypeError('Failed to fetch'))],
] as [string, KeymoorErrorCode, () => Response | Promise<Response>][]) {
  test(`after ${what} a key is offered again, a few times`, async () => {
    server.overrides.set(':bind', answer);
    await rejectsWith(code, embedded.bindPasskey(server.apiLink()));
    assert.equal(offers().length, TRIES);
    server.overrides.set(':bind', () => {
      server.overrides.clear();
      return answer();
    });
    await embedded.bindPasskey(server.apiLink());
    assert.equal(new Set(offers()).size, 1);
    await assertBoundOnce('subtle');
  });
}

for (const status of [400, 403, 404, 409, 429]) {
  test(`a key that the server refuses with ${status} is offered once`, async () => {
    server.answer(':bind', status, { code: 'no', message: 'no' });
    await assert.rejects(embedded.bindPasskey(server.apiLink()), { name: 'KeymoorError' });
    assert.equal(offers().length, 1);
  });
}

test('another link of the same person ends an attempt, and its key is given up', async () => {
  browser.authenticator.available = true;
  server.overrides.set(':bind', () => Promise.reject(new TypeError('Failed to fetch')));
  server.tokens.push('lost');
  await rejectsWith('network', embedded.bindPasskey(server.appLink(PAGE, 'lost')));
  server.overrides.clear();
  assert.equal(browser.authenticator.size, 1);
  await embedded.bindPasskey(server.apiLink());
  await assertBoundOnce('webauthn');
  assert.equal(browser.authenticator.forgotten.length, 1);
  assert.equal((await stored()).length, 0);
});

test('an attempt is forgotten long after its link has expired', async ({ mock }) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const lost = async (identity: string) => {
    server.tokens.push(identity);
    const link = new URL(server.appLink(PAGE, identity));
    link.searchParams.set('identity_id', identity);
    await rejectsWith('network', embedded.bindPasskey(link.href));
  };
  server.overrides.set(':bind', () => Promise.reject(new TypeError('Failed to fetch')));
  await lost('one');
  mock.timers.tick(29 * 24 * 3_600_000);
  await lost('two');
  assert.equal((await stored()).length, 2);
  mock.timers.tick(2 * 24 * 3_600_000);
  await lost('three');
  assert.deepEqual((await stored()).map(({ owner }) => owner[2]).sort(), ['three', 'two']);
});

/** The attempts that the browser remembers. */
function stored(): Promise<{ owner: string[] }[]> {
  return new Promise((resolve) => {
    const opening = indexedDB.open('keymoor');
    opening.onsuccess = () => {
      const reading = opening.result.transaction('device').objectStore('device').getAll();
      reading.onsuccess = () => {
        opening.result.close();
        resolve(reading.result.filter((value) => typeof value === 'object'));
      };
    };
  });
}
