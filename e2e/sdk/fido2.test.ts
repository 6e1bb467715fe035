import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Application, Identity } from '@keymoor/api-client';
import type { Fido2Locator } from '@keymoor/sdk';
import * as oidc from 'openid-client';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/browser.ts';
import { authenticate, beginSignIn, bindPasskey } from '../support/ceremonies.ts';
import { addAuthenticator, type Authenticator, type Chromium } from '../support/chromium.ts';
import { DATABASES } from '../support/databases.ts';
import { unique } from '../support/directory.ts';
import { openPage } from '../support/pages.ts';
import { startWorld, type World } from '../support/world.ts';

/** A person's browser with a passkey in it. */
interface Person {
  identity: Identity;
  email: string;
  page: Page;
  authenticator: Authenticator;
  passkeyId: string;
}

for (const database of DATABASES) {
  describe(`@keymoor/sdk with the options of the server on ${database}`, () => {
    let world: World<Chromium>;
    let configId: string;
    let application: Application;
    before(async () => {
      world = await startWorld(database, CHROMIUM, '@keymoor/sdk');
      configId = await world.realm.config(world.pages.origin);
      application = await world.realm.application(configId, `${world.pages.origin}/callback`);
    });
    after(() => world?.[Symbol.asyncDispose]());

    async function person({ transport = 'internal' as 'internal' | 'usb', config = configId } = {}): Promise<Person> {
      const email = `${unique('ada')}@example.com`;
      const identity = await world.realm.identity(email);
      const page = await world.browser.newDevice();
      const authenticator = await addAuthenticator(page, transport);
      await openPage(page, world.pages.origin);
      const { passkey } = await bindPasskey(page, (await world.realm.link(config, identity.id)).url);
      assert.equal(passkey.keyType, 'webauthn');
      return { identity, email, page, authenticator, passkeyId: passkey.id };
    }

    /** Redeems what a sign-in led to, and says who it was. */
    async function signedIn(begun: Awaited<ReturnType<typeof beginSignIn>>, redirectUrl: string) {
      const tokens = await oidc.authorizationCodeGrant(begun.client, new URL(redirectUrl), begun.checks);
      return tokens.claims()?.sub;
    }

    test('a passkey is found by its authenticator, on a browser that has forgotten it', async () => {
      const { identity, page, authenticator } = await person();
      const [credential, ...others] = await authenticator.credentials();
      assert.deepEqual([credential?.isResidentCredential, others.length], [true, 0]);
      assert.equal(Buffer.from(credential?.userHandle ?? '', 'base64').length, 32);
      await forgetEverything(page);
      const begun = await beginSignIn(world, application, page);
      assert.equal(await signedIn(begun, await authenticateFido2(page, 'local')), identity.id);
    });

    test('a passkey is found by the address of its owner', async () => {
      const { identity, page, email } = await person();
      const begun = await beginSignIn(world, application, page);
      assert.deepEqual(await codeOf(page, { email: 'nobody@example.com' }), 'passkey_not_found');
      assert.equal(await signedIn(begun, await authenticateFido2(page, { email })), identity.id);
    });

    test('a passkey picked in the autofill signs in', async () => {
      const { identity, page } = await person();
      const begun = await beginSignIn(world, application, page);
      await startAutofill(page);
      const outcome = await page.waitForFunction(() => window.autofill?.outcome);
      assert.equal(await signedIn(begun, (await outcome.jsonValue()) ?? ''), identity.id);
    });

    for (const locator of ['local', 'email'] as const) {
      test(`a button (${locator}) ends the waiting autofill and signs in`, async () => {
        const { identity, page, authenticator, email } = await person();
        const begun = await beginSignIn(world, application, page);
        // There is a passkey to offer and nobody who picks it. Without one, Chromium ends the autofill at once.
        await authenticator.setPresence(false);
        await startAutofill(page);
        await authenticator.setPresence(true);
        assert.deepEqual(await page.evaluate(() => window.autofill), {});
        const where = locator === 'email' ? { email } : locator;
        assert.equal(await signedIn(begun, await authenticateFido2(page, where)), identity.id);
        await page.waitForFunction(() => window.autofill?.outcome);
        // A prompt that was dismissed is `cancelled`, too, but by another error of the browser.
        assert.deepEqual(await page.evaluate(() => window.autofill), { outcome: 'cancelled', cause: 'AbortError' });
      });
    }

    test('h3_a_deleted_passkey_leaves_its_authenticator', async () => {
      const { page, authenticator, passkeyId } = await person();
      assert.equal((await authenticator.credentials()).length, 1);
      await page.evaluate(async (id) => {
        const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
        await embedded.deletePasskey(id);
      }, passkeyId);
      assert.deepEqual(await authenticator.credentials(), []);
    });

    test('a security key will do where nothing else is allowed', async () => {
      const { realm, pages } = world;
      const config = await realm.config(pages.origin, ['webauthn_passkey']);
      const { identity, page, passkeyId } = await person({ transport: 'usb', config });
      const begun = await beginSignIn(world, application, page);
      assert.equal(await signedIn(begun, await authenticate(page, passkeyId)), identity.id);
    });

    test('binding again replaces the passkey that the browser holds', async () => {
      const { identity, page, authenticator } = await person();
      const { passkey } = await bindPasskey(page, (await world.realm.link(configId, identity.id)).url);
      assert.equal((await authenticator.credentials()).length, 1);
      const begun = await beginSignIn(world, application, page);
      assert.equal(await signedIn(begun, await authenticate(page, passkey.id)), identity.id);
    });

    test('binding again leaves a passkey alone that the browser has forgotten', async () => {
      const { identity, page, authenticator } = await person();
      const held = await authenticator.credentials();
      await forgetEverything(page);
      const { url } = await world.realm.link(configId, identity.id);
      const refusal = await bindPasskey(page, url).then(() => undefined, String);
      assert.match(refusal ?? '', /holds a passkey of this account already/);
      assert.deepEqual(await authenticator.credentials(), held);
      const begun = await beginSignIn(world, application, page);
      assert.equal(await signedIn(begun, await authenticateFido2(page, 'local')), identity.id);
    });

    test('a server that makes no options is told and asked as before', async () => {
      const { realm, pages, browser } = world;
      const identity = await realm.identity();
      const page = await browser.newDevice({ authenticator: true });
      await page.route('**/*:getInfo', async (route) => {
        const response = await route.fetch();
        const { fido2, ...info } = await response.json();
        assert.ok(fido2);
        await route.fulfill({ response, json: info });
      });
      await openPage(page, pages.origin);
      const { passkey } = await bindPasskey(page, (await realm.link(configId, identity.id)).url);
      const [credential] = await realm.credentials(identity.id);
      assert.equal(credential?.csr_type, 'WEBAUTHN');
      const begun = await beginSignIn(world, application, page);
      const sent = page.waitForRequest('**/bi-authenticate');
      assert.equal(await signedIn(begun, await authenticate(page, passkey.id)), identity.id);
      const form = new URLSearchParams((await sent).postData() ?? '');
      assert.deepEqual(Object.keys(JSON.parse(form.get('claims') ?? '')), ['Fido2']);
    });

    test('c10_a_passkey_is_denied_where_the_config_does_not_list_its_kind', async () => {
      const { realm, pages } = world;
      const { page, passkeyId } = await person();
      const software = await realm.config(pages.origin, ['software_passkey']);
      const other = await realm.application(software, `${pages.origin}/callback`);
      await beginSignIn(world, other, page);
      await assert.rejects(authenticate(page, passkeyId), /no longer accepts this kind of passkey/);
    });
  });
}

declare global {
  interface Window {
    /** How the autofill that waits, or waited, ended. */
    autofill?: { outcome?: string; cause?: string };
  }
}

/** Where the sign-in leads. */
function authenticateFido2(page: Page, locator: Fido2Locator): Promise<string> {
  return page.evaluate(async (where) => {
    const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
    return (await embedded.authenticateFido2(location.href, where)).redirectUrl;
  }, locator);
}

/** The code of the error with which the sign-in ends. */
function codeOf(page: Page, locator: Fido2Locator): Promise<string | undefined> {
  return page.evaluate(async (where) => {
    const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
    return embedded.authenticateFido2(location.href, where).then(
      () => undefined,
      ({ code }) => code as string,
    );
  }, locator);
}

/** Lets a field's autofill offer passkeys; resolves once the browser was asked to. */
async function startAutofill(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const input = document.createElement('input');
    input.autocomplete = 'username webauthn';
    document.body.append(input);
    const { credentials } = navigator;
    const get = credentials.get.bind(credentials);
    const asked = new Promise<void>((resolve) => {
      credentials.get = (options) => {
        resolve();
        return get(options);
      };
    });
    const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
    window.autofill = {};
    embedded.authenticateFido2(location.href, 'autofill').then(
      ({ redirectUrl }) => (window.autofill = { outcome: redirectUrl }),
      ({ code, cause }) => (window.autofill = { outcome: code, cause: cause?.name }),
    );
    await asked;
  });
}

async function forgetEverything(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (const { name } of await indexedDB.databases()) {
      const deletion = indexedDB.deleteDatabase(name ?? '');
      await new Promise((resolve, reject) => {
        deletion.onsuccess = resolve;
        deletion.onerror = deletion.onblocked = reject;
      });
    }
  });
}
