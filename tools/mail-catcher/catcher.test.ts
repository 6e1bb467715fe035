import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { startMailCatcher, type Mail, type MailCatcher } from './catcher.ts';

let catcher: MailCatcher;

before(async () => {
  catcher = await startMailCatcher();
});

after(() => catcher.stop());

async function deliver(to: string, parts: { subject?: string; text?: string; html?: string }): Promise<Mail> {
  await createTransport(catcher.smtpUrl).sendMail({ from: 'Keymoor <keymoor@example.com>', to, ...parts });
  const [mail] = await catcher.mailbox.waitFor({ to }, 10);
  assert(mail);
  return mail;
}

async function mailsAt(query: string): Promise<Mail[]> {
  const response = await fetch(`${catcher.webUrl}/mails.json${query}`);
  assert.equal(response.status, 200);
  return (await response.json()) as Mail[];
}

test('a delivered mail is listed with its envelope, both bodies and its links', async () => {
  await deliver('ann@example.com', {
    subject: 'Your passkey',
    text: 'Open <http://localhost:8021/v1/x?token=a-b_c> or myapp://bind?token=d.',
    html: '<p>Open</p>',
  });
  const [mail] = await mailsAt('?to=ANN@example.com');
  assert(mail);
  assert.equal(mail.from, 'keymoor@example.com');
  assert.deepEqual(mail.to, ['ann@example.com']);
  assert.equal(mail.subject, 'Your passkey');
  assert.equal(mail.html?.trim(), '<p>Open</p>');
  assert.equal(mail.links[0], 'http://localhost:8021/v1/x?token=a-b_c');
  assert.match(mail.links[1] ?? '', /^myapp:\/\/bind\?token=d/);
});

test('a query that waits is answered by the mail that arrives meanwhile', async () => {
  const waiting = mailsAt('?to=late@example.com&wait=30');
  await deliver('late@example.com', { subject: 'Late' });
  assert.deepEqual(
    (await waiting).map(({ subject }) => subject),
    ['Late'],
  );
});

test('a query sees only mails to its address and after its id', async () => {
  const first = await deliver('bob@example.com', { subject: 'First' });
  await deliver('carol@example.com', { subject: 'Elsewhere' });
  assert.deepEqual(await mailsAt(`?to=bob@example.com&after=${first.id}`), []);
});

test('pages escape what a mail says and link web addresses only', async () => {
  const mail = await deliver('eve@example.com', {
    subject: '<script>alert(1)</script>',
    text: '<b> https://example.com/?a=1&b=2 javascript://example.com/%0aalert(1)',
  });
  const list = await (await fetch(catcher.webUrl)).text();
  const page = await (await fetch(`${catcher.webUrl}/mails/${mail.id}`)).text();
  assert.doesNotMatch(list + page, /<script>|<b>/);
  assert.match(page, /<a href="https:\/\/example\.com\/\?a=1&#38;b=2"/);
  assert.doesNotMatch(page, /href="javascript:/);
});

test('the markup of a mail is shown where no script runs', async () => {
  const mail = await deliver('html@example.com', { html: '<script>alert(1)</script>' });
  const response = await fetch(`${catcher.webUrl}/mails/${mail.id}/html`);
  const policy = response.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /sandbox(?!.*allow-scripts)/);
});

test('a request under a foreign host name is refused', async () => {
  const { port } = new URL(catcher.webUrl);
  const status = await new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/mails.json', headers: { host: 'evil.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  assert.equal(status, 403);
});

test('an unknown mail is not found, and deleting forgets all', async () => {
  const mail = await deliver('gone@example.com', {});
  assert.equal((await fetch(`${catcher.webUrl}/mails/999999`)).status, 404);
  assert.equal((await fetch(`${catcher.webUrl}/mails.json`, { method: 'DELETE' })).status, 204);
  assert.deepEqual(await mailsAt('?to=gone@example.com'), []);
  assert.equal((await fetch(`${catcher.webUrl}/mails/${mail.id}`)).status, 404);
});
