import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerEnvelope } from 'smtp-server';
import { Mailbox, linksIn, type Mail } from './mailbox.ts';
import { answer } from './web.ts';

export { Mailbox, type Mail } from './mailbox.ts';

export interface MailCatcher {
  mailbox: Mailbox;
  /** For `KEYMOOR_SMTP_URL`. */
  smtpUrl: string;
  /** Pages for people, and `mails.json` for programs. */
  webUrl: string;
  stop(): Promise<void>;
}

/** Starts both servers on loopback; port 0, the default, lets the system choose. */
export async function startMailCatcher(ports: { smtp?: number; web?: number } = {}): Promise<MailCatcher> {
  const mailbox = new Mailbox();
  const smtp = smtpServer(mailbox);
  const smtpPort = await listen(smtp.server, ports.smtp ?? 0);
  const web = createServer((request, response) => void answer(mailbox, request, response));
  const webPort = await listen(web, ports.web ?? 0);
  return {
    mailbox,
    smtpUrl: `smtp://127.0.0.1:${smtpPort}`,
    webUrl: `http://localhost:${webPort}`,
    async stop() {
      web.closeAllConnections();
      await Promise.all([
        new Promise<void>((resolve) => smtp.close(resolve)),
        new Promise<void>((resolve) => web.close(() => resolve())),
      ]);
    },
  };
}

function smtpServer(mailbox: Mailbox): SMTPServer {
  const server = new SMTPServer({
    authOptional: true,
    // Its certificate would be self-signed, and a client that offers STARTTLS checks it.
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, session, done) {
      buffer(stream)
        .then((raw) => PostalMime.parse(raw))
        .then((email) => mailbox.add({ ...addresses(session.envelope), ...content(email) }))
        .then(() => done(), done);
    },
  });
  // A client that hangs up in the middle is the client's own affair.
  server.on('error', () => {});
  return server;
}

function addresses(envelope: SMTPServerEnvelope): Pick<Mail, 'from' | 'to'> {
  return {
    from: envelope.mailFrom ? envelope.mailFrom.address : '',
    to: envelope.rcptTo.map(({ address }) => address),
  };
}

function content(email: Email): Omit<Mail, 'id' | 'from' | 'to'> {
  const text = email.text ?? '';
  return {
    subject: email.subject ?? '',
    messageId: email.messageId ?? null,
    received: new Date().toISOString(),
    text,
    html: email.html ?? null,
    links: linksIn(text),
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
