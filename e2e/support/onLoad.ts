import type { Device } from './browser.ts';
import { until } from './until.ts';

/** Source of a page script that lets the SDK bind from the page's own URL, at paths that start so. */
export function bindOnLoadAt(path: string): string {
  return `
    const show = (text) => { document.getElementById('out').textContent = text; };
    if (location.pathname.startsWith(${JSON.stringify(path)})) {
      await window.sdk.Embedded.initialize({
        allowedDomains: ['localhost'],
        bindOnLoad: { onResult: ({ passkey }) => show(passkey.passkeyId), onError: ({ code }) => show(code) },
      });
    }`;
}

/** Waits for what such a page shows: the server's id of the new passkey, or an error code. */
export async function shown(device: Device): Promise<string> {
  const text = () => device.evaluate(() => document.getElementById('out')?.textContent ?? '');
  await until(async () => (await text()) !== '', 'the page shows something');
  return text();
}
