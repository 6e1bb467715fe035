import { type AllowedDomain, requireAllowed } from './allowedDomains.ts';
import { Fields } from './fields.ts';
import { KeymoorError } from './keymoorError.ts';
import { type Subject, serverError } from './serverError.ts';

/** One request. */
export interface Call {
  subject: Subject;
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
}

const TIMEOUT_MS = 30_000;

/**
 * Calls the server and reads its JSON object. The only place of this package that calls anything, so that
 * nothing outside the allowed domains is ever called.
 *
 * @throws {@link KeymoorError} for every failure.
 */
export async function callServer(url: string, domains: readonly AllowedDomain[], call: Call): Promise<Fields> {
  requireAllowed(url, domains);
  const response = await send(url, call);
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    if (response.ok) throw unreadable(url, error);
  }
  if (!response.ok) throw serverError(call.subject, response.status, body);
  return new Fields(body, 'answer', 'invalid_response');
}

async function send(url: string, { subject: _, ...request }: Call): Promise<Response> {
  try {
    return await fetch(url, {
      ...request,
      cache: 'no-store',
      credentials: 'omit',
      // A redirect would leave the hosts that were checked.
      redirect: 'error',
      // The page's own URL may hold the link's token.
      referrerPolicy: 'no-referrer',
      signal: globalThis.AbortSignal?.timeout?.(TIMEOUT_MS) ?? null,
    });
  } catch (error) {
    throw new KeymoorError('network', `no answer from ${place(url)}`, error);
  }
}

/** A body that isn't JSON, or one whose connection broke. */
function unreadable(url: string, cause: unknown): KeymoorError {
  return (cause as Partial<Error>).name === 'SyntaxError'
    ? new KeymoorError('invalid_response', `${place(url)} didn't answer with JSON`, cause)
    : new KeymoorError('network', `the answer of ${place(url)} broke off`, cause);
}

/** The query may be a secret. */
function place(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
