import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { CredentialBindingJob } from '@keymoor/api-client';
import { type DatabaseKind, DATABASES } from '../support/databases.ts';
import { Management, type Realm, unique } from '../support/directory.ts';
import { Keymoor } from '../support/keymoor.ts';
import { Smtp } from '../support/smtp.ts';
import { until } from '../support/until.ts';

const PEOPLE = 1_000;
const KILLS = 50;
/** The other kills come while mails are sent, also if a slow machine has rows left. */
const MOST_DURING_ROWS = 20;
/** While rows become jobs, which is quick, kills come sooner than while the mails are sent. */
const LATEST_KILL_MS = { rows: 40, mails: 300 };
/** Mails that a killed server was sending are sent again when its claim on them ends, after a minute. */
const LAST_MAIL_MS = 300_000;
/** What a server sends at once. So many mails may be repeated after each kill. */
const SENT_AT_ONCE = 8;
/** So many identities are created at a time. */
const CREATED_AT_ONCE = 20;

// Mostly waiting, so the databases wait side by side.
describe(`a batch of ${PEOPLE} invitations through ${KILLS} kills`, { concurrency: true }, () => {
  for (const database of DATABASES) describe(`on ${database}`, { concurrency: false }, () => testBatch(database));
});

function testBatch(database: DatabaseKind): void {
  let keymoor: Keymoor;
  let smtp: Smtp;
  let realm: Realm;
  before(async () => {
    smtp = await Smtp.start();
    smtp.hesitationMs = 200;
    keymoor = await Keymoor.start({ database, smtpUrl: smtp.url });
    realm = await (await Management.of(keymoor.init)).realm();
  });
  after(async () => {
    await keymoor?.[Symbol.asyncDispose]();
    await smtp?.[Symbol.asyncDispose]();
  });

  test('each identity gets one job and one mail', async (t) => {
    const people = await invitees(realm);
    const batch = { realm_id: realm.id, batch_credential_binding_job_id: await startBatch(realm, [...people.keys()]) };
    const state = async () => (await realm.api.getBatchCredentialBindingJob(batch)).state;

    const killedDuring = { rows: 0, mails: 0 };
    for (let kill = 0; kill < KILLS; kill++) {
      const during = killedDuring.rows < MOST_DURING_ROWS && (await state()) === 'RUNNING';
      const phase = during ? 'rows' : 'mails';
      killedDuring[phase]++;
      await delay(randomInt(LATEST_KILL_MS[phase]));
      await keymoor.kill();
      await keymoor.serve();
    }
    smtp.hesitationMs = 0;
    await until(async () => (await state()) === 'SUCCESS', 'every row has its job', LAST_MAIL_MS);
    const arrived = () => new Set(smtp.mails.flatMap(({ to }) => to)).size;
    await until(() => arrived() === PEOPLE, 'a mail to everybody', LAST_MAIL_MS);

    const jobs = await Array.fromAsync<CredentialBindingJob>(realm.api.listBatchCredentialBindingJobResults(batch));
    const all = await Array.fromAsync(realm.api.listCredentialBindingJobs({ realm_id: realm.id, identity_id: '-' }));
    assert.equal(all.length, PEOPLE, 'no job outside the batch');
    assert.deepEqual(jobs.map(({ identity_id }) => identity_id).sort(), [...people.keys()].sort());
    // SMTP can't tell a client that is killed before it has noted the reply whether its mail was accepted. So a mail
    // may arrive again, as the same message with the same Message-ID and link.
    for (const address of people.values()) {
      const mails = smtp.to(address);
      assert.equal(new Set(mails.map(({ messageId }) => messageId)).size, 1, `messages to ${address}`);
      assert.equal(new Set(mails.map(({ link }) => link)).size, 1, `links to ${address}`);
    }
    assert.equal(new Set(smtp.mails.map(({ messageId }) => messageId)).size, PEOPLE);
    const repeated = smtp.mails.length - PEOPLE;
    assert(repeated <= KILLS * SENT_AT_ONCE, `${repeated} repeated mails`);
    t.diagnostic(`kills: ${JSON.stringify(killedDuring)}, repeated deliveries: ${repeated}`);
  });
}

/** Creates identities, and returns their addresses by their ids. */
async function invitees(realm: Realm): Promise<Map<string, string>> {
  const people = new Map<string, string>();
  while (people.size < PEOPLE) {
    const some = Array.from({ length: CREATED_AT_ONCE }, async () => {
      const address = `${unique('guest')}@example.com`;
      people.set((await realm.identity(address)).id, address);
    });
    await Promise.all(some);
  }
  return people;
}

/** Starts a batch, and returns its id. */
async function startBatch(realm: Realm, identityIds: string[]): Promise<string> {
  const { id } = await realm.api.createBatchCredentialBindingJob({
    realm_id: realm.id,
    batch_credential_binding_job: {
      identity_ids: identityIds,
      job_template: { authenticator_config_id: await realm.config('https://app.example') },
    },
  });
  return id;
}
