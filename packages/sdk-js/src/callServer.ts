import { type AllowedDomain, requireAllowed } from './allowedDomains.ts';
import { Fields } from './fields.ts';
import { KeymoorError } from './keymoorError.ts';
import { parseJson } from './parseJson.ts';
import { type Subject, serverError } from './serverError.ts';
import { splitOnce } from './urls.ts';

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
  const address = requireAllowed(url, domains);
  const response = await send(address, call);
  let body: unknown;
  try {
    body = await readBody(address, response);
  } catch (error) {
    if (response.ok) throw error;
  }
  if (!response.ok) throw serverError(call.subject, response.status, body);
  return new Fields(body, 'answer', 'invalid_response');
}

async function readBody(address: string, response: Response): Promise<unknown> {
  let bytes: ArrayBuffer;
  try {
    bytes = await response.arrayBuffer();
  } catch (error) {
    throw new KeymoorError('network', `the answer of ${place(address)} broke off`, error);
  }
  try {
    return parseJson(bytes);
  } catch (error) {
    throw new KeymoorError('invalid_response', `${place(address)} didn't answer with JSON`, error);
  }
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

/** The query may be a secret. */
const place = (address: string): string => splitOnce(address, '?')[0];
