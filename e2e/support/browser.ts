import { launchChromium } from './chromium.ts';
import { launchFirefox } from './firefox.ts';
import { launchWebKit } from './webkit.ts';

/** What the ceremonies need of a page, in any browser. Playwright's pages have it already. */
export interface Device {
  /** Opens a URL and waits until its page has loaded. */
  goto(url: string): Promise<unknown>;
  url(): string | Promise<string>;
  /** Clicks as a person does: the page can't tell it from one. */
  click(selector: string): Promise<unknown>;
  /** Runs a function on the page; what goes in and comes out must survive JSON. */
  evaluate<Argument, Result>(
    script: (argument: Argument) => Result | Promise<Result>,
    argument?: Argument,
  ): Promise<Result>;
}

/** A headless browser with an empty profile of its own. */
export interface Browser {
  /** A page with its own, empty storage. */
  newDevice(options?: { authenticator: boolean }): Promise<Device>;
  close(): Promise<void>;
}

/** A browser's engine, as its distribution packages it. */
export interface Engine<B extends Browser = Browser> {
  name: string;
  userAgent: RegExp;
  /** Whether its devices can be given an authenticator; all of them make keys in software. */
  hasAuthenticators: boolean;
  launch(): Promise<B>;
}

export const CHROMIUM = {
  name: 'Chromium',
  userAgent: /Chrom/,
  hasAuthenticators: true,
  launch: launchChromium,
} as const;

export const FIREFOX: Engine = {
  name: 'Firefox',
  userAgent: /Gecko\/.* Firefox\//,
  hasAuthenticators: false,
  launch: launchFirefox,
};

export const WEBKIT: Engine = {
  name: 'WebKitGTK',
  userAgent: /AppleWebKit\/.* Safari\//,
  hasAuthenticators: false,
  launch: launchWebKit,
};
