import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { CredentialBindingJob } from '@keymoor/api-client';
import { type DatabaseKind, DATABASES } from '../support/databases.ts';
import { Management, type Realm, unique } from '../support/directory.ts';
import { request } from '../support/http.ts';
import { Keymoor } from '../support/keymoor.ts';
import { type Behaviour, Smtp } from '../support/smtp.ts';
import { until } from '../support/until.ts';

const EACH_KIND: Behaviour[][] = [['accept'], ['defer'], ['stall'], ['die'], ['die', 'defer'], ['refuse']];

// Mostly waiting, so the databases wait side by side.
describe('binding links by mail', { concurrency: true }, () => {
  for (const database of DATABASES) describe(`on ${database}`, { concurrency: false }, () => testMail(database));
});

function testMail(database: DatabaseKind): void {
  let keymoor: Keymoor;
  let smtp: Smtp;
  let realm: Realm;
  let configId: string;
  before(async () => {
    smtp = await Smtp.start();
    keymoor = await Keymoor.start({ database, smtpUrl: smtp.url });
    realm = await (await Management.of(keymoor.init)).realm('Saltmarsh Library');
    configId = await realm.config('https://app.example');
  });
  after(async () => {
    await keymoor?.[Symbol.asyncDispose]();
    await smtp?.[Symbol.asyncDispose]();
  });

  /** Mails a link to an address whose next attempts go as said. */
  async function send(...behaviours: Behaviour[]): Promise<{ address: string; job: CredentialBindingJob }> {
    const address = `${unique('ada')}@example.com`;
    smtp.next(address, ...behaviours);
    const identity = await realm.identity(address);
    return { address, job: await realm.mail(configId, identity.id) };
  }

  async function state(job: CredentialBindingJob): Promise<string> {
    return (await realm.job(job)).state;
  }

  /** Waits for one mail sent after everything before it, by a server that was restarted meanwhile. */
  async function settle(): Promise<void> {
    await keymoor.shutDown();
    await keymoor.serve();
    await smtp.wait((await send()).address);
  }

  test('a mail says for whom, from whom and until when, in text and in HTML, and its link works', async () => {
    const { address, job } = await send();
    const mail = await smtp.wait(address);
    const expiry = job.expire_time.slice(0, 4);
    for (const part of [mail.text, mail.html]) {
      for (const words of ['Saltmarsh Library', mail.link, expiry]) assert(part.includes(words), `${words} in ${part}`);
    }
    const { status, headers } = await request('GET', mail.link);
    assert.equal(status, 302);
    assert.match(headers.get('location') ?? '', /^https:\/\/app\.example\/bind\?/);
  });

  test('a recipient who is refused for good makes the job FAILED_TO_SEND at once', async () => {
    const { address, job } = await send('refuse');
    await until(async () => (await state(job)) === 'FAILED_TO_SEND', 'FAILED_TO_SEND');
    assert.deepEqual(smtp.attempts(address), ['refuse']);
  });

  test('a mail server that always asks for patience makes the job FAILED_TO_SEND after the last attempt', async () => {
    const { address, job } = await send('defer', 'defer', 'defer', 'defer');
    await until(async () => (await state(job)) === 'FAILED_TO_SEND', 'FAILED_TO_SEND');
    assert.equal(smtp.attempts(address).length, 4);
    assert.deepEqual(smtp.to(address), []);
  });

  for (const trouble of ['defer', 'stall', 'die'] as const) {
    test(`a mail survives a mail server that does "${trouble}", and arrives once`, async () => {
      const { address, job } = await send(trouble);
      const mail = await smtp.wait(address);
      assert.deepEqual(smtp.attempts(address), [trouble, 'accept']);
      assert.equal((await request('GET', mail.link)).status, 302);
      await settle();
      assert.equal(smtp.to(address).length, 1);
      assert.equal(await state(job), 'LINK_OPENED');
    });
  }

  test('a mail waits for a mail server that hangs up on everybody for a while', async () => {
    const { port } = smtp;
    await smtp[Symbol.asyncDispose]();
    const closed = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
    const { address } = await send();
    await once(closed, 'connection');
    closed.close();
    await once(closed, 'close');
    smtp = await Smtp.start(port);
    await smtp.wait(address);
  });

  test('a stalled mail server does not hold up the API', async () => {
    const { address } = await send('stall');
    await smtp.waitForAttempts(address, 1);
    await send();
    assert.deepEqual(smtp.attempts(address), ['stall'], 'the API answered before the mail server gave up');
  });

  test('of many mails through every trouble and a restart, none is lost and none arrives twice', async () => {
    const sent = await Promise.all(EACH_KIND.flatMap((kind) => [send(...kind), send(...kind), send(...kind)]));
    await keymoor.shutDown();
    await keymoor.serve();
    const outcome = async ({ address, job }: (typeof sent)[number]) => {
      const refused = smtp.attempts(address).includes('refuse');
      return refused ? (await state(job)) === 'FAILED_TO_SEND' : smtp.to(address).length > 0;
    };
    await until(async () => (await Promise.all(sent.map(outcome))).every(Boolean), 'every mail has an outcome');
    await settle();
    const arrived = sent.map(({ address }) => smtp.to(address).length);
    const expected = EACH_KIND.flatMap((kind) => Array<number>(3).fill(kind.includes('refuse') ? 0 : 1));
    assert.deepEqual(arrived, expected);
  });
}
