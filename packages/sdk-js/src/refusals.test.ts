import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { IDBDatabase, IDBObjectStore } from 'fake-indexeddb';
import { type Breakage, breakMember } from '../test/broken.ts';
import type { CreatedCredential } from '../test/fakeAuthenticator.ts';
import { type FakeBrowser, fakeBrowser } from '../test/fakeBrowser.ts';
import { FakeServer } from '../test/fakeServer.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { settle } from '../test/settle.ts';
import { Embedded, KeymoorError, type KeymoorErrorCode } from './index.ts';

const PAGE = 'https://app.example.org';

let browser: FakeBrowser;
let server: FakeServer;
beforeEach(() => {
  browser = fakeBrowser(`${PAGE}/`);
  browser.authenticator.available = true;
  server = new FakeServer('https://api.example.org', PAGE);
  server.offersFido2 = true;
  server.bindsOnce = true;
});

const initialize = () => Embedded.initialize({ allowedDomains: ['api.example.org'] });
const signInUrl = () => server.signInUrl(Math.floor(Date.now() / 1000));

/** Every member of every object of a browser that the SDK touches. */
const MEMBERS: [name: string, owner: () => object, members: string[]][] = [
  [
    'globalThis',
    () => globalThis,
    ['indexedDB', 'navigator', 'history', 'document', 'parent', 'origin', 'PublicKeyCredential', 'fetch', 'crypto', 'AbortController', 'AbortSignal'],
  ],
  ['globalThis', () => globalThis, ['atob', 'btoa', 'TextDecoder', 'TextEncoder', 'addEventListener', 'reportError']],
  ['indexedDB', () => indexedDB, ['open']],
  ['navigator', () => navigator, ['locks', 'credentials', 'userActivation']],
  ['navigator.locks', () => navigator.locks, ['request']],
  ['navigator.credentials', () => navigator.credentials, ['create', 'get']],
  ['history', () => history, ['state', 'replaceState']],
  ['document', () => document, ['featurePolicy', 'permissionsPolicy']],
  ['crypto', () => crypto, ['subtle', 'getRandomValues', 'randomUUID']],
  ['crypto.subtle', () => crypto.subtle, ['digest', 'exportKey', 'generateKey', 'importKey', 'sign', 'verify']],
  ['AbortSignal', () => AbortSignal, ['timeout']],
  [
    'PublicKeyCredential',
    () => PublicKeyCredential,
    ['isConditionalMediationAvailable', 'isUserVerifyingPlatformAuthenticatorAvailable', 'signalUnknownCredential'],
  ],
];
const BREAKAGES: Breakage[] = ['is missing', 'can not be looked at', 'throws'];
const ANSWERING = ['globalThis.fetch', 'navigator.locks.request'];
const breakagesOf = (name: string): Breakage[] =>
  /^(navigator\.credentials|crypto\.subtle|PublicKeyCredential)\./.test(name) || ANSWERING.includes(name)
    ? [...BREAKAGES, 'rejects']
    : BREAKAGES;

/** Expects success or a `KeymoorError`, and returns what came of it. */
async function outcomeOf<T>(call: () => Promise<T>): Promise<T | KeymoorError> {
  try {
    return await call();
  } catch (error) {
    assert.ok(error instanceof KeymoorError, `${error}`);
    return error;
  }
}

for (const [name, owner, members] of MEMBERS) {
  for (const member of members) {
    for (const breakage of breakagesOf(`${name}.${member}`)) {
      for (const available of [true, false]) {
        const where = `where ${name}.${member} ${breakage} and the device has ${available ? 'an' : 'no'} authenticator`;

        test(`h4_every_call_ends_well_or_with_a_KeymoorError ${where}`, async () => {
          browser.authenticator.available = available;
          const healthy = await initialize();
          const { id } = (await healthy.bindPasskey(server.apiLink())).passkey;
          const url = signInUrl();
          const mend = breakMember(owner(), member, breakage);
          try {
            const made = await outcomeOf(initialize);
            for (const embedded of made instanceof KeymoorError ? [healthy] : [healthy, made]) {
              await outcomeOf(() => embedded.getAuthenticationContext(url));
              await outcomeOf(() => embedded.authenticate(url, id));
              await outcomeOf(() => embedded.authenticateFido2(url, 'local'));
              await outcomeOf(() => embedded.authenticateFido2(url, 'autofill'));
              await outcomeOf(() => embedded.authenticateFido2(url, { email: 'user1@example.org' }));
              await outcomeOf(() => embedded.bindPasskey(server.apiLink()));
              await outcomeOf(() => embedded.getPasskeys());
              await outcomeOf(() => embedded.deletePasskey(id));
              assert.equal(typeof embedded.isBindPasskeyUrl(url), 'boolean');
              assert.equal(typeof embedded.isAuthenticateUrl(url), 'boolean');
            }
          } finally {
            mend();
          }
        });

        test(`h4_binding_leaves_no_orphaned_key ${where}`, async () => {
          browser.authenticator.available = available;
          browser.open(server.appLink(PAGE));
          const embedded = await initialize();
          const mend = breakMember(owner(), member, breakage);
          const first = await outcomeOf(() => embedded.bindPasskey(server.appLink(PAGE))).finally(mend);
          // What failed is healed by the same link, once the browser has recovered.
          if (first instanceof KeymoorError) await embedded.bindPasskey(server.appLink(PAGE));
          assert.equal(server.bound.size, 1);
          const [passkey, ...others] = await embedded.getPasskeys();
          assert.ok(passkey && others.length === 0);
          await embedded.authenticate(signInUrl(), passkey.id);
          if (member !== 'signalUnknownCredential' && member !== 'PublicKeyCredential') {
            assert.equal(browser.authenticator.size, passkey.keyType === 'webauthn' ? 1 : 0);
          }
        });
      }
    }
  }
}

/** What binding and signing in do without, each with something to lose. */
const DISPENSABLE: [name: string, owner: () => object, member: string][] = [
  ['navigator.locks', () => navigator, 'locks'],
  ['navigator.locks.request', () => navigator.locks, 'request'],
  ['crypto.randomUUID', () => crypto, 'randomUUID'],
  ['history.replaceState', () => history, 'replaceState'],
  ['history.state', () => history, 'state'],
  ['AbortSignal.timeout', () => AbortSignal, 'timeout'],
  ['document.featurePolicy', () => document, 'featurePolicy'],
];
for (const [name, owner, member] of DISPENSABLE) {
  for (const breakage of breakagesOf(name)) {
    if (name === 'AbortSignal.timeout' && breakage !== 'is missing') continue;
    test(`binding and signing in go on where ${name} ${breakage}`, async () => {
      browser.open(server.appLink(PAGE));
      const mend = breakMember(owner(), member, breakage);
      try {
        const embedded = await initialize();
        const { passkey } = await embedded.bindPasskey(browser.url());
        assert.equal(passkey.keyType, 'webauthn');
        await embedded.authenticate(signInUrl(), passkey.id);
      } finally {
        mend();
      }
    });
  }
}

test('a task that fails under a lock is not run again', async () => {
  browser.authenticator.failure = new DOMException('no', 'NotAllowedError');
  await rejectsWith('cancelled', (await initialize()).bindPasskey(server.apiLink()));
  assert.equal(browser.authenticator.creations.length, 1);
});

test('a logger that throws breaks nothing', async () => {
  const write = () => {
    throw new Error('from the application');
  };
  const embedded = await Embedded.initialize({ allowedDomains: ['api.example.org'], logger: { write } });
  await embedded.bindPasskey(server.apiLink());
});

test('an options object that is null is none', async () => {
  await Embedded.initialize(null as unknown as undefined);
});

for (const id of [undefined, null, 7, {}]) {
  test(`a passkey id that is ${JSON.stringify(id)} names no passkey`, async () => {
    const embedded = await initialize();
    await rejectsWith('passkey_not_found', embedded.authenticate(signInUrl(), id as string));
    await embedded.deletePasskey(id as string);
  });
}

for (const locator of [undefined, null, 'email', 7, {}, { email: 7 }]) {
  test(`a locator that is ${JSON.stringify(locator)} is refused with the choices`, async () => {
    const error = await rejectsWith('invalid_config', (await initialize()).authenticateFido2(signInUrl(), locator as 'local'));
    assert.match(error.message, /'local', 'autofill' or \{ email \}/);
  });
}

for (const [what, distort] of [
  ...['getTransports', 'getPublicKey', 'getPublicKeyAlgorithm', 'getAuthenticatorData'].flatMap((method) =>
    [
      ['is missing', undefined],
      ['is null', null],
      ['is no function', 'text'],
      ['gives null', () => null],
      [
        'throws',
        () => {
          throw new TypeError('Illegal invocation');
        },
      ],
    ].map(([how, value]) => [`${method} ${how}`, ({ response }: CreatedCredential) => (response[method as string] = value)] as const),
  ),
  [
    'getClientExtensionResults throws',
    (credential: CreatedCredential) => {
      credential['getClientExtensionResults'] = () => {
        throw new TypeError('Illegal invocation');
      };
    },
  ],
  ['getClientExtensionResults is missing', (credential: CreatedCredential) => delete credential['getClientExtensionResults']],
  ['type is missing', (credential: CreatedCredential) => delete credential['type']],
] as const) {
  for (const offersFido2 of [true, false]) {
    test(`a password manager whose ${what} binds and signs in ${offersFido2 ? 'with' : 'without'} the server's options`, async () => {
      server.offersFido2 = offersFido2;
      browser.authenticator.distort = distort as (credential: CreatedCredential) => void;
      const embedded = await initialize();
      const { passkey } = await embedded.bindPasskey(server.apiLink());
      assert.equal(passkey.keyType, 'webauthn');
      for (const signsWithFido2 of [true, false]) {
        server.offersFido2 = signsWithFido2;
        await embedded.authenticate(signInUrl(), passkey.id);
      }
    });
  }
}

for (const attestation of [undefined, null, new ArrayBuffer(0), new ArrayBuffer(300), Uint8Array.of(0xff, 0xff).buffer]) {
  const what = attestation ? `has ${attestation.byteLength} bytes of nonsense` : String(attestation);
  test(`a key without the server's options whose attestation is ${what} is given up for a software key`, async () => {
    server.offersFido2 = false;
    browser.authenticator.distort = ({ response }) => (response['attestationObject'] = attestation);
    const { passkey } = await (await initialize()).bindPasskey(server.apiLink());
    assert.equal(passkey.keyType, 'subtle');
    assert.equal(browser.authenticator.size, 0);
  });
}

const never = () => new Promise(() => {});
for (const [method, keyType] of [
  ['isUserVerifyingPlatformAuthenticatorAvailable', 'subtle'],
  ['signalUnknownCredential', 'webauthn'],
] as const) {
  test(`binding goes on where ${method} never answers`, async ({ mock }) => {
    const embedded = await initialize();
    await embedded.bindPasskey(server.apiLink());
    server.bindsOnce = false;
    Object.assign(PublicKeyCredential, { [method]: never });
    mock.timers.enable({ apis: ['setTimeout'] });
    const binding = embedded.bindPasskey(server.apiLink());
    const ticking = tickUntil(binding, mock.timers);
    assert.equal((await binding).passkey.keyType, keyType);
    await ticking;
  });
}

test('autofill is unsupported where the browser never says whether it has any', async ({ mock }) => {
  const embedded = await initialize();
  Object.assign(PublicKeyCredential, { isConditionalMediationAvailable: never });
  const url = signInUrl();
  mock.timers.enable({ apis: ['setTimeout'] });
  const signingIn = rejectsWith('unsupported', embedded.authenticateFido2(url, 'autofill'));
  await tickUntil(signingIn, mock.timers);
  await signingIn;
});

const LIMIT_MS = 20_000;

/** Lets time pass until a promise is settled. */
async function tickUntil(promise: Promise<unknown>, timers: { tick(ms: number): void }): Promise<void> {
  let settled = false;
  const end = () => (settled = true);
  promise.then(end, end);
  // What is waited for may be real work, such as a signature, so it is not known how many ticks it takes.
  for (const started = performance.now(); !settled && performance.now() - started < LIMIT_MS; timers.tick(1_000)) await settle();
}

for (const [what, breakStorage] of [
  ['can not be looked at', () => breakMember(globalThis, 'indexedDB', 'can not be looked at')],
  ['refuses to open', () => breakMember(indexedDB, 'open', 'throws')],
] as const) {
  test(`where storage ${what}, what needs it says so before anything else happens, and the rest works`, async () => {
    await (await initialize()).bindPasskey(server.apiLink());
    server.requests.length = browser.authenticator.creations.length = 0;
    const mend = breakStorage();
    try {
      const embedded = await initialize();
      await rejectsWith('storage', embedded.bindPasskey(server.apiLink()));
      assert.deepEqual([server.requests, browser.authenticator.creations], [[], []]);
      await rejectsWith('storage', embedded.getPasskeys());
      await embedded.authenticateFido2(signInUrl(), 'local');
    } finally {
      mend();
    }
  });
}

test('storage that never opens is an error in the end, and its late answer is closed', async ({ mock }) => {
  const embedded = await initialize();
  await embedded.getPasskeys();
  const open = indexedDB.open.bind(indexedDB);
  const late = Promise.withResolvers<void>();
  let database: IDBDatabase | undefined;
  indexedDB.open = (...request) => {
    const real = open(...request);
    const held = {} as IDBOpenDBRequest;
    real.onsuccess = async () => {
      await late.promise;
      database = real.result;
      Object.assign(held, { result: database });
      held.onsuccess?.call(held, new Event('success'));
    };
    return held;
  };
  mock.timers.enable({ apis: ['setTimeout'] });
  const binding = rejectsWith('storage', embedded.bindPasskey(server.apiLink()));
  await tickUntil(binding, mock.timers);
  assert.equal(((await binding).cause as Error).name, 'TimeoutError');
  assert.deepEqual(server.requests, []);
  late.resolve();
  await settle();
  assert.throws(() => database?.transaction('passkeys'), { name: 'InvalidStateError' });
});

test('a transaction that never ends is an error in the end, and has no effect', async ({ mock }) => {
  const embedded = await initialize();
  await embedded.getPasskeys();
  const { transaction } = IDBDatabase.prototype;
  const begun: IDBTransaction[] = [];
  IDBDatabase.prototype.transaction = function (...request) {
    const tx = transaction.apply(this, request);
    begun.push(tx);
    Object.defineProperty(tx, 'oncomplete', { set() {} });
    return tx;
  };
  try {
    mock.timers.enable({ apis: ['setTimeout'] });
    const binding = rejectsWith('storage', embedded.bindPasskey(server.apiLink()));
    await tickUntil(binding, mock.timers);
    await binding;
  } finally {
    IDBDatabase.prototype.transaction = transaction;
  }
  assert.equal(begun.length, 1);
  assert.deepEqual(server.requests, []);
});

test('a passkey signs in where storage can be read and not be written', async () => {
  browser.authenticator.available = false;
  const embedded = await initialize();
  const { passkey } = await embedded.bindPasskey(server.apiLink());
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  try {
    await embedded.authenticate(signInUrl(), passkey.id);
  } finally {
    IDBObjectStore.prototype.put = put;
  }
});

for (const available of [true, false]) {
  test(`h4_a_key_that_can_not_be_stored_is_not_offered ${available ? 'from the device' : 'from the browser'}`, async () => {
    browser.authenticator.available = available;
    const embedded = await initialize();
    const { put } = IDBObjectStore.prototype;
    // As in private windows that store no objects of WebCrypto.
    IDBObjectStore.prototype.put = function (value, key) {
      if (typeof value === 'object') throw new DOMException('not here', 'DataCloneError');
      return put.call(this, value, key);
    };
    try {
      await rejectsWith('storage', embedded.bindPasskey(server.apiLink()));
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    assert.equal(server.bound.size, 0);
    assert.equal(browser.authenticator.size, 0);
  });
}

const ANSWERS: [what: string, code: KeymoorErrorCode, fetch: () => unknown][] = [
  ['rejects', 'network', () => Promise.reject(new TypeError('Failed to fetch'))],
  ['rejects with nothing', 'network', () => Promise.reject(undefined)],
  [
    'throws',
    'network',
    () => {
      throw new TypeError('Refused');
    },
  ],
  ['answers with broken JSON', 'invalid_response', async () => new Response('{')],
  ['answers with no body', 'invalid_response', async () => new Response()],
  ['breaks off', 'network', async () => ({ ok: true, json: () => Promise.reject(new TypeError('network error')) })],
];
for (const [what, code, answer] of ANSWERS) {
  test(`where fetch ${what} each call that needs it is ${code}`, async () => {
    const embedded = await initialize();
    const { passkey } = await embedded.bindPasskey(server.apiLink());
    const url = signInUrl();
    const calls = [
      () => embedded.bindPasskey(server.apiLink()),
      () => embedded.authenticate(url, passkey.id),
      () => embedded.authenticateFido2(url, 'local'),
      () => embedded.getAuthenticationContext(url),
    ];
    globalThis.fetch = answer as typeof fetch;
    for (const call of calls) await rejectsWith(code, call());
  });
}
