import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import * as oidc from 'openid-client';
import type { Frame, Page } from 'playwright-core';
import { CHROMIUM } from '../support/browser.ts';
import { authenticate, beginSignIn, bindPasskey } from '../support/ceremonies.ts';
import { addAuthenticator, type Authenticator, type Chromium } from '../support/chromium.ts';
import { freePort } from '../support/net.ts';
import { openPage, servePages } from '../support/pages.ts';
import { startWorld, type World } from '../support/world.ts';

const DOCUMENT = new URL('../../docs/howto/browser-pages.md', import.meta.url);

/** The pages of an application that browsers treat differently. Nothing of it depends on the database. */
describe('@keymoor/sdk on pages of all kinds', () => {
  let world: World<Chromium>;
  before(async () => {
    world = await startWorld('sqlite', CHROMIUM, '@keymoor/sdk');
  });
  after(() => world?.[Symbol.asyncDispose]());

  async function device(): Promise<{ page: Page; authenticator: Authenticator }> {
    const page = await world.browser.newDevice();
    return { page, authenticator: await addAuthenticator(page, 'internal') };
  }

  /** A link of a config that trusts an origin. */
  async function link(methods?: 'webauthn_passkey'[], origin = world.pages.origin) {
    const { realm } = world;
    return realm.link(await realm.config(origin, methods), (await realm.identity()).id);
  }

  /** The application's page in a frame of another page. */
  async function framed(page: Page, parent: string, attributes: Record<string, string>): Promise<Frame> {
    await openPage(page, parent);
    await page.evaluate(
      async ({ src, attributes }) => {
        const frame = document.createElement('iframe');
        for (const [name, value] of Object.entries({ src, ...attributes })) frame.setAttribute(name, value);
        const loaded = new Promise((resolve) => {
          frame.onload = resolve;
        });
        document.body.append(frame);
        await loaded;
      },
      { src: `${world.pages.origin}/framed`, attributes },
    );
    const frame = page.frames().find((candidate) => candidate.url().endsWith('/framed'));
    assert(frame);
    return frame;
  }

  const ALLOW = 'publickey-credentials-create; publickey-credentials-get';
  for (const attributes of [{}, { allow: ALLOW }]) {
    test(`a frame of another origin with ${JSON.stringify(attributes)} asks no authenticator`, async () => {
      await using others = await servePages('@keymoor/sdk');
      const { page, authenticator } = await device();
      const frame = await framed(page, others.origin, attributes);
      const { code, message, asked } = await bindingIn(frame, (await link(['webauthn_passkey'])).url);
      assert.deepEqual([code, asked], ['unsupported', 0]);
      assert.match(message, /^this page is in a frame of another origin/);
      assert.deepEqual(await authenticator.credentials(), []);
    });
  }

  test('a frame of another origin gets a software key where that is allowed', async () => {
    await using others = await servePages('@keymoor/sdk');
    const { page } = await device();
    const frame = await framed(page, others.origin, { allow: ALLOW });
    assert.equal((await bindingIn(frame, (await link()).url)).code, 'subtle');
  });

  test('a frame of the same origin binds as a page does', async () => {
    const { page } = await device();
    const frame = await framed(page, world.pages.origin, {});
    assert.equal((await bindingIn(frame, (await link()).url)).code, 'webauthn');
  });

  for (const [what, host, attributes] of [
    ['a sandboxed frame', 'localhost', { sandbox: 'allow-scripts' }],
    // Playwright's contexts block what third parties store.
    ['a frame of another site', '127.0.0.1', { allow: ALLOW }],
  ] as const) {
    test(`h4_${what.replaceAll(' ', '_')}_without_storage_and_locks_says_so_and_leaves_the_link_alone`, async () => {
      const { realm, pages } = world;
      const { page, authenticator } = await device();
      const frame = await framed(page, pages.origin.replace('localhost', host), attributes);
      assert.deepEqual(await frame.evaluate(offerings), { locks: 'refused', storage: 'refused' });

      const { url, jobId, identityId } = await link();
      const { code, message, asked } = await bindingIn(frame, url);
      assert.deepEqual([code, asked], ['unsupported', 0]);
      assert.match(message, /^this page is in a frame of another origin/);
      assert.deepEqual(await authenticator.credentials(), []);
      assert.equal((await realm.job({ id: jobId, identity_id: identityId })).state, 'LINK_SENT');
      assert.equal(await listingIn(frame), 'storage');
    });
  }

  test('a page whose Permissions-Policy forbids it asks no authenticator', async () => {
    const headers = { 'Permissions-Policy': 'publickey-credentials-create=()' };
    await using policed = await servePages('@keymoor/sdk', '', { '/': { headers } });
    const { page, authenticator } = await device();
    await openPage(page, `${policed.origin}/`);
    const { url } = await link(['webauthn_passkey'], policed.origin);
    const { code, message, asked } = await bindingIn(page.mainFrame(), url);
    assert.deepEqual([code, asked], ['unsupported', 0]);
    assert.match(message, /publickey-credentials-create.*Permissions-Policy/);
    assert.deepEqual(await authenticator.credentials(), []);
  });

  test('a single-page application binds and signs in by the routes in its fragment', async () => {
    const { realm, pages } = world;
    const config = await realm.config(`${pages.origin}/#/`);
    const identity = await realm.identity();
    const { page } = await device();
    await openPage(page, (await realm.link(config, identity.id)).url);
    assert(page.url().startsWith(`${pages.origin}/#/bind?api_base_url=`), page.url());
    const { passkey } = await bindPasskey(page, page.url());
    assert.equal(page.url(), `${pages.origin}/#/bind`);

    const application = await realm.application(config, `${pages.origin}/callback`);
    const begun = await beginSignIn(world, application, page, '/#/');
    const redirectUrl = await authenticate(page, passkey.id);
    const tokens = await oidc.authorizationCodeGrant(begun.client, new URL(redirectUrl), begun.checks);
    assert.equal(tokens.claims()?.sub, identity.id);
  });

  for (const path of ['/bind/', '/bind.html']) {
    test(`a static host that serves ${path} binds`, async () => {
      const { page } = await device();
      await openPage(page, (await link()).url);
      await openPage(page, page.url().replace('/bind?', `${path}?`));
      await bindPasskey(page, page.url());
      assert.equal(page.url(), world.pages.origin + path);
    });
  }

  test('the documented Content-Security-Policy is enough, and the page needs no bundler', async () => {
    const policy = await sample(/```http\nContent-Security-Policy: (.*?)\n```/s);
    await using documented = await servePages('@keymoor/sdk', '', {
      '/bind': { body: await sample(/```html\n(.*?)```/s), headers: { 'Content-Security-Policy': policy } },
      '/bind.js': { type: 'text/javascript', body: await sample(/```js\n(.*?)```/s) },
      '/icon.svg': { type: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg"/>' },
    });
    const { page } = await device();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto((await link(undefined, documented.origin)).url);
    await page.getByRole('button').click();
    await page.getByText('Your passkey is ready').waitFor();
    assert.equal(page.url(), `${documented.origin}/bind`);
    assert.deepEqual(complaints, []);
  });

  for (const [what, connect, spoil] of [
    ['a policy that forbids the server', "'self'", (url: string) => url],
    ['a used link', '*', (url: string) => url],
    ['a link of nobody', '*', (url: string) => `${url.slice(0, -4)}AAAA`],
    ['a server that is away', '*', async (url: string) => url.replace(/localhost:\d+/, `localhost:${await freePort()}`)],
  ] as const) {
    test(`d4_no_token_reaches_the_console_with_${what.replaceAll(' ', '_')}`, async () => {
      const headers = { 'Content-Security-Policy': `connect-src ${connect}` };
      await using policed = await servePages('@keymoor/sdk', '', { '/': { headers } });
      const { page } = await device();
      await openPage(page, `${policed.origin}/`);
      const { url } = await link(undefined, policed.origin);
      if (what === 'a used link') await bindPasskey(page, url);
      const spoilt = await spoil(url);
      const token = new URL(spoilt).searchParams.get('token');
      assert(token);
      const said: string[] = [];
      page.on('console', (message) => said.push(`${message.text()} ${message.location().url}`));
      await assert.rejects(bindPasskey(page, spoilt));
      assert(said.length > 0, 'the browser complains');
      assert.deepEqual(said.filter((words) => words.includes(token)), []);
    });
  }

  /** A sample of the document, with this server's address. */
  async function sample(pattern: RegExp): Promise<string> {
    const [, code] = pattern.exec(await readFile(DOCUMENT, 'utf8')) ?? [];
    assert(code, String(pattern));
    const { auth_url } = world.keymoor.init;
    return code.replaceAll('https://auth.example.org', auth_url).replaceAll('auth.example.org', new URL(auth_url).host);
  }
});

/** What the browser lets a page do. */
async function offerings() {
  const refused = () => 'refused';
  const locks = await navigator.locks.request('x', async () => 'granted').catch(refused);
  const storage = await new Promise((resolve, reject) => {
    const opening = indexedDB.open('x');
    opening.onsuccess = () => resolve('opened');
    opening.onerror = reject;
  }).catch(refused);
  return { locks, storage };
}

/** How listing the passkeys ends. */
function listingIn(frame: Frame): Promise<string> {
  return frame.evaluate(async () => {
    const embedded = await window.sdk.Embedded.initialize();
    return embedded.getPasskeys().then(
      () => 'a list',
      ({ code }) => code as string,
    );
  });
}

/** How binding ends: the kind of key, or the error; and how often an authenticator was asked. */
function bindingIn(frame: Frame, url: string): Promise<{ code: string; message: string; asked: number }> {
  return frame.evaluate(async (link) => {
    let asked = 0;
    const { credentials } = navigator;
    const create = credentials.create.bind(credentials);
    credentials.create = (options) => {
      asked++;
      return create(options);
    };
    const { Embedded, KeymoorError } = window.sdk;
    try {
      const embedded = await Embedded.initialize({ allowedDomains: ['localhost'] });
      const { passkey } = await embedded.bindPasskey(link);
      return { code: passkey.keyType, message: '', asked };
    } catch (error) {
      if (!(error instanceof KeymoorError)) throw error;
      return { code: error.code, message: error.message, asked };
    }
  }, url);
}
