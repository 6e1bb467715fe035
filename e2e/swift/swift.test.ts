import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Application, Identity } from '@keymoor/api-client';
import { DATABASES } from '../support/databases.ts';
import { Management, type Realm, unique } from '../support/directory.ts';
import { ok } from '../support/http.ts';
import { Keymoor } from '../support/keymoor.ts';
import { requestClaims, SignIns } from '../support/signIn.ts';
import { DEV, swiftPasskeys } from '../support/settings.ts';
import { Smtp } from '../support/smtp.ts';
import { until } from '../support/until.ts';

/** Where the links of the application lead. No program listens there: the system would open the app. */
const APP = 'com.example.app://passkeys';

/** The console program of examples/swift with a folder of its own. */
interface Device {
  (...command: string[]): Promise<string>;
  folder: string;
}

for (const database of DATABASES) {
  describe(`the Swift SDK on ${database}`, () => {
    let stack: AsyncDisposableStack;
    let realm: Realm;
    let smtp: Smtp;
    let config: string;
    let application: Application;

    before(async () => {
      stack = new AsyncDisposableStack();
      smtp = stack.use(await Smtp.start());
      const keymoor = stack.use(await Keymoor.start({ database, smtpUrl: smtp.url }));
      realm = await (await Management.of(keymoor.init)).realm();
      config = await realm.config(APP);
      application = await realm.application(config, `${APP}/callback`);
    });
    after(() => stack?.disposeAsync());

    async function newDevice(): Promise<Device> {
      const folder = await mkdtemp(join(DEV, 'device-'));
      stack.defer(() => rm(folder, { recursive: true, force: true }));
      const [file = '', ...first] = swiftPasskeys();
      const device = async (...command: string[]) => {
        const { stdout } = await promisify(execFile)(file, [...first, folder, 'localhost', ...command]);
        return stdout.trim();
      };
      return Object.assign(device, { folder });
    }

    test('binds by the link that the API returned, lists, signs in, redeems and deletes', async () => {
      const device = await newDevice();
      const identity = await realm.identity('ada@example.com');
      const link = await realm.link(config, identity.id);
      const id = await device('bind', link.url);
      await isBound(device, id, identity);

      const signIns = new SignIns(realm, application);
      const started = await signIns.start();
      assert.equal(await device('ask', started.url), 'Test application');
      const redirect = new URL(await device('sign-in', started.url, id));
      assert.equal(redirect.href.split('?')[0], `${APP}/callback`);
      assert.equal(redirect.searchParams.get('state'), 'state-of-the-test');
      const code = redirect.searchParams.get('code') ?? '';
      const tokens = ok<{ id_token: string }>(await signIns.redeem(started, code));
      assert.equal(JSON.parse(atob(tokens.id_token.split('.')[1] ?? '')).sub, identity.id);

      await refuses(device('sign-in', started.url, id), 'invalid_request');
      await device('delete', id);
      await device('delete', id);
      assert.equal(await device('list'), '');
      await refuses(device('sign-in', (await signIns.start()).url, id), 'passkey_not_found');
      assert.equal((await realm.credentials(identity.id))[0]?.state, 'ACTIVE', 'deleting is local');
    });

    test('binds by a mailed link, which leads to the app', async () => {
      const device = await newDevice();
      const address = `${unique('ada')}@example.com`;
      const identity = await realm.identity(address);
      const job = await realm.mail(config, identity.id);
      const { link } = await smtp.wait(address);
      const opened = await fetch(link, { redirect: 'manual' });
      const location = opened.headers.get('location') ?? '';
      assert.ok(location.startsWith(`${APP}/bind?`), location);
      const id = await device('bind', location);
      await isBound(device, id, identity);
      assert.equal((await realm.job(job)).state, 'COMPLETE');
    });

    test('binding again replaces the passkey and its key', async () => {
      const device = await newDevice();
      const identity = await realm.identity();
      const first = await device('bind', (await realm.link(config, identity.id)).url);
      const files = await readdir(device.folder);
      const second = await device('bind', (await realm.link(config, identity.id)).url);
      assert.notEqual(second, first);
      assert.equal((await device('list')).split(' ')[0], second);
      assert.equal((await readdir(device.folder)).length, files.length);
    });

    test('refuses wrong, used, expired, revoked and foreign links by their codes', async () => {
      const device = await newDevice();
      const identity = await realm.identity();
      const link = () => realm.link(config, identity.id);

      const { url } = await link();
      await refuses(device('bind', url.replace(/.{8}$/, 'AAAAAAAA')), 'link_not_found');
      await refuses(device('bind', url.replace('localhost', 'localhost.evil.example')), 'disallowed_domain');
      await refuses(device('bind', url.replace('localhost', '127.0.0.1')), 'disallowed_domain');
      await refuses(device('bind', `${url}&token=again`), 'invalid_url');
      await refuses(device('bind', 'https://example.com/'), 'invalid_url');

      const revoked = await link();
      await realm.revokeJob(revoked);
      await refuses(device('bind', revoked.url), 'link_revoked');
      const expired = await realm.link(config, identity.id, { expires_in: 1 });
      const job = { id: expired.jobId, identity_id: identity.id };
      await until(async () => (await realm.job(job)).state === 'EXPIRED', 'the link has expired');
      await refuses(device('bind', expired.url), 'link_expired');

      assert.deepEqual(await realm.credentials(identity.id), []);
      assert.equal(await device('list'), '');
      await device('bind', url);
      await refuses(device('bind', url), 'link_complete');
      assert.equal((await realm.credentials(identity.id)).length, 1);
    });

    test('refuses a request to sign in that another host signed, or nobody', async () => {
      const device = await newDevice();
      const identity = await realm.identity();
      const id = await device('bind', (await realm.link(config, identity.id)).url);
      const { url } = await new SignIns(realm, application).start();
      assert.equal(requestClaims(url).authn.rid, realm.id);
      const [header = '', claims = '', signature = ''] = (new URL(url).searchParams.get('request') ?? '').split('.');
      const foreign = JSON.parse(Buffer.from(header, 'base64url').toString());
      foreign.jku = foreign.jku.replace('localhost', 'evil.example');
      const at = (request: string) => `${APP}/bi-authenticate?request=${request}`;
      const encoded = Buffer.from(JSON.stringify(foreign)).toString('base64url');
      await refuses(device('sign-in', at(`${encoded}.${claims}.${signature}`), id), 'disallowed_domain');
      const forged = `${signature.slice(0, -8)}AAAAAAAA`;
      await refuses(device('sign-in', at(`${header}.${claims}.${forged}`), id), 'invalid_request');
      await device('sign-in', url, id);
    });

    async function isBound(device: Device, id: string, identity: Identity): Promise<void> {
      const [credential] = await realm.credentials(identity.id);
      assert.deepEqual([credential?.state, credential?.csr_type], ['ACTIVE', 'JWT']);
      assert.match(id, /^[0-9a-f]{64}$/);
      assert.equal(await device('list'), `${id} ${credential?.id} SOFTWARE ${identity.traits.username}`);
    }
  });
}

/** The program ends with a code and a message that show no token. */
async function refuses(call: Promise<string>, code: string): Promise<void> {
  await assert.rejects(call, (error: { code: number; stdout: string; stderr: string }) => {
    assert.equal(error.code, 1, error.stderr);
    assert.equal(error.stderr.split(':')[0], code, error.stderr);
    assert.doesNotMatch(error.stderr, /[\w-]{40}/, 'no token');
    return true;
  });
}
