import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Account, PendingSignIn } from './signIn.ts';

/** What the server remembers about one browser. */
export interface Session {
  account?: Account;
  pending: PendingSignIn[];
}

const COOKIE = 'saltmarsh_session';
const LIFETIME_MS = 8 * 3_600_000;

/** Sessions in memory, found by a random cookie. A real application keeps them where they survive a restart. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #attributes: string;

  constructor(origin: string) {
    const secure = origin.startsWith('https:') ? '; Secure' : '';
    // Lax: the cookie has to come along when the sign-in returns to us.
    this.#attributes = `; Path=/; HttpOnly; SameSite=Lax${secure}`;
  }

  of(request: IncomingMessage): Session | undefined {
    return this.#sessions.get(cookie(request));
  }

  /** Gives the browser a session under a fresh id, so that one that was planted before sign-in is worth nothing. */
  start(request: IncomingMessage, response: ServerResponse, session: Session): void {
    this.#sessions.delete(cookie(request));
    const id = randomBytes(32).toString('base64url');
    this.#sessions.set(id, session);
    setTimeout(() => this.#sessions.delete(id), LIFETIME_MS).unref();
    response.setHeader('Set-Cookie', `${COOKIE}=${id}${this.#attributes}; Max-Age=${LIFETIME_MS / 1_000}`);
  }

  end(request: IncomingMessage, response: ServerResponse): void {
    this.#sessions.delete(cookie(request));
    response.setHeader('Set-Cookie', `${COOKIE}=${this.#attributes}; Max-Age=0`);
  }
}

function cookie(request: IncomingMessage): string {
  const cookies = request.headers.cookie?.split('; ') ?? [];
  return cookies.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? '';
}
