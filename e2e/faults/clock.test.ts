import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { NewCredentialBindingJob } from '@keymoor/api-client';
import { DATABASES } from '../support/databases.ts';
import { type Link, Management, Realm, unique } from '../support/directory.ts';
import { FakeClock } from '../support/fakeClock.ts';
import { type Answer, oauthError, ok, refused, request } from '../support/http.ts';
import { Keymoor } from '../support/keymoor.ts';
import { SignIns, type Started } from '../support/signIn.ts';
import { Smtp } from '../support/smtp.ts';
import { bind, bindSoftwareKey, SoftwareKey, subjectOf } from '../support/softwareKey.ts';
import { until } from '../support/until.ts';

const DAY = 86_400;
const HOUR = 3_600;

for (const database of DATABASES) {
  describe(`a clock that jumps while serving on ${database}`, () => {
    let clock: FakeClock;
    let offset = 0;
    let smtp: Smtp;
    let keymoor: Keymoor;
    /** With a token from before all jumps. */
    let realm: Realm;
    let configId: string;
    let signIns: SignIns;
    let person: { id: string; key: SoftwareKey };
    before(async () => {
      clock = await FakeClock.start();
      smtp = await Smtp.start();
      keymoor = await Keymoor.start({ database, smtpUrl: smtp.url, environment: clock.environment });
      realm = await (await Management.of(keymoor.init)).realm();
      configId = await realm.config('https://app.example');
      signIns = new SignIns(realm, await realm.application(configId, 'https://app.example/callback'));
      person = await newPerson(realm);
    });
    after(async () => {
      await keymoor?.[Symbol.asyncDispose]();
      await smtp?.[Symbol.asyncDispose]();
      await clock?.[Symbol.asyncDispose]();
    });

    async function jumpTo(seconds: number): Promise<void> {
      await clock.set(seconds);
      offset = seconds;
    }

    async function newPerson(on: Realm): Promise<{ id: string; key: SoftwareKey }> {
      const { id } = await on.identity();
      const { key, answer } = await bindSoftwareKey(await on.link(configId, id));
      ok(answer);
      return { id, key };
    }

    /** A proof by a device whose clock goes with the server's. */
    function prove(started: Started) {
      const now = Math.floor(Date.now() / 1_000) + offset;
      return signIns.prove(started, person.key, person.id, { iat: now, nbf: now - 4_200, exp: now + 4_200 });
    }

    async function newCode(): Promise<{ started: Started; code: string }> {
      const started = await signIns.start();
      return { started, code: ok<{ code: string }>(await prove(started)).code };
    }

    /** An access token for an hour. */
    async function newToken(): Promise<string> {
      const { started, code } = await newCode();
      return ok<{ access_token: string }>(await signIns.redeem(started, code)).access_token;
    }

    function userInfo(token: string): Promise<Answer> {
      return request('GET', `${signIns.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
    }

    /** The same realm with a token of the present. */
    async function withFreshToken(): Promise<Realm> {
      return new Realm(await Management.of(keymoor.init), realm.id);
    }

    async function everythingWorks(): Promise<void> {
      const on = await withFreshToken();
      await newPerson(on);
      const { started, code } = await newCode();
      ok(await signIns.redeem(started, code));
      const address = `${unique('ada')}@example.com`;
      await on.mail(configId, (await on.identity(address)).id);
      await smtp.wait(address);
      assert.equal(smtp.to(address).length, 1);
    }

    async function tryToBind(link: Link): ReturnType<typeof bind> {
      return bind(link, new SoftwareKey().bindingProof(subjectOf(link), link.token));
    }

    for (const days of [1, -1]) {
      const where = days > 0 ? 'ahead' : 'back';

      test(`a day ${where}, what is over then is refused, and everything new works`, async () => {
        const link = async (more: Partial<NewCredentialBindingJob> = {}) => realm.link(configId, (await realm.identity()).id, more);
        const short = await link({ expires_in: HOUR });
        const long = await link();
        const code = await newCode();
        const token = await newToken();
        const started = await signIns.start();

        await jumpTo(days * DAY);
        await everythingWorks();
        ok(await tryToBind(long));
        if (days > 0) {
          const expired = refused(await tryToBind(short), 409);
          assert.equal(expired?.['description'], 'expired');
          oauthError(await signIns.redeem(code.started, code.code), 400, 'invalid_grant');
          assert.equal((await prove(started)).status, 400);
          assert.equal((await userInfo(token)).status, 401);
        }

        await jumpTo(0);
        await everythingWorks();
        ok(await userInfo(token));
      });
    }

    test('what was over before the jumps stays over', async () => {
      const link = await realm.link(configId, (await realm.identity()).id, { expires_in: 1 });
      const job = { id: link.jobId, identity_id: link.identityId };
      await until(async () => (await realm.job(job)).state === 'EXPIRED', 'the link has expired');
      const { started, code } = await newCode();
      ok(await signIns.redeem(started, code));
      for (const days of [1, 0]) {
        await jumpTo(days * DAY);
        refused(await tryToBind(link), 409);
        oauthError(await signIns.redeem(started, code), 400, 'invalid_grant');
      }
    });

    test('a mail that waited for its next attempt in a future that was none goes out in the present', async () => {
      await jumpTo(DAY);
      const address = `${unique('ada')}@example.com`;
      smtp.next(address, 'defer');
      const on = await withFreshToken();
      await on.mail(configId, (await on.identity(address)).id);
      await smtp.waitForAttempts(address, 1);
      await jumpTo(0);
      await smtp.wait(address);
      assert.deepEqual(smtp.attempts(address), ['defer', 'accept']);
    });

    test('a sweep by a clock that was wrong brings nothing back to life', async () => {
      const { started, code } = await newCode();
      ok(await signIns.redeem(started, code));
      await jumpTo(DAY);
      await keymoor.shutDown();
      await keymoor.serve(); // It sweeps when it starts.
      await everythingWorks();
      await jumpTo(0);
      oauthError(await signIns.redeem(started, code), 400, 'invalid_grant');
      await everythingWorks();
    });
  });
}
