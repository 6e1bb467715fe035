import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Chromium, launchChromium } from '../support/chromium.ts';
import { DATABASES } from '../support/databases.ts';
import { Management, parseLink, Realm } from '../support/directory.ts';
import { type Init, Keymoor } from '../support/keymoor.ts';

for (const database of DATABASES) {
  describe(`the first administrator on ${database}`, () => {
    let keymoor: Keymoor;
    let browser: Chromium;
    before(async () => {
      keymoor = await Keymoor.start({ database });
      browser = await launchChromium();
    });
    after(async () => {
      await browser?.close();
      await keymoor?.[Symbol.asyncDispose]();
    });

    test('g2_gets_a_passkey_on_the_page_to_which_the_link_of_init_leads', async () => {
      // Another link than the first: each `init` withdraws the one before, until an administrator has a passkey.
      const { admin_binding_link: link } = await keymoor.command<Init>('init', '--json');
      assert(link && link !== keymoor.init.admin_binding_link);
      const complaints: string[] = [];
      const page = await browser.newDevice({ authenticator: true });
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        const { url } = message.location();
        // Browsers ask for an icon, whether a page names one or not.
        if (message.type() === 'error') complaints.push(`${message.text()} ${url}`);
      });

      await page.goto(link);
      assert(page.url().startsWith(`${keymoor.init.auth_url}/console/bind?`), page.url());
      await page.getByRole('button', { name: 'Create passkey' }).click();
      // The console signs in with it at once.
      await page.getByRole('heading', { name: 'Realms' }).waitFor();
      assert.deepEqual(complaints, []);

      const realm = new Realm(await Management.of(keymoor.init), keymoor.init.admin_realm_id);
      const credentials = await realm.credentials(parseLink(link).identityId);
      assert.deepEqual(
        credentials.map(({ csr_type, state }) => [csr_type, state]),
        [['FIDO2', 'ACTIVE']],
      );
    });

    test('a5_with_a_passkey_gets_no_further_link', async () => {
      assert.equal((await keymoor.command<Init>('init', '--json')).admin_binding_link, null);
    });
  });
}
