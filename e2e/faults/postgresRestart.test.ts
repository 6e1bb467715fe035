import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Bound, Clients, emptyLedger, MAX_UNDER_WAY } from '../support/clients.ts';
import { Keymoor } from '../support/keymoor.ts';
import { Postgres } from '../support/postgres.ts';
import { LONG } from '../support/settings.ts';
import { until } from '../support/until.ts';

const RESTARTS = LONG ? 10 : 1;
/** A client of a server whose database is away learns so within this time, and loses it together with the answer. */
const MAX_ANSWER_MS = 15_000;
const MAX_RECOVERY_MS = 10_000;

describe('PostgreSQL restarted under load', () => {
  let postgres: Postgres;
  let keymoor: Keymoor;
  let clients: Clients;
  const everBound: Bound[] = [];
  before(async () => {
    postgres = await Postgres.start();
    keymoor = await Keymoor.start({ database: { url: postgres.url, drop: async () => {} } });
    clients = await Clients.of(keymoor);
  });
  after(async () => {
    await keymoor?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  for (let restart = 1; restart <= RESTARTS; restart++) {
    for (const how of ['fast', 'immediate'] as const) {
      test(`stop ${restart} that is ${how} costs 503s until it is back, and nothing that was acknowledged`, async (t) => {
        const ledger = emptyLedger();
        const stop = new AbortController();
        const loading = clients.load(ledger, stop.signal);
        await until(() => ledger.bound.length > 0 && ledger.codes.length > 0, 'load');
        await postgres.stop(how);
        const { putOff } = ledger;
        await until(() => ledger.putOff > putOff + 10, 'requests are put off');
        await postgres.serve();

        const back = performance.now();
        const { bound, unanswered, codes } = ledger;
        const [boundBefore, codesBefore] = [bound.length, codes.length];
        await until(() => bound.length > boundBefore && codes.length > codesBefore, 'it works again');
        const recoveryMs = performance.now() - back;
        stop.abort();
        await loading;
        t.diagnostic(`${ledger.putOff} requests put off, ${ledger.unknown} of unknown outcome, back after ${recoveryMs.toFixed(0)} ms`);
        t.diagnostic(`${bound.length} passkeys, ${unanswered.length} bindings unanswered, ${codes.length} codes`);
        assert(recoveryMs < MAX_RECOVERY_MS, `${recoveryMs} ms`);
        // Only what was at its commit when the database went can be in doubt.
        assert(ledger.unknown <= MAX_UNDER_WAY, `${ledger.unknown} of unknown outcome`);
        assert(ledger.slowestMs < MAX_ANSWER_MS, `${ledger.slowestMs} ms`);
        await clients.check(ledger);
        everBound.push(...bound);
      });
    }
  }

  test('no job was completed twice, and no acknowledged passkey is gone', async (t) => {
    t.diagnostic(await clients.checkAll(everBound));
  });
});
