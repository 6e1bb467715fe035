import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Device } from './browser.ts';
import { until } from './until.ts';

export const SDKS = ['@keymoor/sdk', '@beyondidentity/bi-sdk-js'] as const;
export type SdkName = (typeof SDKS)[number];

declare global {
  interface Window {
    /** The SDK under test. Both have the same calls. */
    sdk: typeof import('@keymoor/sdk');
  }
}

/** What every application here has: pages that hold an SDK, on an origin of their own. */
export interface Pages extends AsyncDisposable {
  origin: string;
}

const LOADERS: Record<SdkName, string> = {
  '@keymoor/sdk': `<script type="module">import * as sdk from '/sdk.js'; window.sdk = sdk;</script>`,
  '@beyondidentity/bi-sdk-js': '<script src="/sdk.js"></script><script>window.sdk = window.embeddedsdk;</script>',
};

/** What a path answers with, as far as it isn't the page of the others. */
export interface Special {
  type?: string;
  body?: string;
  headers?: Record<string, string>;
}

/**
 * Serves one page at every path, which sets `window.sdk`.
 *
 * @param script - Source of a module that runs after that.
 * @param special - Answers by path. A browser must really get them from here: it lets a page that Playwright
 * fulfils call no server on this machine.
 */
export async function servePages(sdk: SdkName, script = '', special: Record<string, Special> = {}): Promise<Pages> {
  // Ours as built, an ES module; the published one as its package has it, a script that sets `embeddedsdk`.
  const source = await readFile(new URL(import.meta.resolve(sdk)), 'utf8');
  const html = `<!doctype html><html lang="en"><title>Application</title><link rel="icon" href="data:,">
    <p id="out"></p><button>Act</button>${LOADERS[sdk]}<script type="module">${script}</script></html>`;
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const usual = path === '/sdk.js' ? { type: 'text/javascript', body: source } : { type: 'text/html', body: html };
    const { type, body, headers } = { ...usual, ...special[path] };
    // Sandboxed frames have an origin of their own, from which even their own scripts are another's.
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, ...headers }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Opens a page and waits for its SDK. */
export async function openPage(device: Device, url: string): Promise<void> {
  await device.goto(url);
  await until(() => device.evaluate(() => window.sdk !== undefined), 'the SDK is loaded');
}
