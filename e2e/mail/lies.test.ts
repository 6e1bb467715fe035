import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CredentialBindingJob } from '@keymoor/api-client';
import { type DatabaseKind, DATABASES } from '../support/databases.ts';
import { Management, type Realm, unique } from '../support/directory.ts';
import { Keymoor } from '../support/keymoor.ts';
import { type Lie, LyingSmtp } from '../support/lyingSmtp.ts';
import { LONG } from '../support/settings.ts';
import { until } from '../support/until.ts';

const say = (at: Lie['at'], line: string): Lie => ({ at, answer: (socket) => void socket.write(`${line}\r\n`) });
const hangUp = (at: Lie['at']): Lie => ({ at, answer: (socket) => void socket.destroy() });
const saySorry = (at: Lie['at']): Lie => ({ at, answer: (socket) => void socket.end('421 Closing\r\n') });
const saysNothing = (at: Lie['at']): Lie => ({ at, answer: () => {} });
const OVERSIZED_BYTES = 16 << 20;

/** After each of these, the mail still has to get out. */
const PASSING: Record<string, Lie> = {
  'takes the message and hangs up before it answers': hangUp('message'),
  'takes the message and never answers': saysNothing('message'),
  'asks for patience when it has the message': say('message', '451 Try again later'),
  'says 421 in its greeting': saySorry('greeting'),
  'says 421 to EHLO': saySorry('EHLO'),
  'says 421 to MAIL': saySorry('MAIL'),
  'says 421 to RCPT': saySorry('RCPT'),
  'says 421 to DATA': saySorry('DATA'),
  'says 421 when it has the message': saySorry('message'),
  'never greets': saysNothing('greeting'),
  'greets with garbage': say('greeting', '\x00\x01\x7f HTTP/1.1 400 Bad Request'),
  'answers DATA with garbage': say('DATA', 'ÿþ354-354 354'),
  'answers EHLO with a line that never ends': {
    at: 'EHLO',
    answer: (socket) => void socket.write(`250-${'x'.repeat(OVERSIZED_BYTES)}`),
  },
  'answers EHLO with lines that never end': {
    at: 'EHLO',
    answer: (socket) => void socket.write('250-x\r\n'.repeat(OVERSIZED_BYTES / 7)),
  },
};

/** None of these needs another attempt. */
const HARMLESS: Record<string, Lie> = {
  'hangs up instead of saying goodbye': hangUp('QUIT'),
  'refuses to say goodbye': say('QUIT', '554 No'),
  'never says goodbye': saysNothing('QUIT'),
  'announces STARTTLS and refuses it': { ...say('STARTTLS', '454 TLS not available'), announces: 'STARTTLS' },
  'announces STARTTLS, agrees, and speaks something else': {
    at: 'STARTTLS',
    answer: (socket) => void socket.end('220 Go ahead\r\nthis is no TLS\r\n'),
    announces: 'STARTTLS',
  },
};

/** These are final, and told to whoever asks for the job. */
const REFUSING: Record<string, Lie> = {
  'takes the recipient and refuses the message': say('message', '554 No, after all'),
  'announces 8BITMIME and refuses it': say('MAIL', '555 BODY is not recognized'),
  'repeats the link in its refusal': {
    at: 'message',
    answer: (socket, heard) => void socket.write(`554 5.7.1 I take no ${tokenIn(heard)}\r\n`),
  },
};

// Mostly waiting, so the databases wait side by side.
describe('a mail server that lies', { concurrency: true }, () => {
  // What differs is the recording, not the sending.
  for (const database of LONG ? DATABASES : (['sqlite'] as const)) describe(`on ${database}`, { concurrency: false }, () => testLies(database));
});

function testLies(database: DatabaseKind): void {
  let keymoor: Keymoor;
  let smtp: LyingSmtp;
  let realm: Realm;
  let configId: string;
  const sent: { address: string; queued: 0 | 1 }[] = [];
  before(async () => {
    smtp = await LyingSmtp.start();
    keymoor = await Keymoor.start({ database, smtpUrl: smtp.url });
    realm = await (await Management.of(keymoor.init)).realm();
    configId = await realm.config('https://app.example');
  });
  after(async () => {
    await keymoor?.[Symbol.asyncDispose]();
    await smtp?.[Symbol.asyncDispose]();
  });

  async function send(lie: Lie, queued: 0 | 1): Promise<{ address: string; job: CredentialBindingJob }> {
    const address = `${unique('ada')}@example.com`;
    smtp.next(lie);
    sent.push({ address, queued });
    return { address, job: await realm.mail(configId, (await realm.identity(address)).id) };
  }

  function isQueued(address: string): Promise<void> {
    return until(() => LyingSmtp.to(address, smtp.queued).length > 0, `mail to ${address}`);
  }

  for (const [what, lie] of Object.entries(PASSING)) {
    test(`that ${what} gets the mail later, as the same one`, async () => {
      const { connections } = smtp;
      const { address } = await send(lie, 1);
      await isQueued(address);
      assert.equal(smtp.connections, connections + 2);
      const ids = LyingSmtp.to(address, smtp.heard).map((mail) => /^Message-ID: (\S+)/im.exec(mail)?.[1]);
      assert(ids[0], 'a Message-ID');
      assert.equal(new Set(ids).size, 1);
    });
  }

  for (const [what, lie] of Object.entries(HARMLESS)) {
    test(`that ${what} gets the mail all the same`, async () => {
      const { address } = await send(lie, 1);
      await isQueued(address);
    });
  }

  for (const [what, lie] of Object.entries(REFUSING)) {
    test(`that ${what} makes the job FAILED_TO_SEND`, async () => {
      const { address, job } = await send(lie, 0);
      await until(async () => (await realm.job(job)).state === 'FAILED_TO_SEND', 'FAILED_TO_SEND');
      assert(LyingSmtp.to(address, smtp.heard).length <= 1);
    });
  }

  test('got each mail once, and made the server write down no link', async () => {
    // What is left to send is sent before this one.
    await isQueued((await send(say('QUIT', '221 Goodbye'), 1)).address);
    await keymoor.shutDown();
    assert.deepEqual(
      sent.map(({ address }) => LyingSmtp.to(address, smtp.queued).length),
      sent.map(({ queued }) => queued),
    );
    const log = await keymoor.log();
    for (const message of smtp.heard) assert(!log.includes(tokenIn(message)));
  });
}

/** The token of the link in a message, which may be quoted-printable (RFC 2045 section 6.7). */
function tokenIn(message: string): string {
  const [, token] = /token=(?:3D)?([\w-]{64})/.exec(message.replaceAll('=\r\n', '')) ?? [];
  assert(token, 'a mail without a link');
  return token;
}
