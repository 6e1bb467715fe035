import { KeymoorError, type KeymoorErrorCode } from './keymoorError.ts';

/** What a call is about: the same status means other things for a binding link than for a sign-in. */
export type Subject = 'link' | 'sign-in';

interface Detail {
  field_violations?: unknown;
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
  const words = [message, ...firstViolation(known)].filter((word) => typeof word === 'string' && word !== '');
  const text = [`the server answered ${status}`, ...words].join(': ');
  return new KeymoorError(code, text + advice(code), { status, body });
}

/** The first field that the server objects to, and its words about it. */
function firstViolation(details: Detail[]): unknown[] {
  const [first] = details.flatMap(({ field_violations }) => (Array.isArray(field_violations) ? field_violations : []));
  return first ? [first.field, first.description] : [];
}

function advice(code: KeymoorErrorCode): string {
  return code === 'untrusted_origin'
    ? `. Add this page's origin, ${globalThis.origin}, to the trusted_origins of the authenticator config`
    : '';
}

/**
 * Whether the server has said that it did not accept the key that a call offered.
 *
 * @param isRepeat - Whether an earlier call with the same key may have arrived. What stands in the way of the later
 * one then says nothing about the key, unless it is about the proof or the link's state.
 */
export function isRefusal(error: unknown, isRepeat: boolean): boolean {
  const { status, body } = ((error as KeymoorError).cause ?? {}) as { status?: number; body?: { code?: unknown } };
  // What stands between may refuse an answer, but not in the server's words.
  if (!status || status >= 500 || typeof body?.code !== 'string') return false;
  return !isRepeat || status === 400 || status === 409;
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
