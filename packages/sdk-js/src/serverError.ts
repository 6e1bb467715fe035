import { KeymoorError, type KeymoorErrorCode } from './keymoorError.ts';

/** What a call is about: the same status means other things for a binding link than for a sign-in. */
export type Subject = 'link' | 'sign-in';

interface Detail {
  resource_type?: unknown;
  description?: unknown;
}

const LINK_STATES = new Map<unknown, KeymoorErrorCode>([
  ['complete', 'link_complete'],
  ['expired', 'link_expired'],
  ['revoked', 'link_revoked'],
]);

/** What an answer other than 2xx means. `body` is whatever JSON came with it, if any. */
export function serverError(subject: Subject, status: number, body: unknown): KeymoorError {
  const { message, details } = (body ?? {}) as { message?: unknown; details?: unknown };
  const known = Array.isArray(details) ? (details.filter(Boolean) as Detail[]) : [];
  const code = commonCode(status) ?? (subject === 'link' ? linkCode(status, known) : signInCode(status));
  const text = typeof message === 'string' ? `: ${message}` : '';
  return new KeymoorError(code, `the server answered ${status}${text}`, { status, body });
}

/** Whether the server itself has said that it did not do what a call asked for. */
export function isRefusal(error: unknown): boolean {
  const { code, cause } = error as KeymoorError;
  const { status, body } = (cause ?? {}) as { status?: number; body?: { code?: unknown } };
  // Browsers repeat a request whose connection broke: the link may be complete because the first one arrived.
  if (!status || status >= 500 || code === 'link_complete') return false;
  // What stands between may refuse an answer, but not in the server's words.
  return typeof body?.code === 'string';
}

function commonCode(status: number): KeymoorErrorCode | undefined {
  if (status >= 500) return 'server';
  return status === 429 ? 'rate_limited' : undefined;
}

function linkCode(status: number, details: Detail[]): KeymoorErrorCode {
  switch (status) {
    case 404:
      return 'link_not_found';
    case 409:
      return details.map(({ description }) => LINK_STATES.get(description)).find(Boolean) ?? 'invalid_request';
    case 403:
      return details.some(({ resource_type }) => resource_type === 'Origin') ? 'untrusted_origin' : 'user_suspended';
    default:
      return 'invalid_request';
  }
}

/** A person who may not sign in is a denial, not a status: 403 is about the page. */
function signInCode(status: number): KeymoorErrorCode {
  return status === 403 ? 'untrusted_origin' : 'invalid_request';
}
