/** One request that a client sent. */
export interface Sent {
  method: string;
  url: string;
  headers: Headers;
  /** JSON where it is, else text. */
  body: unknown;
}

type Answer = (request: Sent) => Response;

/** A server behind a `fetch` of its own. It gives the answers in order, and the last one for ever. */
export class FakeApi {
  readonly sent: Sent[] = [];
  readonly #answers: [Answer, ...Answer[]];

  constructor(...answers: [Answer, ...Answer[]]) {
    this.#answers = answers;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const text = await request.text();
    const isJson = request.headers.get('content-type') === 'application/json';
    const { method, url, headers } = request;
    const sent = { method, url, headers, body: isJson ? JSON.parse(text) : text };
    this.sent.push(sent);
    const answer = this.#answers[Math.min(this.sent.length, this.#answers.length) - 1] as Answer;
    return answer(sent);
  };
}

export const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  () =>
    Response.json(body, { status, headers });
