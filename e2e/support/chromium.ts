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
    if (authenticator) await addAuthenticator(page, 'internal');
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

/** An authenticator of a page, always willing. */
export interface Authenticator {
  /**
   * Whether somebody is there to confirm what is asked of it. A request that already waits doesn't notice: only
   * an abort ends it.
   */
  setPresence(isPresent: boolean): Promise<void>;
  credentials(): Promise<{ isResidentCredential: boolean; userHandle?: string }[]>;
}

/** Gives a page an authenticator that is part of the device, or is plugged in. */
export async function addAuthenticator(page: Page, transport: 'internal' | 'usb'): Promise<Authenticator> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const credentials = async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  return {
    async setPresence(enabled) {
      await devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
    },
    credentials,
  };
}

/**
 * Whether a person has acted on the page. Playwright's own `evaluate` counts as an act, so this must come before
 * any of that.
 */
export async function hasBeenActive(page: Page): Promise<boolean> {
  const devtools = await page.context().newCDPSession(page);
  const expression = 'navigator.userActivation.hasBeenActive';
  // The session stays, because its end takes the page's authenticator away.
  const { result } = await devtools.send('Runtime.evaluate', { expression, userGesture: false });
  return result.value as boolean;
}
