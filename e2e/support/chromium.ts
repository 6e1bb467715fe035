import { type Browser as Playwright, chromium, type Page } from 'playwright-core';
import { PROGRAMS } from './settings.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Chromium over its own protocol, whose pages can be looked into and given authenticators. */
export class Chromium {
  readonly #browser: Playwright;

  constructor(browser: Playwright) {
    this.#browser = browser;
  }

  /** A page of a browser without any data, with the device's authenticator (always willing) or with none. */
  async newDevice({ authenticator } = { authenticator: false }): Promise<Page> {
    const context = await this.#browser.newContext();
    const page = await context.newPage();
    if (authenticator) await addAuthenticator(page);
    return page;
  }

  /** Throws all devices away. */
  async closeDevices(): Promise<void> {
    await Promise.all(this.#browser.contexts().map((device) => device.close()));
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

export async function launchChromium(): Promise<Chromium> {
  return new Chromium(await chromium.launch({ executablePath: PROGRAMS.chromium, args: FLAGS }));
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
