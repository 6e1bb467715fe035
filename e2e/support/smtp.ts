import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { until } from './until.ts';

/** A mail that was accepted. */
export interface Mail {
  to: string[];
  subject: string;
  messageId: string;
  text: string;
  html: string;
  /** The binding link in its text part. */
  link: string;
}

/**
 * What the mail server does with one attempt: takes it, refuses it for good or for now, says nothing more until the
 * client gives up, or drops the connection in the middle of the message.
 */
export type Behaviour = 'accept' | 'refuse' | 'defer' | 'stall' | 'die';

/** A mail server on loopback whose behaviour each recipient's test decides, attempt by attempt. */
export class Smtp implements AsyncDisposable {
  readonly mails: Mail[] = [];
  /** How long the server hesitates at most, at random, between having a mail and saying so. */
  hesitationMs = 0;
  readonly #attempts = new Map<string, Behaviour[]>();
  readonly #behaviours = new Map<string, Behaviour[]>();
  readonly #sockets = new Map<number, Socket>();
  readonly #server: SMTPServer;

  private constructor() {
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      disableReverseLookup: true,
      logger: false,
      onRcptTo: ({ address }, _session, done) => this.#recipient(address, done),
      onData: (stream, session, done) => this.#data(stream, session, done),
    });
    this.#server.on('error', () => {}); // Connections that end early are what these tests are about.
    this.#server.server.on('connection', (socket: Socket) => {
      const { remotePort = 0 } = socket;
      this.#sockets.set(remotePort, socket);
      socket.once('close', () => this.#sockets.delete(remotePort));
    });
  }

  /** @param port - Where one listened before; a free one unless given. */
  static async start(port = 0): Promise<Smtp> {
    const smtp = new Smtp();
    smtp.#server.listen(port, '127.0.0.1');
    await once(smtp.#server.server, 'listening');
    return smtp;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** Sets what happens to the next attempts for a recipient; all later ones are accepted. */
  next(address: string, ...behaviours: Behaviour[]): void {
    this.#behaviours.set(address, behaviours);
  }

  /** What happened to each attempt for a recipient so far. */
  attempts(address: string): Behaviour[] {
    return this.#attempts.get(address) ?? [];
  }

  to(address: string): Mail[] {
    return this.mails.filter((mail) => mail.to.includes(address));
  }

  /** Waits for a recipient's mail number `count`. */
  async wait(address: string, count = 1): Promise<Mail> {
    await until(() => this.to(address).length >= count, `mail ${count} to ${address}`);
    return this.to(address)[count - 1] as Mail;
  }

  async waitForAttempts(address: string, count: number): Promise<void> {
    await until(() => this.attempts(address).length >= count, `attempt ${count} for ${address}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.values()) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }

  #recipient(address: string, done: (error?: Error) => void): void {
    const behaviour = this.#behaviours.get(address)?.shift() ?? 'accept';
    this.#attempts.set(address, [...this.attempts(address), behaviour]);
    if (behaviour === 'refuse') done(reply(550, 'No such mailbox'));
    else if (behaviour === 'defer') done(reply(451, 'Try again later'));
    else if (behaviour !== 'stall') done();
  }

  #data(stream: SMTPServerDataStream, session: SMTPServerSession, done: (error?: Error) => void): void {
    const to = session.envelope.rcptTo.map(({ address }) => address);
    if (to.some((address) => this.attempts(address).at(-1) === 'die')) {
      stream.once('data', () => this.#sockets.get(session.remotePort)?.destroy());
      return;
    }
    buffer(stream)
      .then((raw) => PostalMime.parse(raw))
      .then(({ subject = '', messageId = '', text = '', html = '' }) => {
        const link = /https?:\/\/\S+\/invokeAuthenticator\?token=[\w-]+/.exec(text)?.[0] ?? '';
        this.mails.push({ to, subject, messageId, text, html, link });
      })
      .then(() => delay(Math.random() * this.hesitationMs))
      .then(() => done(), done);
  }
}

function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
