import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What the server expects next: a command, the message, or what follows it. */
type Moment = 'greeting' | 'EHLO' | 'STARTTLS' | 'MAIL' | 'RCPT' | 'DATA' | 'message' | 'QUIT';

/** What one connection does at one moment in place of an honest answer; it gets all that it has heard so far. */
export interface Lie {
  at: Moment;
  answer: (socket: Socket, heard: string) => void;
  /** What it announces besides 8BITMIME. */
  announces?: string;
}

const HONEST: Record<Moment, string> = {
  greeting: '220 mail.example',
  EHLO: '250-mail.example',
  STARTTLS: '220 Go ahead',
  MAIL: '250 Sender',
  RCPT: '250 Recipient',
  DATA: '354 Go on',
  message: '250 Queued',
  QUIT: '221 Goodbye',
};

/** A mail server that takes every mail, but for the next connections, each of which tells a lie. */
export class LyingSmtp implements AsyncDisposable {
  /** The messages that were said to be queued, as they came. */
  readonly queued: string[] = [];
  /** The messages that came whole, whatever was said about them. */
  readonly heard: string[] = [];
  connections = 0;
  readonly #lies: Lie[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket, this.#lies.shift()));
  }

  static async start(): Promise<LyingSmtp> {
    const smtp = new LyingSmtp();
    smtp.#server.listen(0, '127.0.0.1');
    await once(smtp.#server, 'listening');
    return smtp;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sets what the next connections do. */
  next(...lies: Lie[]): void {
    this.#lies.push(...lies);
  }

  /** The messages among these that are for an address. */
  static to(address: string, messages: string[]): string[] {
    return messages.filter((message) => message.includes(`To: ${address}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket, lie: Lie | undefined): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {}); // Clients may well hang up on it.
    let pending = '';
    let conversation = '';
    let inMessage = false;

    const answer = (moment: Moment) => {
      if (lie?.at === moment) return lie.answer(socket, conversation);
      const capabilities = ['8BITMIME', ...(lie?.announces ? [lie.announces] : [])];
      const listed = capabilities.map((name, index) => `250${index + 1 < capabilities.length ? '-' : ' '}${name}\r\n`);
      socket.write(`${HONEST[moment]}\r\n${moment === 'EHLO' ? listed.join('') : ''}`);
    };
    const takeMessage = (end: number) => {
      const message = pending.slice(0, end);
      pending = pending.slice(end + '\r\n.\r\n'.length);
      inMessage = false;
      this.heard.push(message);
      if (lie?.at !== 'message') this.queued.push(message);
      answer('message');
    };
    const takeCommand = (end: number) => {
      const moment = pending.slice(0, end).split(/[ :]/)[0]?.toUpperCase() as Moment;
      pending = pending.slice(end + '\r\n'.length);
      inMessage = moment === 'DATA' && lie?.at !== 'DATA';
      answer(moment);
    };
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      pending += chunk;
      conversation += chunk;
      for (;;) {
        const end = pending.indexOf(inMessage ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        if (inMessage) takeMessage(end);
        else takeCommand(end);
      }
    });
    answer('greeting');
  }
}
