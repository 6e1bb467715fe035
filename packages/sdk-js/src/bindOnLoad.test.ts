import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type FakeBrowser, fakeBrowser } from '../test/fakeBrowser.ts';
import { FakeServer } from '../test/fakeServer.ts';
import { settle } from '../test/settle.ts';
import { type BindPasskeyResponse, Embedded, KeymoorError } from './index.ts';

const PAGE = 'https://app.example.org';

let browser: FakeBrowser;
let server: FakeServer;
beforeEach(() => {
  browser = fakeBrowser(`${PAGE}/`);
  server = new FakeServer(PAGE);
  browser.open(server.appLink(PAGE));
});

/** Initialises, and gives the outcome of binding. */
async function load() {
  const outcome = Promise.withResolvers<BindPasskeyResponse | KeymoorError>();
  const embedded = await Embedded.initialize({
    bindOnLoad: { onResult: outcome.resolve, onError: outcome.resolve },
  });
  return { embedded, outcome: outcome.promise };
}

function act(type: string): void {
  if (browser.userActivation) browser.userActivation.hasBeenActive = true;
  browser.dispatch(type, true);
}

for (const type of ['pointerdown', 'keydown', 'touchend']) {
  test(`a9_the_page_url_is_bound_at_the_first_${type}_and_not_before`, async () => {
    const { embedded, outcome } = await load();
    await settle();
    assert.deepEqual(server.requests, []);
    act(type);
    const response = await outcome;
    assert.ok('passkey' in response);
    assert.deepEqual(await embedded.getPasskeys(), [response.passkey]);
    assert.equal(browser.url(), `${PAGE}/bind`);
    assert.equal(browser.listeners(), 0);
  });
}

test('a9_an_event_that_the_browser_does_not_count_is_no_act', async () => {
  await load();
  browser.dispatch('keydown', true);
  await settle();
  assert.deepEqual(server.requests, []);
  assert.ok(browser.listeners() > 0);
});

test('a9_where_the_browser_keeps_no_count_only_real_events_are_acts', async () => {
  browser.userActivation = null;
  const { outcome } = await load();
  browser.dispatch('pointerdown', false);
  await settle();
  assert.deepEqual(server.requests, []);
  browser.dispatch('pointerdown', true);
  assert.ok('passkey' in (await outcome));
});

test('a9_a_person_who_has_acted_already_is_not_asked_again', async () => {
  browser.userActivation = { hasBeenActive: true };
  assert.ok('passkey' in (await (await load()).outcome));
});

test('a9_several_acts_bind_once', async () => {
  const { outcome } = await load();
  act('pointerdown');
  act('pointerup');
  act('keydown');
  await outcome;
  await settle();
  assert.equal(server.bound.size, 1);
});

test('without_bindOnLoad_the_page_url_is_not_bound', async () => {
  await Embedded.initialize();
  await Embedded.initialize({ bindOnLoad: false });
  act('pointerdown');
  await settle();
  assert.deepEqual(server.requests, []);
  assert.equal(browser.listeners(), 0);
});

test('a page whose URL is no link waits for nothing', async () => {
  browser.open(`${PAGE}/home`);
  await load();
  assert.equal(browser.listeners(), 0);
});

test('a link that the application has bound itself is not bound again', async () => {
  const { embedded } = await load();
  await embedded.bindPasskey(browser.url());
  act('pointerdown');
  await settle();
  assert.equal(server.bound.size, 1);
});

test('a failure goes to onError', async () => {
  server.answer(':getInfo', 404, { code: 'not_found', message: 'not found' });
  const { outcome } = await load();
  act('pointerdown');
  const error = await outcome;
  assert.ok(error instanceof KeymoorError);
  assert.equal(error.code, 'link_not_found');
});

test('a failure without onError goes to the page', async () => {
  server.answer(':getInfo', 404, {});
  await Embedded.initialize({ bindOnLoad: true });
  act('pointerdown');
  while (browser.reported.length === 0) await settle();
  assert.deepEqual(browser.reported.map((error) => (error as KeymoorError).code), ['link_not_found']);
});
