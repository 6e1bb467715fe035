import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bound, Clients, emptyLedger } from '../support/clients.ts';
import { DATABASES } from '../support/databases.ts';
import { Keymoor } from '../support/keymoor.ts';
import { LONG } from '../support/settings.ts';
import { until } from '../support/until.ts';

const KILLS = LONG ? { sqlite: 50, postgres: 50 } : { sqlite: 10, postgres: 3 };
/** The crash comes at most so long after everything that can be lost has happened: at another moment each time. */
const LATEST_CRASH_MS = 900;

for (const database of DATABASES) {
  describe(`${KILLS[database]} crashes under load on ${database}`, () => {
    let keymoor: Keymoor;
    let clients: Clients;
    const everBound: Bound[] = [];

    before(async () => {
      keymoor = await Keymoor.start({ database });
      clients = await Clients.of(keymoor);
    });
    after(() => keymoor?.[Symbol.asyncDispose]());

    for (let kill = 1; kill <= KILLS[database]; kill++) {
      test(`after crash ${kill} everything acknowledged is there`, async (t) => {
        const ledger = emptyLedger();
        const loading = clients.load(ledger);
        await until(() => ledger.bound.length > 0 && ledger.codes.length > 0, 'load');
        await delay(randomInt(LATEST_CRASH_MS));
        await keymoor.kill();
        await loading;
        await keymoor.serve();

        const { bound, unanswered, codes } = ledger;
        t.diagnostic(`${bound.length} passkeys, ${unanswered.length} bindings unanswered, ${codes.length} codes`);
        await clients.check(ledger);
        everBound.push(...bound);
      });
    }

    test('no job was completed twice, and no acknowledged passkey is gone', async (t) => {
      t.diagnostic(await clients.checkAll(everBound));
    });
  });
}
