import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { type Bound, Clients, emptyLedger } from '../support/clients.ts';
import { Keymoor } from '../support/keymoor.ts';
import { LONG } from '../support/settings.ts';
import { SmallDisk } from '../support/smallDisk.ts';
import { until } from '../support/until.ts';

const ROUNDS = LONG ? 10 : 1;
const DISK_MB = 64;
const MAX_ANSWER_MS = 15_000;

describe('a disk that fills up under load on sqlite', () => {
  let disk: SmallDisk;
  let keymoor: Keymoor;
  let clients: Clients;
  const everBound: Bound[] = [];
  before(async () => {
    disk = await SmallDisk.mount(DISK_MB);
    const database = { url: `sqlite://${join(disk.path, 'keymoor.db')}`, drop: async () => {} };
    keymoor = await Keymoor.start({ database, within: disk.within });
    clients = await Clients.of(keymoor);
  });
  after(async () => {
    await keymoor?.[Symbol.asyncDispose]();
    await disk?.[Symbol.asyncDispose]();
  });

  for (let round = 1; round <= ROUNDS; round++) {
    test(`time ${round}: writes are put off, reads go on, and with room everything does`, async (t) => {
      const ledger = emptyLedger();
      const stop = new AbortController();
      const loading = clients.load(ledger, stop.signal);
      await until(() => ledger.bound.length > 5 && ledger.codes.length > 0, 'load');
      disk.fill();
      const { putOff } = ledger;
      await until(() => ledger.putOff > putOff + 10, 'requests are put off');
      await clients.realm.api.listIdentities({ realm_id: clients.realm.id, page_size: 1 });

      await disk.makeRoom();
      const { bound, codes } = ledger;
      const [boundBefore, codesBefore] = [bound.length, codes.length];
      await until(() => bound.length > boundBefore + 5 && codes.length > codesBefore, 'it works again');
      stop.abort();
      await loading;
      assert.equal(ledger.unknown, 0, 'a full disk leaves no commit in doubt');
      t.diagnostic(`${ledger.putOff} requests put off, slowest answer ${ledger.slowestMs.toFixed(0)} ms`);
      assert(ledger.slowestMs < MAX_ANSWER_MS, `${ledger.slowestMs} ms`);
      await clients.check(ledger);
      everBound.push(...bound);
    });
  }

  test('after a restart everything acknowledged is there, and the file is whole', async (t) => {
    await keymoor.shutDown();
    assert.deepEqual(await integrity(disk.outside('keymoor.db'), join(disk.path, 'copy.db')), ['ok']);
    await keymoor.serve();
    t.diagnostic(await clients.checkAll(everBound));
  });
});

/** What `PRAGMA integrity_check` finds in a copy of a database that nobody has open. */
async function integrity(path: string, copy: string): Promise<unknown[]> {
  await copyFile(path, copy);
  const database = new DatabaseSync(copy);
  try {
    return database.prepare('PRAGMA integrity_check').all().map((row) => row['integrity_check']);
  } finally {
    database.close();
  }
}
