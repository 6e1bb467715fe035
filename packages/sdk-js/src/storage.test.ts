import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { fakeBrowser } from '../test/fakeBrowser.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { findPasskey, instanceId, listPasskeys, removePasskey, replacePasskey, type StoredPasskey } from './storage.ts';
import type { Passkey } from './types.ts';

beforeEach(() => {
  fakeBrowser('https://app.example.org/');
});

const stored = (id: string, identity = 'I'): StoredPasskey => ({
  id,
  owner: ['T', 'R', identity],
  passkey: { id } as Passkey,
  kid: `kid of ${id}`,
  key: { type: 'webauthn', credentialId: new ArrayBuffer(1) },
});

test('h3_a_second_passkey_of_an_identity_replaces_the_first_and_others_stay', async () => {
  assert.deepEqual(await replacePasskey(stored('a'), 'link'), []);
  assert.deepEqual(await replacePasskey(stored('other', 'I2'), 'link'), []);
  assert.deepEqual(await replacePasskey(stored('b'), 'link'), [stored('a').key]);
  assert.deepEqual((await listPasskeys()).map(({ id }) => id).sort(), ['b', 'other']);
  assert.equal(await findPasskey('a'), undefined);
  assert.equal((await findPasskey('b'))?.kid, 'kid of b');
});

test('many writers at once leave one passkey', async () => {
  const ids = Array.from({ length: 30 }, (_, index) => `id${index}`);
  await Promise.all(ids.map((id) => replacePasskey(stored(id), 'link')));
  assert.equal((await listPasskeys()).length, 1);
});

test('h3_removing_an_unknown_passkey_succeeds', async () => {
  assert.equal(await removePasskey('unknown'), undefined);
  await replacePasskey(stored('a'), 'link');
  assert.equal((await removePasskey('a'))?.id, 'a');
  assert.deepEqual(await listPasskeys(), []);
});

test('a browser keeps the name it got first, whoever asks at once', async () => {
  const names = await Promise.all(['one', 'two', 'three'].map(instanceId));
  assert.deepEqual(new Set(names).size, 1);
  assert.equal(await instanceId('later'), names[0]);
});

test('a software key is still usable after it was stored', async () => {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['sign', 'verify'],
  );
  await replacePasskey({ ...stored('a'), key: { type: 'subtle', privateKey } }, 'link');
  const key = (await findPasskey('a'))?.key;
  assert.ok(key?.type === 'subtle');
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await crypto.subtle.sign(algorithm, key.privateKey, new Uint8Array(3));
  assert.ok(await crypto.subtle.verify(algorithm, publicKey, signature, new Uint8Array(3)));
});

/** Upgrades the database as a later version of the SDK would. */
function upgradeFromAnotherTab(): Promise<void> {
  return new Promise((resolve, reject) => {
    const upgrade = indexedDB.open('keymoor', 99);
    upgrade.onblocked = () => reject(new Error('blocked'));
    upgrade.onsuccess = () => {
      upgrade.result.close();
      resolve();
    };
  });
}

test('no connection stays open to hold up an upgrade in another tab', async () => {
  await replacePasskey(stored('a'), 'link');
  await upgradeFromAnotherTab();
});

test('a database of a newer version is an error', async () => {
  await upgradeFromAnotherTab();
  const error = await rejectsWith('storage', listPasskeys());
  assert.equal((error.cause as Error).name, 'VersionError');
});

test('what can not be stored is an error, and the former passkey stays', async () => {
  await replacePasskey(stored('a'), 'link');
  const bad = { ...stored('b'), passkey: { id: () => 'functions can not be cloned' } as unknown as Passkey };
  await rejectsWith('storage', replacePasskey(bad, 'link'));
  assert.deepEqual((await listPasskeys()).map(({ id }) => id), ['a']);
});

test('a browser that refuses storage is an error', async () => {
  indexedDB.open = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  const error = await rejectsWith('storage', listPasskeys());
  assert.equal((error.cause as Error).name, 'SecurityError');
});
