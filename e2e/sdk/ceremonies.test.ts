import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHROMIUM, FIREFOX, WEBKIT } from '../support/browser.ts';
import { testCeremonies } from '../support/ceremonies.ts';
import { bindOnLoadAt, shown } from '../support/onLoad.ts';
import { openPage } from '../support/pages.ts';
import type { World } from '../support/world.ts';

const ON_LOAD = '/on-load/';

/** Acts as no person does, on the page that waits for one. What tests run in a page may count as a person's act. */
const SCRIPTED_ACTS = `
  window.activeAtFetch = [];
  const { fetch } = window;
  window.fetch = (...request) => {
    window.activeAtFetch.push(navigator.userActivation.hasBeenActive);
    return fetch(...request);
  };
  ${bindOnLoadAt(ON_LOAD)}
  const button = document.querySelector('button');
  for (const act of ['keydown', 'mousedown', 'pointerdown', 'pointerup', 'touchend']) {
    button.dispatchEvent(new Event(act, { bubbles: true }));
  }
  button.click();`;

for (const engine of [CHROMIUM, FIREFOX, WEBKIT]) {
  testCeremonies('@keymoor/sdk', engine, { script: SCRIPTED_ACTS, more: testWhatBrowsersDoDifferently });
}

function testWhatBrowsersDoDifferently(the: () => World): void {
  test('a9_a_click_of_a_person_and_none_of_a_script_binds_on_load', async () => {
    const { realm, pages, browser } = the();
    const identity = await realm.identity();
    const link = await realm.link(await realm.config(pages.origin + ON_LOAD), identity.id);
    const device = await browser.newDevice();
    await device.goto(link.url);
    await device.click('button');
    const passkeyId = await shown(device);
    const [credential] = await realm.credentials(identity.id);
    assert.deepEqual([credential?.id, credential?.csr_type], [passkeyId, 'JWT']);
    const activeAtFetch = await device.evaluate(() => window.activeAtFetch);
    assert.deepEqual(new Set(activeAtFetch), new Set([true]));
  });

  test('a passkey outlives its page, and no script can read its key', async () => {
    const { realm, pages, browser } = the();
    const device = await browser.newDevice();
    await openPage(device, pages.origin);
    const link = await realm.link(await realm.config(pages.origin), (await realm.identity()).id);
    await device.evaluate(async (url) => {
      const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
      await embedded.bindPasskey(url);
    }, link.url);

    await openPage(device, `${pages.origin}/another`);
    const keys = await device.evaluate(readKeys);
    assert.deepEqual(keys, [{ algorithm: 'ECDSA', extractable: false, usages: ['sign'] }]);
  });
}

declare global {
  interface Window {
    /** Whether a person had acted on the page at each of its requests. */
    activeAtFetch: boolean[];
  }
}

/** Reads what the SDK stored, as any script of its origin can. */
async function readKeys() {
  const settled = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await settled(indexedDB.open('keymoor'));
  const stored = await settled(database.transaction('passkeys').objectStore('passkeys').getAll());
  return stored.map(({ key: { privateKey } }: { key: { privateKey: CryptoKey } }) => ({
    algorithm: privateKey.algorithm.name,
    extractable: privateKey.extractable,
    usages: privateKey.usages,
  }));
}
