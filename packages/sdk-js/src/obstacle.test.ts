import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type FakeBrowser, fakeBrowser } from '../test/fakeBrowser.ts';
import { FakeServer } from '../test/fakeServer.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { Embedded, type Fido2Locator } from './index.ts';
import { obstacle } from './obstacle.ts';

const PAGE = 'https://app.example.org';
const FRAME = /^this page is in a frame of another origin, or a sandboxed one, where it may not use an authenticator/;

let browser: FakeBrowser;
let server: FakeServer;
let embedded: Embedded;
beforeEach(async () => {
  browser = fakeBrowser(`${PAGE}/`);
  browser.authenticator.available = true;
  server = new FakeServer('https://api.example.org', PAGE);
  server.offersFido2 = true;
  embedded = await Embedded.initialize({ allowedDomains: ['api.example.org'] });
});

const onlyWebAuthn = () => {
  const list = [{ type: 'webauthn_passkey' }];
  server.info['authenticator_config'] = { config: { type: 'embedded', authentication_methods: list } };
};
const frameOfAnotherOrigin = () => {
  throw new DOMException('Blocked a frame from accessing a cross-origin frame.', 'SecurityError');
};
const signInUrl = () => server.signInUrl(Math.floor(Date.now() / 1000));

for (const offersFido2 of [true, false]) {
  test(`in a frame of another origin no key is asked of an authenticator (${offersFido2})`, async () => {
    server.offersFido2 = offersFido2;
    browser.parent = frameOfAnotherOrigin;
    onlyWebAuthn();
    const error = await rejectsWith('unsupported', embedded.bindPasskey(server.apiLink()));
    assert.match(error.message, FRAME);
    assert.equal(browser.authenticator.creations.length, 0);
  });
}

test('in a frame of another origin a software key is made where it is allowed', async () => {
  browser.parent = frameOfAnotherOrigin;
  assert.equal((await embedded.bindPasskey(server.apiLink())).passkey.keyType, 'subtle');
  assert.equal(browser.authenticator.creations.length, 0);
});

test('in a frame of another origin without storage the frame is the reason, before anything is called', async () => {
  browser.parent = frameOfAnotherOrigin;
  indexedDB.open = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  assert.match((await rejectsWith('unsupported', embedded.bindPasskey(server.apiLink()))).message, FRAME);
  assert.deepEqual(server.requests, []);
});

test('in a frame of another origin no signature is asked of an authenticator', async () => {
  const { id } = (await embedded.bindPasskey(server.apiLink())).passkey;
  browser.parent = frameOfAnotherOrigin;
  const calls = (['local', 'autofill', { email: 'user1@example.org' }] as Fido2Locator[]).map(
    (locator) => () => embedded.authenticateFido2(signInUrl(), locator),
  );
  for (const call of [() => embedded.authenticate(signInUrl(), id), ...calls]) {
    assert.match((await rejectsWith('unsupported', call())).message, FRAME);
  }
  server.offersFido2 = false;
  await rejectsWith('unsupported', embedded.authenticate(signInUrl(), id));
  assert.equal(browser.authenticator.requests.length, 0);
});

test('frames of the same origin are pages like others', () => {
  const top = { origin: PAGE } as { origin: string; parent?: unknown };
  top.parent = top;
  browser.parent = () => ({ origin: PAGE, parent: top });
  assert.equal(obstacle('create'), undefined);
  top.origin = 'https://other.example';
  assert.match(obstacle('create')?.message ?? '', FRAME);
});

for (const [use, feature] of [
  ['create', 'publickey-credentials-create'],
  ['get', 'publickey-credentials-get'],
] as const) {
  for (const member of ['featurePolicy', 'permissionsPolicy']) {
    test(`a policy (${member}) that forbids ${feature} is named`, () => {
      Object.defineProperty(document, member, { value: document.featurePolicy, configurable: true });
      browser.policy[feature] = false;
      assert.match(obstacle(use)?.message ?? '', new RegExp(`may not use ${feature}: its Permissions-Policy`));
      browser.policy[feature] = true;
      assert.equal(obstacle(use), undefined);
    });
  }

  test(`a browser that does not know ${feature} does not forbid it`, () => {
    browser.policy['camera'] = false;
    assert.equal(obstacle(use), undefined);
  });
}

declare global {
  interface Document {
    featurePolicy?: unknown;
  }
}

test('a page whose policy forbids it asks for no key and no signature', async () => {
  const { id } = (await embedded.bindPasskey(server.apiLink())).passkey;
  onlyWebAuthn();
  browser.policy = { 'publickey-credentials-create': false, 'publickey-credentials-get': false };
  const error = await rejectsWith('unsupported', embedded.bindPasskey(server.apiLink()));
  assert.match(error.message, /publickey-credentials-create.*Permissions-Policy/);
  await rejectsWith('unsupported', embedded.authenticate(signInUrl(), id));
  assert.deepEqual([browser.authenticator.creations.length, browser.authenticator.requests.length], [1, 0]);
});
