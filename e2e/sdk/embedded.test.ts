import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/browser.ts';
import { authenticate, beginSignIn, bindPasskey } from '../support/ceremonies.ts';
import { type Chromium, hasBeenActive } from '../support/chromium.ts';
import { DATABASES } from '../support/databases.ts';
import { unique } from '../support/directory.ts';
import { openPage } from '../support/pages.ts';
import { bindOnLoadAt, shown } from '../support/onLoad.ts';
import { startWorld, type World } from '../support/world.ts';

for (const database of DATABASES) {
  describe(`@keymoor/sdk on ${database}`, () => {
    let world: World<Chromium>;
    let configId: string;
    before(async () => {
      world = await startWorld(database, CHROMIUM, '@keymoor/sdk', bindOnLoadAt('/on-load/'));
      configId = await world.realm.config(world.pages.origin);
    });
    after(() => world?.[Symbol.asyncDispose]());

    async function device({ authenticator = true } = {}): Promise<Page> {
      const page = await world.browser.newDevice({ authenticator });
      await openPage(page, world.pages.origin);
      return page;
    }

    for (const authenticator of [true, false]) {
      const where = authenticator ? 'in the device' : 'in the browser';

      test(`a9_bind_on_load_waits_for_a_person_and_makes_a_passkey_${where.replaceAll(' ', '_')}`, async () => {
        const { realm, pages } = world;
        const config = await realm.config(`${pages.origin}/on-load`);
        const identity = await realm.identity();
        const link = await realm.link(config, identity.id);
        const page = await world.browser.newDevice({ authenticator });
        const posts: string[] = [];
        page.on('request', (request) => {
          if (request.method() === 'POST') posts.push(new URL(request.url()).pathname);
        });

        // Not by `openPage`, whose look into the page counts as a person's act.
        await page.goto(link.url);
        await page.waitForLoadState('networkidle');
        assert.equal(await hasBeenActive(page), false);
        assert.deepEqual(posts, []);
        assert.equal((await realm.job({ id: link.jobId, identity_id: identity.id })).state, 'LINK_OPENED');

        await page.getByRole('button').click();
        const [credential] = await shownThenCredentials(page, world, identity.id);
        assert.equal(credential?.csr_type, authenticator ? 'FIDO2' : 'JWT');
        assert.equal(page.url(), `${pages.origin}/on-load/bind`);
      });

      test(`a mailed link makes a passkey ${where} that signs in`, async () => {
        const { realm, pages, smtp } = world;
        const address = `${unique('ada')}@example.com`;
        const identity = await realm.identity(address);
        await realm.mail(configId, identity.id);
        const page = await device({ authenticator });
        await openPage(page, (await smtp.wait(address)).link);
        const { passkey } = await bindPasskey(page, page.url());
        assert.equal(page.url(), `${pages.origin}/bind`);
        assert.equal(passkey.keyType, authenticator ? 'webauthn' : 'subtle');

        const application = await realm.application(configId, `${pages.origin}/callback`);
        await beginSignIn(world, application, page);
        const redirectUrl = new URL(await authenticate(page, passkey.id));
        assert.equal(redirectUrl.origin + redirectUrl.pathname, `${pages.origin}/callback`);
        assert.deepEqual([...redirectUrl.searchParams.keys()].sort(), ['code', 'iss', 'state']);
        const notice = await smtp.wait(address, 2);
        assert.equal(notice.link, '', 'the notice of a new passkey has no link');
      });
    }

    test('initialize needs no options where page and server share a host', async () => {
      const { realm } = world;
      const page = await device();
      const link = await realm.link(configId, (await realm.identity()).id);
      const keyType = await page.evaluate(async (url) => {
        const embedded = await window.sdk.Embedded.initialize();
        return (await embedded.bindPasskey(url)).passkey.keyType;
      }, link.url);
      assert.equal(keyType, 'webauthn');
    });

    test('h2_a_host_that_is_not_listed_is_never_called', async () => {
      const { realm } = world;
      const page = await device();
      const link = await realm.link(configId, (await realm.identity()).id);
      const requests: string[] = [];
      page.on('request', (request) => requests.push(request.url()));
      // The page is on the server's host, on another port.
      assert.equal(await bindingError(page, link.url, ['localhost:1']), 'disallowed_domain');
      assert.deepEqual(requests, []);
    });

    test('h3_deleting_a_passkey_forgets_it_here_and_deleting_an_unknown_one_succeeds', async () => {
      const { realm } = world;
      const page = await device();
      const link = await realm.link(configId, (await realm.identity()).id);
      const { passkey } = await bindPasskey(page, link.url);
      const left = await page.evaluate(async (id) => {
        const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
        await embedded.deletePasskey(id);
        await embedded.deletePasskey(id);
        await embedded.deletePasskey('never seen');
        return embedded.getPasskeys();
      }, passkey.id);
      assert.deepEqual(left, []);
    });

    test('passkeys of several identities live beside each other, one for each', async () => {
      const { realm } = world;
      const page = await device();
      const bound: string[] = [];
      for (const identity of [await realm.identity(), await realm.identity()]) {
        for (const _ of ['first', 'second']) await bindPasskey(page, (await realm.link(configId, identity.id)).url);
        bound.push(identity.id);
      }
      const owners = await page.evaluate(async () => {
        const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
        return (await embedded.getPasskeys()).map(({ identity }) => identity.id);
      });
      assert.deepEqual(owners.sort(), bound.sort());
    });

    test('the page learns what became of a dead link', async () => {
      const { realm } = world;
      const page = await device();
      const identity = await realm.identity();
      const used = await realm.link(configId, identity.id);
      await bindPasskey(page, used.url);
      assert.equal(await bindingError(page, used.url), 'link_complete');

      const revoked = await realm.link(configId, identity.id);
      await realm.revokeJob(revoked);
      assert.equal(await bindingError(page, revoked.url), 'link_revoked');
      assert.equal(await bindingError(page, `${revoked.url.slice(0, -4)}AAAA`), 'link_not_found');

      const suspended = await realm.link(configId, identity.id);
      await realm.setStatus(identity.id, 'suspended');
      assert.equal(await bindingError(page, suspended.url), 'user_suspended');
    });

    test('d2_a_page_whose_origin_the_config_does_not_trust_binds_nothing', async () => {
      const { realm } = world;
      const page = await device();
      const config = await realm.config('https://app.example');
      const link = await realm.link(config, (await realm.identity()).id);
      assert.equal(await bindingError(page, link.url), 'untrusted_origin');
    });

    test('c4_a_revoked_passkey_is_denied_at_sign_in', async () => {
      const { realm, pages } = world;
      const page = await device();
      const identity = await realm.identity();
      const { passkey } = await bindPasskey(page, (await realm.link(configId, identity.id)).url);
      await realm.revokeCredential(identity.id, passkey.passkeyId);
      await beginSignIn(world, await realm.application(configId, `${pages.origin}/callback`), page);
      const code = await page.evaluate(async (id) => {
        const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
        return embedded.authenticate(location.href, id).catch((error) => error.code);
      }, passkey.id);
      assert.equal(code, 'policy_denied');
    });
  });
}

/** The `code` of the error with which binding fails. */
function bindingError(page: Page, link: string, allowedDomains = ['localhost']): Promise<string> {
  return page.evaluate(
    async ({ link, allowedDomains }) => {
      const embedded = await window.sdk.Embedded.initialize({ allowedDomains });
      return embedded.bindPasskey(link).then(
        () => 'none',
        (error) => error.code,
      );
    },
    { link, allowedDomains },
  );
}

/** Waits until the page shows the passkey that it bound, and asks the server for it. */
async function shownThenCredentials(page: Page, { realm }: World, identityId: string) {
  const passkeyId = await shown(page);
  const credentials = await realm.credentials(identityId);
  assert.deepEqual(
    credentials.map(({ id }) => id),
    [passkeyId],
  );
  return credentials;
}
