import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CHROMIUM } from '../support/browser.ts';
import type { Chromium } from '../support/chromium.ts';
import { DATABASES } from '../support/databases.ts';
import { unique } from '../support/directory.ts';
import { bindOnLoadAt, shown } from '../support/onLoad.ts';
import { openPage } from '../support/pages.ts';
import { startWorld, type World } from '../support/world.ts';

const VISITS = 100;
const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64)',
  'Mozilla/5.0 (compatible; LinkPreview/1.0)',
  'python-requests/2.32',
  '',
];

for (const database of DATABASES) {
  describe(`links that mail scanners open, on ${database}`, () => {
    let world: World<Chromium>;
    before(async () => {
      world = await startWorld(database, CHROMIUM, '@keymoor/sdk', bindOnLoadAt('/'));
    });
    after(() => world?.[Symbol.asyncDispose]());

    test('a2_a_mailed_link_binds_after_any_number_of_visits_without_a_person', async () => {
      const { realm, smtp, pages, browser } = world;
      const address = `${unique('ada')}@example.com`;
      const identity = await realm.identity(address);
      const job = await realm.mail(await realm.config(pages.origin), identity.id);
      const { link } = await smtp.wait(address);

      await visit(link, 'HEAD');
      assert.equal((await realm.job(job)).state, 'LINK_SENT', 'HEAD observes nothing');
      await visit(link, 'GET');
      assert.equal((await realm.job(job)).state, 'LINK_OPENED');

      const scanner = await browser.newDevice({ authenticator: true });
      await openPage(scanner, link);
      await scanner.waitForLoadState('networkidle');
      assert.equal((await realm.job(job)).state, 'LINK_OPENED', 'a script alone makes no passkey');
      assert.deepEqual(await realm.credentials(identity.id), []);

      const person = await browser.newDevice({ authenticator: true });
      await openPage(person, link);
      await person.click('button');
      const passkeyId = await shown(person);
      const { state, credential_id } = await realm.job(job);
      assert.deepEqual([state, credential_id], ['COMPLETE', passkeyId]);
    });
  });
}

/** Opens the link as clients do that follow redirects and run no script. */
async function visit(link: string, method: 'GET' | 'HEAD'): Promise<void> {
  const visits = Array.from({ length: VISITS }, async (_, index) => {
    const userAgent = USER_AGENTS[index % USER_AGENTS.length] ?? '';
    const response = await fetch(link, { method, headers: { 'user-agent': userAgent, accept: 'text/html,*/*;q=0.8' } });
    await response.arrayBuffer();
    assert.equal(response.status, 200);
  });
  await Promise.all(visits);
}
