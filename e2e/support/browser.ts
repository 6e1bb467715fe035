import { readFile } from 'node:fs/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CHROMIUM } from './settings.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A headless browser with an empty profile of its own. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/** A page of a browser without any data, with the device's authenticator (always willing) or with none. */
export async function newDevice(browser: Browser, { authenticator }: { authenticator: boolean }): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  if (authenticator) await addAuthenticator(page);
  return page;
}

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

/** The built SDK of this repository, an ES module. */
export function keymoorSdk(): Promise<string> {
  return readFile(new URL(import.meta.resolve('@keymoor/sdk')), 'utf8');
}

/** The published SDK that ours replaces, as its package has it: a script that sets `embeddedsdk`. */
export function publishedSdk(): Promise<string> {
  return readFile(new URL(import.meta.resolve('@beyondidentity/bi-sdk-js')), 'utf8');
}
