import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { type Chromium, launchChromium } from '../support/chromium.ts';
import { DATABASES } from '../support/databases.ts';
import { Management } from '../support/directory.ts';
import { Keymoor } from '../support/keymoor.ts';
import { Smtp } from '../support/smtp.ts';
import { until } from '../support/until.ts';

/** Whether a URL is below one of the server's own. */
function isOwn(url: string, origin: string): boolean {
  return url.startsWith(`${origin}/`) || url.startsWith('data:');
}

for (const database of DATABASES) {
  describe(`the console on ${database}`, () => {
    let smtp: Smtp;
    let keymoor: Keymoor;
    let browser: Chromium;
    let page: Page;
    let realm: string;
    /** What a browser's console, or a request elsewhere, complained about. */
    const complaints: string[] = [];

    /** A browser of somebody's own, which can reach nothing but the server. */
    async function device(): Promise<Page> {
      const page = await browser.newDevice({ authenticator: true });
      const origin = keymoor.init.auth_url;
      // Colours that are on their way have no contrast yet.
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await page.route('**/*', async (route) => {
        const url = route.request().url();
        if (isOwn(url, origin)) return route.continue();
        complaints.push(`asked for ${url}`);
        return route.abort();
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        // A browser reports the refusals, and the restart, that these tests provoke.
        if (message.type() === 'error' && !/status of 40[01] |net::ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(message.text())) complaints.push(message.text());
      });
      return page;
    }

    async function fill(page: Page, values: Record<string, string>): Promise<void> {
      for (const [name, value] of Object.entries(values)) await page.locator(`[name="${name}"]`).fill(value);
    }

    /** Axe finds nothing, in light and in dark. */
    async function isAccessible(page: Page, name: string): Promise<void> {
      for (const theme of ['light', 'dark']) {
        await page.evaluate((theme) => {
          document.documentElement.dataset['theme'] = theme;
        }, theme);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
        assert.deepEqual(found, [], `${name}, ${theme}`);
      }
    }

    before(async () => {
      smtp = await Smtp.start();
      keymoor = await Keymoor.start({ database, smtpUrl: smtp.url });
      browser = await launchChromium();
    });
    after(async () => {
      await browser?.close();
      await keymoor?.[Symbol.asyncDispose]();
      await smtp?.[Symbol.asyncDispose]();
    });

    test('g1_the_link_of_init_leads_the_first_administrator_into_the_console_signed_in', async () => {
      const link = keymoor.init.admin_binding_link;
      assert(link);
      page = await device();
      await page.goto(link);
      await page.getByRole('button', { name: 'Create passkey' }).click();
      await page.getByRole('heading', { name: 'Realms' }).waitFor();
      const [cookie, ...others] = await page.context().cookies();
      assert.deepEqual(others, []);
      assert.deepEqual(
        [cookie?.name, cookie?.httpOnly, cookie?.sameSite, cookie?.secure],
        ['keymoor-console', true, 'Lax', false],
      );
      const stored = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
      assert.doesNotMatch(stored, /eyJ/, 'the page holds a token');
      await isAccessible(page, 'realms');
    });

    test('d9_the_page_runs_only_our_own_scripts_and_styles', async () => {
      const answer = await fetch(`${keymoor.init.auth_url}/console`);
      const policy = answer.headers.get('content-security-policy') ?? '';
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /);
      assert.match(policy, /frame-ancestors 'none'$/);
      assert.doesNotMatch(policy, /unsafe|\*/);
    });

    test('a_realm_an_application_and_an_identity_are_created', async () => {
      await page.getByRole('button', { name: 'Create realm' }).click();
      await fill(page, { display_name: 'Staff' });
      await page.getByRole('dialog').getByRole('button', { name: 'Create realm' }).click();
      await page.getByRole('heading', { name: 'Staff' }).waitFor();
      realm = new URL(page.url()).pathname;
      await isAccessible(page, 'home');

      await page.getByRole('link', { name: 'Authenticator configs' }).click();
      await page.getByRole('button', { name: 'Add authenticator config' }).click();
      await fill(page, { display_name: 'Desk pages', invoke_url: 'javascript:alert(1)' });
      await page.getByRole('dialog').getByRole('button', { name: 'Add authenticator config' }).click();
      // The field itself says what is wrong with it, and what was typed stays.
      await page.locator('.field .error').waitFor();
      assert.equal(await page.locator('[name="display_name"]').inputValue(), 'Desk pages');
      await isAccessible(page, 'the dialog of a config');
      await fill(page, { invoke_url: 'https://desk.example' });
      await page.getByRole('dialog').getByRole('button', { name: 'Add authenticator config' }).click();
      await page.getByRole('heading', { name: 'Desk pages' }).waitFor();
      await isAccessible(page, 'config');

      await page.getByRole('link', { name: 'Applications' }).first().click();
      await page.getByRole('button', { name: 'Add application' }).first().click();
      await fill(page, { display_name: 'Loans desk', redirect_uris: 'https://desk.example/callback' });
      await page.getByLabel('Authenticator Config').selectOption({ label: 'Desk pages' });
      await page.getByRole('dialog').getByRole('button', { name: 'Add application' }).click();
      await page.getByRole('heading', { name: 'Loans desk' }).waitFor();
      await page.getByRole('button', { name: 'Show client secret' }).click();
      await page.getByText('https://desk.example/callback').waitFor();
      await isAccessible(page, 'application');
      await page.getByRole('tab', { name: 'API Tokens' }).click();
      await isAccessible(page, 'tokens');

      await page.getByRole('link', { name: 'Identities' }).click();
      await page.getByRole('button', { name: 'Add identity' }).first().click();
      await fill(page, { display_name: "Night shift 03 & sons'", username: 'night-shift-03', email: 'night@staff.example' });
      await page.getByRole('dialog').getByRole('button', { name: 'Add identity' }).click();
      await page.getByText('No passkey yet').waitFor();
      await isAccessible(page, 'identity');
      await page.getByRole('link', { name: 'Identities' }).first().click();
      await page.getByRole('searchbox').fill('night-shift-03');
      await page.keyboard.press('Enter');
      await page.getByRole('row').nth(1).waitFor();
      await isAccessible(page, 'identities');
    });

    test('a_link_is_shown_with_its_qr_code_and_as_a_command_by_keyboard_alone', async () => {
      await page.getByRole('row').nth(1).getByRole('link').click();
      await page.getByRole('button', { name: 'Add a passkey' }).press('Enter');
      await page.getByRole('radio', { name: 'Generate curl' }).press('Space');
      await isAccessible(page, 'add a passkey');
      await page.getByRole('button', { name: 'Show curl' }).press('Enter');
      await page.getByText(`curl '${keymoor.init.api_url}`).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Add a passkey' }).press('Enter');
      await page.getByRole('radio', { name: 'Show link' }).press('Space');
      await page.getByRole('button', { name: 'Show link' }).press('Enter');
      await page.getByRole('img', { name: 'QR code' }).waitFor();
      await isAccessible(page, 'the link');
      await page.getByRole('button', { name: 'Follow the job' }).press('Enter');
      await page.getByRole('heading', { name: 'Waiting for the link to be opened' }).waitFor();
      await isAccessible(page, 'a waiting job');
      await page.getByRole('button', { name: 'Revoke link' }).click();
      // The second press of a double click changes nothing.
      await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke link' }).dblclick();
      await page.getByRole('heading', { name: 'This link was revoked' }).waitFor();
      await isAccessible(page, 'a revoked job');
      await page.goto(`${keymoor.init.auth_url}${realm}/jobs`);
      await page.getByRole('row').nth(1).waitFor();
      await isAccessible(page, 'jobs');
    });

    test('a_passkey_is_added_by_mail_and_the_stepper_reaches_the_end_by_itself', async () => {
      const admins = `${keymoor.init.auth_url}/console/realms/${keymoor.init.admin_realm_id}`;
      await page.goto(`${admins}/identities`);
      await page.getByRole('button', { name: 'Add identity' }).first().click();
      await fill(page, { display_name: 'Second admin', username: 'admin-02', email: 'admin-02@staff.example' });
      await page.getByRole('dialog').getByRole('button', { name: 'Add identity' }).click();
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByRole('button', { name: 'Send link' }).click();
      await page.getByRole('heading', { name: 'Waiting for the link to be opened' }).waitFor();
      const mail = await smtp.wait('admin-02@staff.example', 1);

      const loads: string[] = [];
      page.on('load', () => loads.push(page.url()));
      const second = await device();
      await second.goto(mail.link);
      await page.getByRole('heading', { name: 'The link is open on a device' }).waitFor();
      await second.getByRole('button', { name: 'Create passkey' }).click();
      await page.getByRole('heading', { name: 'The passkey is bound' }).waitFor();
      assert.deepEqual(loads, [], 'the job page was reloaded');
      await isAccessible(page, 'a complete job');

      // The second administrator is signed in. Without the passkey they no longer are.
      await second.getByRole('heading', { name: 'Realms' }).waitFor();
      await page.getByRole('link', { name: 'View identity' }).click();
      await page.getByRole('button', { name: 'Revoke' }).click();
      await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke passkey' }).click();
      await page.getByText('Revoked', { exact: true }).waitFor();
      await second.getByRole('button', { name: 'Create realm' }).click();
      await fill(second, { display_name: 'Mine' });
      await second.getByRole('dialog').getByRole('button', { name: 'Create realm' }).click();
      await second.getByText('The passkey of this session was revoked').waitFor();
      assert.equal(await second.locator('[name="display_name"]').inputValue(), 'Mine');
      await second.locator('.passkey-button').click();
      await second.getByText('That passkey was not accepted here').waitFor();
    });

    test('events_are_followed_filtered_and_lead_to_all_of_their_flow', async () => {
      const { api } = await Management.of(keymoor.init);
      const id = realm.split('/').at(-1) as string;
      const rename = (name: string) => api.updateRealm({ realm_id: id, realm: { display_name: name } });
      await page.goto(`${keymoor.init.auth_url}${realm}/events`);
      await page.getByText('Live', { exact: true }).waitFor();
      await rename('Staff of the house');
      await page.locator('tr.new').filter({ hasText: 'Realm' }).first().waitFor();
      await isAccessible(page, 'events');
      await page.locator('tr.new').getByRole('button', { name: 'Realm' }).press('Enter');
      await page.getByRole('complementary').getByRole('heading', { name: 'Same correlation id' }).waitFor();
      await page.getByRole('button', { name: 'Show only these 1' }).waitFor();
      await isAccessible(page, 'an event');
      await page.getByRole('button', { name: 'Show only these 1' }).click();
      await page.getByRole('button', { name: 'Remove filter: Correlation id' }).waitFor();
      assert.match(page.url(), /correlation_id=/);
      await page.reload();
      await page.getByRole('row').nth(1).waitFor();
      assert.equal(await page.getByRole('row').count(), 2);
      await page.getByRole('button', { name: 'Remove filter: Correlation id' }).click();

      await page.getByRole('button', { name: 'Type' }).click();
      await page.getByRole('dialog').getByLabel('Type').selectOption({ label: 'Identity' });
      await page.getByRole('dialog').getByRole('button', { name: 'Add filter' }).click();
      await page.getByRole('button', { name: 'Remove filter: Type' }).waitFor();
      await page.getByRole('row', { name: 'Binding job' }).first().waitFor({ state: 'detached' });
      await page.getByRole('row', { name: 'Identity' }).first().waitFor();
      await page.getByRole('button', { name: 'Remove filter: Type' }).click();
      await page.getByText('Live', { exact: true }).waitFor();

      // What happens while the server is away is heard after it.
      await keymoor.shutDown();
      await page.getByText('Connection lost').waitFor();
      await keymoor.serve();
      await rename('Staff');
      await page.locator('tr.new').filter({ hasText: 'Realm' }).first().waitFor();
    });

    test('g1_a_session_that_ends_under_an_open_stream_is_asked_to_sign_in_again', async () => {
      await page.goto(`${keymoor.init.auth_url}${realm}/events`);
      await page.getByText('Live', { exact: true }).waitFor();
      const [cookie] = await page.context().cookies();
      assert(cookie);
      const left = await fetch(`${keymoor.init.auth_url}/console/api/sign-out`, {
        method: 'POST',
        headers: { cookie: `${cookie.name}=${cookie.value}`, 'x-keymoor-console': '1' },
      });
      assert.equal(left.status, 200);
      await page.getByRole('dialog').getByText('Sign in again to go on').waitFor();
      await page.locator('.passkey-button').click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByText('Live', { exact: true }).waitFor();
    });

    test('the_home_of_a_realm_shows_what_happened_in_thirty_days', async () => {
      const home = `${keymoor.init.auth_url}/console/realms/${keymoor.init.admin_realm_id}`;
      await page.goto(home);
      await page.getByRole('img', { name: /^Sign-ins a day/ }).waitFor();
      await isAccessible(page, 'the charts');
      // Events are counted after they happened.
      await until(async () => {
        await page.goto(home);
        return Number(await page.locator('.chart .figure strong').first().innerText()) > 0;
      }, 'a counted sign-in');
      await page.getByRole('button', { name: 'Show as table' }).first().click();
      await page.getByRole('table', { name: 'Sign-ins' }).waitFor();
      await isAccessible(page, 'the charts as tables');
    });

    test('sessions_are_listed_and_signing_out_ends_one', async () => {
      await page.goto(`${keymoor.init.auth_url}/console/sessions`);
      await page.getByText('This browser').waitFor();
      await isAccessible(page, 'sessions');
      const [cookie] = await page.context().cookies();
      assert(cookie);
      await page.locator('.account').click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('You are signed out').waitFor();
      await isAccessible(page, 'the entrance');
      const stolen = await fetch(`${keymoor.init.auth_url}/console/api/session`, {
        headers: { cookie: `${cookie.name}=${cookie.value}`, 'x-keymoor-console': '1' },
      });
      assert.equal(stolen.status, 401);
    });

    test('nothing_complained_and_nothing_left_the_server', () => {
      assert.deepEqual(complaints, []);
    });
  });
}
