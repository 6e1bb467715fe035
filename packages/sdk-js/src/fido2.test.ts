import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { IDBFactory } from 'fake-indexeddb';
import { type FakeBrowser, fakeBrowser } from '../test/fakeBrowser.ts';
import { FakeServer, JOB, USER_HANDLE } from '../test/fakeServer.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { settle } from '../test/settle.ts';
import { Embedded, type Fido2Locator } from './index.ts';

const OWNER = `CN=${JOB.identity}, OU=${JOB.realm}, O=${JOB.tenant}`;
const EMAIL = 'user1@example.org';

let browser: FakeBrowser;
let server: FakeServer;
let embedded: Embedded;
beforeEach(async () => {
  browser = fakeBrowser('https://app.example.org/');
  browser.authenticator.available = true;
  server = new FakeServer('https://api.example.org', 'https://app.example.org');
  server.offersFido2 = true;
  embedded = await Embedded.initialize({ allowedDomains: ['api.example.org'] });
});

const bind = async () => (await embedded.bindPasskey(server.apiLink())).passkey;
const signInUrl = () => server.signInUrl(Math.floor(Date.now() / 1000));
const allow = (...methods: string[]) => {
  const list = methods.map((type) => ({ type }));
  server.info['authenticator_config'] = { config: { type: 'embedded', authentication_methods: list } };
};
const boundBy = () => server.requests.filter(({ url }) => url.pathname.endsWith(':bind')).map(({ body }) => JSON.parse(body).type);

test('a key is made with the options of a server that makes them', async () => {
  const { keyType } = await bind();
  assert.equal(keyType, 'webauthn');
  assert.deepEqual(boundBy(), ['FIDO2']);
  const [options] = browser.authenticator.creations;
  assert.equal(Buffer.from(options?.challenge as Uint8Array).toString(), 'a challenge at binding');
  assert.equal(Buffer.from(options?.user.id as Uint8Array).toString('base64url'), USER_HANDLE);
  assert.deepEqual(options?.authenticatorSelection, { residentKey: 'required', userVerification: 'required' });
  assert.equal(options?.attestation, 'direct');
  assert.deepEqual((options as { hints?: string[] }).hints, ['client-device']);
});

test('a server that makes no options is told as before', async () => {
  server.offersFido2 = false;
  await bind();
  assert.deepEqual(boundBy(), ['WEBAUTHN']);
});

test('without an authenticator of the device, software keys come first where they are allowed', async () => {
  browser.authenticator.available = false;
  assert.equal((await bind()).keyType, 'subtle');
  assert.deepEqual(boundBy(), ['JWT']);
});

test('a security key will do where nothing else is allowed', async () => {
  browser.authenticator.available = false;
  allow('webauthn_passkey');
  assert.equal((await bind()).keyType, 'webauthn');
});

test('h3_binding_an_identity_again_replaces_the_passkey_that_this_browser_holds', async () => {
  await bind();
  server.known.push('AAAA');
  const { id } = await bind();
  const excluded = browser.authenticator.creations[1]?.excludeCredentials ?? [];
  assert.deepEqual(
    excluded.map((credential) => [credential.type, Buffer.from(credential.id as Uint8Array).toString('base64url')]),
    [['public-key', 'AAAA']],
  );
  assert.deepEqual((await embedded.getPasskeys()).map((passkey) => passkey.id), [id]);
  await embedded.authenticate(signInUrl(), id);
});

test('a passkey that another browser bound is not replaced, and signs in', async () => {
  await bind();
  indexedDB = new IDBFactory();
  allow('webauthn_passkey', 'software_passkey');
  await rejectsWith('passkey_exists', bind());
  assert.deepEqual(boundBy(), ['FIDO2']);
  await embedded.authenticateFido2(signInUrl(), 'local');
});

for (const [member, value] of [
  ['challenge', undefined],
  ['challenge', 'a+b='],
  ['user', { id: 5 }],
  ['user', undefined],
  ['excludeCredentials', 5],
  ['excludeCredentials', [{ type: 'public-key', id: '+' }]],
] as const) {
  test(`options whose ${member} is ${JSON.stringify(value)} are an invalid response`, async () => {
    allow('webauthn_passkey');
    server.info = { ...server.info, fido2: { creation_options: { challenge: 'AA', user: { id: 'AA' }, [member]: value } } };
    server.offersFido2 = false;
    await rejectsWith('invalid_response', bind());
    assert.equal(browser.authenticator.creations.length, 0);
  });
}

test('a passkey signs in over the challenge of the server', async () => {
  const { id } = await bind();
  const { redirectUrl } = await embedded.authenticate(signInUrl(), id);
  assert.equal(new URL(redirectUrl).searchParams.get('code'), 'the code');
  const [proof] = server.claims;
  assert.deepEqual([proof?.['transaction_id'], proof?.['nonce'], proof?.['sub']], ['TX', 'sealed.nonce', OWNER]);
  const [request] = browser.authenticator.requests;
  assert.equal(request?.rpId, undefined);
  assert.deepEqual(request?.allowCredentials?.map(({ transports }) => transports), [['internal', 'hybrid']]);
});

test('a passkey bound the older way signs in over the challenge of the server, too', async () => {
  server.offersFido2 = false;
  const { id } = await bind();
  server.offersFido2 = true;
  await embedded.authenticate(signInUrl(), id);
  assert.equal(server.claims[0]?.['sub'], OWNER);
});

test('a passkey bound with the options of the server signs in the older way where no options come', async () => {
  const { id } = await bind();
  server.offersFido2 = false;
  await embedded.authenticate(signInUrl(), id);
  assert.equal(server.claims[0]?.['sub'], OWNER);
  assert.equal(server.claims[0]?.['bi_tid'], 'TX');
});

test('local leaves the choice to the authenticator, which names the person', async () => {
  await bind();
  await embedded.authenticateFido2(signInUrl(), 'local');
  assert.deepEqual(browser.authenticator.requests[0]?.allowCredentials, []);
  const [proof] = server.claims as { sub?: string; credential: { response: Record<string, string> } }[];
  assert.equal(proof?.sub, undefined);
  assert.equal(proof?.credential.response['userHandle'], USER_HANDLE);
});

test('an address is looked up in this browser only', async () => {
  await bind();
  await embedded.authenticateFido2(signInUrl(), { email: EMAIL.toUpperCase() });
  assert.equal(server.claims[0]?.['sub'], OWNER);
  assert.equal(browser.authenticator.requests[0]?.allowCredentials?.length, 1);
  await rejectsWith('passkey_not_found', embedded.authenticateFido2(signInUrl(), { email: 'other@example.org' }));
});

async function untilAsked(): Promise<void> {
  while (browser.authenticator.requests.length === 0) await setImmediate();
}

test('autofill waits until the person picks a passkey', async () => {
  await bind();
  const { promise, resolve } = Promise.withResolvers<void>();
  browser.authenticator.pick = promise;
  const signingIn = embedded.authenticateFido2(signInUrl(), 'autofill');
  await untilAsked();
  assert.equal(server.claims.length, 0);
  resolve();
  assert.match((await signingIn).redirectUrl, /code=/);
});

for (const next of ['local', 'autofill', 'bind', 'authenticate'] as const) {
  test(`a waiting autofill ends when ${next} asks the authenticator`, async () => {
    const { id } = await bind();
    browser.authenticator.pick = new Promise(() => {});
    const waiting = rejectsWith('cancelled', embedded.authenticateFido2(signInUrl(), 'autofill'));
    await untilAsked();
    if (next === 'autofill') browser.authenticator.pick = Promise.resolve();
    if (next === 'bind') await bind();
    else if (next === 'authenticate') await embedded.authenticate(signInUrl(), id);
    else await embedded.authenticateFido2(signInUrl(), next);
    await waiting;
  });
}

test('autofill is unsupported where the browser has none', async () => {
  Object.assign(PublicKeyCredential, { isConditionalMediationAvailable: undefined });
  await rejectsWith('unsupported', embedded.authenticateFido2(signInUrl(), 'autofill'));
});

for (const locator of ['local', 'autofill'] satisfies Fido2Locator[]) {
  test(`${locator} is unsupported where the browser has no WebAuthn`, async () => {
    Reflect.deleteProperty(globalThis, 'PublicKeyCredential');
    Reflect.deleteProperty(navigator, 'credentials');
    await rejectsWith('unsupported', embedded.authenticateFido2(signInUrl(), locator));
  });
}

test('autofill is unsupported where the browser does not say whether it has any', async () => {
  Object.assign(PublicKeyCredential, {
    isConditionalMediationAvailable: () => Promise.reject(new DOMException('no', 'NotSupportedError')),
  });
  await rejectsWith('unsupported', embedded.authenticateFido2(signInUrl(), 'autofill'));
});

test('a waiting autofill ends with the sign-in request', async ({ mock }) => {
  await bind();
  const { promise, resolve } = Promise.withResolvers<void>();
  browser.authenticator.pick = promise;
  const url = signInUrl();
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Math.floor(Date.now() / 1000) * 1000 });
  let ended = false;
  const waiting = rejectsWith('cancelled', embedded.authenticateFido2(url, 'autofill')).finally(() => (ended = true));
  await untilAsked();
  mock.timers.tick(290_000);
  await settle();
  assert.equal(ended, false);
  mock.timers.tick(10_000);
  await waiting;
  resolve();
  await settle();
  assert.deepEqual(server.claims, []);
});

for (const locator of ['local', 'autofill', { email: EMAIL }] satisfies Fido2Locator[]) {
  test(`${JSON.stringify(locator)} is unsupported by a request without options`, async () => {
    server.offersFido2 = false;
    await rejectsWith('unsupported', embedded.authenticateFido2(signInUrl(), locator));
  });
}

test('who dismisses the prompt cancels', async () => {
  await bind();
  browser.authenticator.failure = new DOMException('no', 'NotAllowedError');
  await rejectsWith('cancelled', embedded.authenticateFido2(signInUrl(), 'local'));
});

test('a request whose challenge is none is invalid', async () => {
  await bind();
  const url = server.signInUrl(Math.floor(Date.now() / 1000), (_, { authn }) => {
    authn.fido2 = { request_options: { challenge: 7 } };
  });
  await rejectsWith('invalid_request', embedded.authenticateFido2(url, 'local'));
});
