/**
 * Uses the application as people do, in a headless browser, and exits 0 or 1.
 *
 * `APP_URL`: the application. `MAIL_URL`: a mail catcher whose `/mails.json` is asked for mail. `CHROMIUM`: the browser.
 */
import assert from 'node:assert/strict';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const { APP_URL, MAIL_URL, CHROMIUM = '/usr/bin/chromium' } = process.env;
assert(APP_URL && MAIL_URL, 'set APP_URL and MAIL_URL');
const MAIL_WAIT_SECONDS = 30;
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

interface Mail {
  id: number;
  subject: string;
  links: string[];
}

/** A device of its own: a browser without any data. */
interface Device {
  page: Page;
  /** What went wrong on its pages, for which nobody looked. */
  complaints: string[];
}

const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
try {
  await useDeviceWithAuthenticator(await device(browser));
  await useDeviceWithoutAuthenticator(await device(browser));
  console.log('The sample application works.');
} finally {
  await browser.close();
}

async function useDeviceWithAuthenticator({ page, complaints }: Device): Promise<void> {
  await addAuthenticator(page);
  await step('an account is created, and its passkey in the device', async () => {
    await fillIn(page, { name: 'Wren Marsh', username: 'wren', email: 'wren@example.com' });
    await page.getByRole('button', { name: 'Create a passkey here' }).click();
    await page.getByText('Good to see you, Wren Marsh').waitFor();
    await page.getByText('in the device').waitFor();
  });
  await step('its owner is told by mail', async () => {
    const mail = await nextMail('wren@example.com');
    assert.match(mail.subject, /passkey/i);
  });
  await step('the claims of the sign-in are shown', async () => {
    const claims = await page.locator('#claims').innerText();
    for (const name of ['iss', 'sub', 'aud', 'nonce']) assert.match(claims, new RegExp(`\\b${name}\\b`));
  });
  await step('signing out and in again', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in with a passkey' }).click();
    await page.getByText('Good to see you, Wren Marsh').waitFor();
  });
  await step('a removed passkey signs in no more', async () => {
    await page.getByRole('button', { name: /^Remove: On this device/ }).click();
    await page.getByText('None. Add one before you sign out.').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('None yet.').waitFor();
    await page.getByRole('link', { name: 'Sign in with a passkey' }).click();
    await page.getByText('This browser holds no passkey of yours.').waitFor();
  });
  assert.deepEqual(complaints, []);
}

async function useDeviceWithoutAuthenticator({ page, complaints }: Device): Promise<void> {
  let mail: Mail;
  await step('a passkey is sent by mail instead', async () => {
    await fillIn(page, { name: 'Heron Reed', username: 'heron', email: 'heron@example.com' });
    await page.getByRole('button', { name: 'E-mail me a link instead' }).click();
    await page.getByText('We have sent a link to heron@example.com').waitFor();
    mail = await nextMail('heron@example.com');
  });
  await step('the link in the mail makes it, in the browser', async () => {
    const link = mail.links.find((candidate) => candidate.includes('/invokeAuthenticator?token='));
    assert(link, 'the mail has a link');
    await page.goto(link);
    await page.getByRole('button', { name: 'Create passkey' }).click();
    await page.getByText('Good to see you, Heron Reed').waitFor();
    await page.getByText('in the browser').waitFor();
  });
  await step('an account that lost its passkey gets a new link', async () => {
    const { id } = await nextMail('heron@example.com', mail.id);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: /^Delete: Heron Reed/ }).click();
    await page.getByText('None yet.').waitFor();
    await page.getByText('No passkey on this device?').click();
    await page.locator('#link').getByLabel('Username').fill('heron');
    await page.getByRole('button', { name: 'Send link' }).click();
    await page.getByText('a link is on its way').waitFor();
    await page.goto((await nextMail('heron@example.com', id)).links[0] as string);
    await page.getByRole('button', { name: 'Create passkey' }).click();
    await page.getByText('Good to see you, Heron Reed').waitFor();
  });
  assert.deepEqual(complaints, []);
}

async function step(name: string, work: () => Promise<void>): Promise<void> {
  const started = performance.now();
  await work();
  console.log(`ok  ${name} (${Math.round(performance.now() - started)} ms)`);
}

async function device(on: Browser): Promise<Device> {
  const context: BrowserContext = await on.newContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(APP_URL as string);
  return { page, complaints };
}

/** Like a laptop's fingerprint reader whose owner always says yes. */
async function addAuthenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function fillIn(page: Page, { name, username, email }: Record<'name' | 'username' | 'email', string>): Promise<void> {
  const form = page.locator('#join');
  await form.getByLabel('Your name').fill(name);
  await form.getByLabel('Username').fill(username);
  await form.getByLabel('E-mail').fill(email);
}

async function nextMail(to: string, after = 0): Promise<Mail> {
  const query = new URLSearchParams({ to, after: String(after), wait: String(MAIL_WAIT_SECONDS) });
  const response = await fetch(`${MAIL_URL}/mails.json?${query}`);
  const [mail] = (await response.json()) as Mail[];
  assert(mail, `no mail came to ${to} within ${MAIL_WAIT_SECONDS} s`);
  return mail;
}
