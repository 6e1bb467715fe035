import { once } from 'node:events';

interface Reply {
  type: 'success' | 'error' | 'event';
  id?: number;
  result?: unknown;
  error?: string;
  message?: string;
}

const COMMAND_LIMIT_MS = 60_000;

/** The commands of WebDriver BiDi (W3C), over its WebSocket. */
export class WebDriverBidi {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply>>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const reply = JSON.parse(data) as Reply;
      this.#waiting.get(reply.id ?? 0)?.resolve(reply);
    });
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the browser hung up'));
    });
  }

  static async connect(url: string): Promise<WebDriverBidi> {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    return new WebDriverBidi(socket);
  }

  async send<T>(method: string, params: object): Promise<T> {
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<Reply>();
    this.#waiting.set(id, waiting);
    const late = setTimeout(() => waiting.reject(new Error(`no answer to ${method}`)), COMMAND_LIMIT_MS);
    try {
      this.#socket.send(JSON.stringify({ id, method, params }));
      const { type, result, error, message } = await waiting.promise;
      if (type !== 'success') throw new Error(`${method}: ${error}: ${message}`);
      return result as T;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(id);
    }
  }

  close(): void {
    this.#socket.close();
  }
}
