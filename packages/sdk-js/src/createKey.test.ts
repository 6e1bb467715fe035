import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type FakeBrowser, fakeBrowser } from '../test/fakeBrowser.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { allowedKeys, createKey } from './createKey.ts';
import { Fields } from './fields.ts';

const CLAIMS = { sub: 'CN=I, OU=R, O=T', token: 'X' };
const OWNER = { realm: 'Customers', username: 'user1', displayName: 'User One' };
const BOTH = ['software_passkey', 'webauthn_passkey'];

let browser: FakeBrowser;
beforeEach(() => {
  browser = fakeBrowser('https://app.example.org/');
});

const make = (type: string, methods?: string[]) => {
  const config = { type, ...(methods ? { authentication_methods: methods.map((name) => ({ type: name })) } : {}) };
  const log = { write: () => {} };
  return createKey(allowedKeys(new Fields(config, 'config', 'invalid_response')), CLAIMS, OWNER, undefined, log);
};

const CHOICES: [type: string, methods: string[] | undefined, withAuthenticator: string, without: string][] = [
  ['embedded', undefined, 'webauthn', 'subtle'],
  ['embedded', [], 'webauthn', 'subtle'],
  ['embedded', ['something_new'], 'webauthn', 'subtle'],
  ['embedded', BOTH, 'webauthn', 'subtle'],
  ['embedded', ['software_passkey'], 'subtle', 'subtle'],
  ['embedded', ['webauthn_passkey'], 'webauthn', 'unsupported'],
  ['platform', undefined, 'webauthn', 'subtle'],
  ['hosted_web', BOTH, 'webauthn', 'subtle'],
  ['hosted_login', BOTH, 'webauthn', 'subtle'],
  ['hosted_web', ['software_passkey'], 'subtle', 'subtle'],
  ['hosted_web', ['subtle_crypto_passkey'], 'subtle', 'subtle'],
  ['hosted_web', ['webauthn_passkey'], 'webauthn', 'unsupported'],
  ['hosted_web', ['email_one_time_password'], 'unsupported', 'unsupported'],
  ['hosted_web', [], 'unsupported', 'unsupported'],
];
for (const [type, methods, withAuthenticator, without] of CHOICES) {
  for (const [available, expected] of [[true, withAuthenticator], [false, without]] as const) {
    test(`${type} with ${methods} ${available ? 'and' : 'without'} an authenticator makes ${expected}`, async () => {
      browser.authenticator.available = available;
      if (expected === 'unsupported') await rejectsWith('unsupported', make(type, methods));
      else assert.equal((await make(type, methods)).key.type, expected);
    });
  }
}

for (const name of ['SecurityError', 'NotSupportedError', 'ConstraintError', 'UnknownError']) {
  test(`an authenticator that fails with ${name} gives way to a software key`, async () => {
    browser.authenticator.available = true;
    browser.authenticator.failure = new DOMException('failed', name);
    assert.equal((await make('embedded')).key.type, 'subtle');
    assert.equal(browser.authenticator.creations.length, 1);
  });
}

for (const name of ['NotAllowedError', 'AbortError']) {
  test(`a person who refuses (${name}) gets no software key instead`, async () => {
    browser.authenticator.available = true;
    browser.authenticator.failure = new DOMException('refused', name);
    const error = await rejectsWith('cancelled', make('embedded'));
    assert.equal(error.cause, browser.authenticator.failure);
  });
}

test('an authenticator that fails is an error where nothing else is allowed', async () => {
  browser.authenticator.available = true;
  browser.authenticator.failure = new DOMException('failed', 'UnknownError');
  await rejectsWith('unsupported', make('embedded', ['webauthn_passkey']));
});

test('a browser without WebAuthn makes a software key', async () => {
  Object.defineProperty(globalThis, 'PublicKeyCredential', { value: undefined, configurable: true });
  assert.equal((await make('embedded')).key.type, 'subtle');
});

test('a software key can be read by no script', async () => {
  const { key } = await make('embedded');
  assert.ok(key.type === 'subtle');
  assert.equal(key.privateKey.extractable, false);
  await assert.rejects(crypto.subtle.exportKey('jwk', key.privateKey));
});

test('an authenticator is asked for a verified user, an ES256 key and a fresh user handle', async () => {
  browser.authenticator.available = true;
  await make('embedded');
  await make('embedded');
  const [first, second] = browser.authenticator.creations;
  assert.ok(first && second);
  assert.deepEqual(first.rp, { id: 'app.example.org', name: 'Customers' });
  assert.deepEqual(first.pubKeyCredParams, [{ type: 'public-key', alg: -7 }]);
  assert.equal(first.attestation, 'direct');
  assert.deepEqual(first.authenticatorSelection, {
    authenticatorAttachment: 'platform',
    userVerification: 'required',
    residentKey: 'discouraged',
  });
  assert.equal(first.user.name, 'user1');
  assert.equal(first.user.displayName, 'User One');
  assert.notDeepEqual(first.user.id, second.user.id);
  assert.equal(new TextDecoder().decode(first.challenge), JSON.stringify(CLAIMS));
});
