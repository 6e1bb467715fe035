import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Job, Management, type Realm } from '../support/directory.ts';
import { oauthError, ok } from '../support/http.ts';
import { Keymoor } from '../support/keymoor.ts';
import { LONG } from '../support/settings.ts';
import { SignIns } from '../support/signIn.ts';
import { bind, subjectOf } from '../support/softwareKey.ts';
import { until } from '../support/until.ts';
import { type Bound, type Ledger, load } from './load.ts';

const KILLS = LONG ? 100 : 10;
/** The crash comes at most so long after everything that can be lost has happened: at another moment each time. */
const LATEST_CRASH_MS = 900;

describe(`${KILLS} crashes under load on sqlite`, () => {
  let keymoor: Keymoor;
  let realm: Realm;
  let configId: string;
  let signIns: SignIns;
  const everBound: Bound[] = [];

  before(async () => {
    keymoor = await Keymoor.start({ database: 'sqlite' });
    realm = await (await Management.of(keymoor.init)).realm();
    configId = await realm.config('https://app.example');
    signIns = new SignIns(realm, await realm.application(configId, 'https://app.example/callback'));
  });
  after(() => keymoor?.[Symbol.asyncDispose]());

  for (let kill = 1; kill <= KILLS; kill++) {
    test(`after crash ${kill} everything acknowledged is there`, async (t) => {
      const ledger: Ledger = { bound: [], unanswered: [], codes: [] };
      const loading = load(realm, configId, signIns, ledger);
      await until(() => ledger.bound.length > 0 && ledger.codes.length > 0, 'load');
      await delay(randomInt(LATEST_CRASH_MS));
      await keymoor.kill();
      await loading;
      await keymoor.serve();

      const { bound, unanswered, codes } = ledger;
      t.diagnostic(`${bound.length} passkeys, ${unanswered.length} bindings unanswered, ${codes.length} codes`);
      await checkCodes(ledger);
      await Promise.all(bound.map(checkPasskey));
      for (const { link, key } of unanswered) {
        // The device tries again: either its first try counted, or this one does.
        const answer = await bind(link, key.bindingProof(subjectOf(link), link.token));
        assert([200, 409].includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
      }
      everBound.push(...bound);
    });
  }

  test('no job was completed twice, and no acknowledged passkey is gone', async (t) => {
    const jobs = await everyJob(realm);
    const complete = jobs.filter(({ state }) => state === 'COMPLETE');
    const credentials = await everyCredential(realm);
    t.diagnostic(`${jobs.length} jobs, ${complete.length} complete, ${credentials.length} passkeys`);
    assert.deepEqual(
      credentials.map(({ id, identity_id }) => `${identity_id} ${id}`).sort(),
      complete.map(({ credential_id, identity_id }) => `${identity_id} ${credential_id}`).sort(),
    );
    assert.equal(new Set(credentials.map(({ identity_id }) => identity_id)).size, credentials.length);
    const ids = new Set(credentials.map(({ id }) => id));
    assert.deepEqual(
      everBound.filter(({ credentialId }) => !ids.has(credentialId)),
      [],
    );
  });

  async function checkPasskey({ link, key, credentialId }: Bound): Promise<void> {
    const [credential, ...others] = await realm.credentials(link.identityId);
    assert.deepEqual(others, []);
    assert.equal(credential?.id, credentialId);
    assert.equal(credential?.jwk_thumbprint.replace(/=$/, ''), key.thumbprint);
    const job = await realm.job({ id: link.jobId, identity_id: link.identityId });
    assert.deepEqual([job.state, job.credential_id], ['COMPLETE', credentialId]);
  }

  async function checkCodes({ codes }: Ledger): Promise<void> {
    await Promise.all(
      codes.map(async ({ started, code, redeemed }) => {
        const answer = await signIns.redeem(started, code);
        if (redeemed) oauthError(answer, 400, 'invalid_grant');
        else ok(answer);
      }),
    );
  }
});

function everyJob(realm: Realm): Promise<Job[]> {
  return every<Job>(realm, '/identities/-/credential-binding-jobs', 'credential_binding_jobs');
}

function everyCredential(realm: Realm): Promise<{ id: string; identity_id: string }[]> {
  return every(realm, '/identities/-/credentials', 'credentials');
}

/** All pages of a list. */
async function every<T>(realm: Realm, path: string, member: string): Promise<T[]> {
  const items: T[] = [];
  let token: string | undefined = '';
  do {
    const query: URLSearchParams = new URLSearchParams({ page_size: '200', page_token: token });
    const page: any = ok(await realm.send('GET', `${path}?${query}`));
    items.push(...page[member]);
    token = page.next_page_token;
  } while (token);
  return items;
}
