/** Writes a picture of each screen of the console, light and dark, 1,440 and 360 px wide: `node screenshots.ts DIRECTORY`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launchChromium } from '../support/chromium.ts';
import { Management } from '../support/directory.ts';
import { Keymoor } from '../support/keymoor.ts';

const [directory = 'screenshots'] = process.argv.slice(2);
await mkdir(directory, { recursive: true });
await using keymoor = await Keymoor.start();
const browser = await launchChromium();
const page = await browser.newDevice({ authenticator: true });
await page.emulateMedia({ reducedMotion: 'reduce' });
const { init } = keymoor;
const { api } = await Management.of(init);

const realm = await api.createRealm({ realm: { display_name: 'Staff' } });
const at = { realm_id: realm.id };
const config = await api.createAuthenticatorConfig({
  ...at,
  authenticator_config: { display_name: 'Desk pages', config: { type: 'embedded', invoke_url: 'https://desk.example' } },
});
const app = await api.createApplication({
  ...at,
  application: {
    display_name: 'Loans desk',
    authenticator_config_id: config.id,
    protocol_config: { type: 'oidc', grant_type: ['authorization_code'], redirect_uris: ['https://desk.example/callback'] },
  },
});
const people = [];
for (const name of ['Night shift 01', 'Night shift 02', 'Cellar 01', 'Front desk', 'Night shift 03']) {
  const username = name.toLowerCase().replaceAll(' ', '-');
  const traits = { type: 'traits_v0' as const, username, primary_email_address: `${username}@saltmarsh.example` };
  people.push(await api.createIdentity({ ...at, identity: { display_name: name, traits } }));
}
const person = people.at(-1)!;
const job = await api.createCredentialBindingJob({
  ...at,
  identity_id: person.id,
  job: { delivery_method: 'RETURN', authenticator_config_id: config.id },
});

await page.goto(init.admin_binding_link!);
await page.getByRole('button', { name: 'Create passkey' }).click();
await page.getByRole('heading', { name: 'Realms' }).waitFor();
const base = `${init.auth_url}/console`;
const ofRealm = `${base}/realms/${realm.id}`;
const ofPerson = `${ofRealm}/identities/${person.id}`;
const admins = await api.listCredentialBindingJobs({ realm_id: init.admin_realm_id, identity_id: '-' });
const done = admins.credential_binding_jobs[0]!;
const SCREENS: Record<string, string> = {
  realms: `${base}/realms`,
  home: ofRealm,
  identities: `${ofRealm}/identities`,
  identity: ofPerson,
  'add-passkey': ofPerson,
  job: `${ofPerson}/jobs/${job.credential_binding_job.id}`,
  'job-complete': `${base}/realms/${init.admin_realm_id}/identities/${done.identity_id}/jobs/${done.id}`,
  events: `${base}/realms/${init.admin_realm_id}/events`,
  'home-admins': `${base}/realms/${init.admin_realm_id}`,
  jobs: `${ofRealm}/jobs`,
  applications: `${ofRealm}/applications`,
  application: `${ofRealm}/applications/${app.id}`,
  configs: `${ofRealm}/configs`,
  config: `${ofRealm}/configs/${config.id}`,
  sessions: `${base}/sessions`,
};

async function picture(name: string): Promise<void> {
  for (const theme of ['light', 'dark']) {
    await page.evaluate((theme) => {
      document.documentElement.dataset['theme'] = theme;
    }, theme);
    const width = page.viewportSize()?.width ?? 0;
    await page.screenshot({ path: join(directory, `${name}-${width}-${theme}.png`) });
  }
}

for (const [width, height] of [
  [1440, 900],
  [360, 740],
] as const) {
  await page.setViewportSize({ width, height });
  for (const [name, url] of Object.entries(SCREENS)) {
    await page.goto(url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    // The stream of events never ends, so the network of its pages is never idle.
    if (name === 'events') await page.getByText('Live', { exact: true }).waitFor();
    else if (name === 'job' || name === 'job-complete') await page.getByRole('heading', { level: 2 }).first().waitFor();
    else await page.waitForLoadState('networkidle');
    if (name === 'events' && width > 1000) await page.getByRole('row').nth(1).click();
    if (name === 'add-passkey') {
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByRole('dialog').waitFor();
    }
    await picture(name);
  }
}
await page.context().clearCookies();
for (const [width, height] of [
  [1440, 900],
  [360, 740],
] as const) {
  await page.setViewportSize({ width, height });
  await page.goto(base);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await picture('sign-in');
}
await browser.close();
