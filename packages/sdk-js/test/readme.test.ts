import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';
import { Embedded, KeymoorError } from '../src/index.ts';
import { type FakeBrowser, fakeBrowser } from './fakeBrowser.ts';
import { FakeServer } from './fakeServer.ts';
import { settle } from './settle.ts';

const PAGE = 'https://app.example.org';
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const [bind, bindOnLoad, signIn, fido2, manage, signOut, ...more] = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);

type Example = (...globals: unknown[]) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => Example;

let browser: FakeBrowser;
let server: FakeServer;
/** Where the page went. */
let visited: string[];
/** What the page showed. */
let shown: string[];
let show: (text: string) => void;
let button: { onclick?: () => Promise<void> };
beforeEach(() => {
  browser = fakeBrowser(`${PAGE}/`);
  server = new FakeServer('https://auth.example.org', PAGE);
  visited = [];
  shown = [];
  button = {};
  show = (text) => shown.push(text);
});

/** Runs an example in the page. */
async function run(example: string | undefined): Promise<void> {
  assert.ok(example);
  const [imports = '', ...body] = example.split('\n');
  assert.match(imports, /^import \{ .* \} from '@keymoor\/sdk';$/);
  const globals = {
    Embedded,
    KeymoorError,
    location: { href: browser.url(), assign: (url: string) => visited.push(url) },
    document: { body: { append: (text: string) => show(text) }, querySelector: () => button },
    console: { log: (...data: unknown[]) => show(data.join(' ')) },
    confirm: () => true,
    fetch: async () => Response.json({ credential_binding_link: server.apiLink() }),
  };
  await new AsyncFunction(...Object.keys(globals), body.join('\n'))(...Object.values(globals));
}

test('every example of the README is run here', () => {
  assert.ok(signOut);
  assert.deepEqual(more, []);
});

test('the example of binding a link from the API works', async () => {
  await run(bind);
  assert.match(shown.join(), /^bound passkey [0-9a-f]{64} of user1$/);
  assert.deepEqual(visited, ['https://app.example.org/done']);
});

test('the example of binding a mailed link works', async () => {
  browser.open(server.appLink(PAGE));
  await run(bindOnLoad);
  const outcome = new Promise((resolve) => {
    show = resolve;
  });
  assert.ok(browser.userActivation);
  browser.userActivation.hasBeenActive = true;
  browser.dispatch('pointerdown', true);
  assert.deepEqual([...shown, await outcome], ['Click anywhere to create your passkey.', 'Your passkey is ready, User One.']);
});

test('the example of signing in works', async () => {
  await run(bind);
  browser.open(server.signInUrl(Math.floor(Date.now() / 1000)));
  await run(signIn);
  assert.match(visited.pop() ?? '', /\/callback\?.*code=the\+code/);
});

test('the example of signing in by autofill or a button works', async () => {
  server.offersFido2 = true;
  browser.authenticator.available = true;
  await run(bind);
  shown = [];
  browser.open(server.signInUrl(Math.floor(Date.now() / 1000)));
  browser.authenticator.pick = new Promise(() => {});
  await run(fido2);
  await settle();
  await button.onclick?.();
  assert.match(visited.pop() ?? '', /\/callback\?.*code=the\+code/);
  assert.deepEqual(shown, ['cancelled']);
});

test('the example of managing passkeys works', async () => {
  await run(bind);
  shown = [];
  await run(manage);
  assert.match(shown.join(), /^[0-9a-f]{64} user1 subtle$/);
});

test('the example of signing out forgets the passkeys', async () => {
  await run(bind);
  await run(signOut);
  assert.deepEqual(await (await Embedded.initialize()).getPasskeys(), []);
});
