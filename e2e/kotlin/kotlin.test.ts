import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DATABASES } from '../support/databases.ts';
import { Management, type Realm, unique } from '../support/directory.ts';
import { expectStatus, request } from '../support/http.ts';
import { Keymoor } from '../support/keymoor.ts';
import { Smtp } from '../support/smtp.ts';
import { until } from '../support/until.ts';
import { Notes } from './notes.ts';

const INVOKE_URL = 'com.example.notes://app';
const REDIRECT_URI = 'com.example.notes:/callback';

for (const database of DATABASES) {
  describe(`the Kotlin SDK's example on ${database}`, () => {
    let stack: AsyncDisposableStack;
    let smtp: Smtp;
    let realm: Realm;
    let configId: string;
    let host: string;
    before(async () => {
      await using starting = new AsyncDisposableStack();
      smtp = starting.use(await Smtp.start());
      const keymoor = starting.use(await Keymoor.start({ database, smtpUrl: smtp.url }));
      realm = await (await Management.of(keymoor.init)).realm();
      configId = await realm.config(INVOKE_URL);
      host = new URL(realm.authUrl).host;
      stack = starting.move();
    });
    after(() => stack?.disposeAsync());

    test('binds by a returned link, lists, signs in, redeems the code and deletes', async () => {
      await using notes = await Notes.on(host);
      const identity = await realm.identity();
      const link = await realm.link(configId, identity.id);
      const id = await notes.bind(link.url);
      const job = await realm.job({ id: link.jobId, identity_id: identity.id });
      assert.equal(job.state, 'COMPLETE');
      await isWholePasskey(notes, id, identity.id);
      assert.match(await notes.run('list'), new RegExp(`^${id} ${identity.traits.username} in `));
      await notes.run('delete', id);
      assert.equal(await notes.run('list'), '');
    });

    test('binds by a mailed link and signs in', async () => {
      await using notes = await Notes.on(host);
      const address = `${unique('ada')}@example.com`;
      const identity = await realm.identity(address);
      await realm.mail(configId, identity.id);
      const { link } = await smtp.wait(address);
      // What a browser does, which then hands the URL to the application.
      const opened = await request('GET', link);
      expectStatus(opened, 302);
      const handed = opened.headers.get('location') ?? '';
      assert(handed.startsWith(`${INVOKE_URL}/bind?`), handed);
      await isWholePasskey(notes, await notes.bind(handed), identity.id);
    });

    test('refuses dead and wrong links by their typed errors, and leaves nothing behind', async () => {
      await using notes = await Notes.on(host);
      const identity = await realm.identity();
      const used = await realm.link(configId, identity.id);
      await notes.run('delete', await notes.bind(used.url));
      assert.equal(await notes.fails('bind', used.url), 'link_complete');

      const fresh = await realm.link(configId, identity.id);
      assert.equal(await notes.fails('bind', `${fresh.url.slice(0, -4)}AAAA`), 'link_not_found');
      assert.equal(await notes.fails('bind', fresh.url.replace('token=', 'key=')), 'invalid_url');
      const foreign = fresh.url.replace(host, 'localhost:1');
      assert.equal(await notes.fails('bind', foreign), 'disallowed_domain');
      await realm.revokeJob(fresh);
      assert.equal(await notes.fails('bind', fresh.url), 'link_revoked');

      const short = await realm.link(configId, identity.id, { expires_in: 1 });
      const job = { id: short.jobId, identity_id: identity.id };
      await until(async () => (await realm.job(job)).state === 'EXPIRED', 'the link has expired');
      assert.equal(await notes.fails('bind', short.url), 'link_expired');

      assert.equal(await notes.run('list'), '');
      assert.equal((await realm.credentials(identity.id)).length, 1, 'the first link bound');
    });

    test('a passkey that was revoked or is unknown signs in nowhere', async () => {
      await using notes = await Notes.on(host);
      const identity = await realm.identity();
      const id = await notes.bind((await realm.link(configId, identity.id)).url);
      const signIn = ['sign-in', ...(await issuerAndClient())];
      assert.equal(await notes.fails(...signIn, 'unknown'), 'passkey_not_found');
      const [credential] = await realm.credentials(identity.id);
      await realm.revokeCredential(identity.id, credential?.id ?? '');
      assert.equal(await notes.fails(...signIn, id), 'policy_denied');
    });

    async function issuerAndClient(): Promise<[string, string]> {
      const { id, protocol_config } = await realm.application(configId, REDIRECT_URI);
      return [`${realm.authUrl}/applications/${id}`, protocol_config.client_id];
    }

    /** The server has it as a software key, and it signs in as its owner. */
    async function isWholePasskey(notes: Notes, id: string, identityId: string): Promise<void> {
      const [credential] = await realm.credentials(identityId);
      assert.deepEqual([credential?.state, credential?.csr_type], ['ACTIVE', 'JWT']);
      const printed = await notes.run('sign-in', ...(await issuerAndClient()), id);
      const userinfo = JSON.parse(printed.replace(/^signed in as /, ''));
      assert.equal(userinfo.sub, identityId);
    }
  });
}
