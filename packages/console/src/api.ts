/** Calls to the server: the management API with the session's rights, and the session itself. */
import { createClient, KeymoorApiError, type ManagementApi } from '@keymoor/api-client';
import { BASE } from './base.ts';

/** Who is signed in. */
export interface Session {
  tenant_id: string;
  admin_realm_id: string;
  identity_id: string;
  display_name: string;
  username: string;
  auth_url: string;
  api_url: string;
  expire_time: string;
  build: string;
}

/** Why a session can't be used; the server's words. */
export type Ended = 'none' | 'day' | 'suspended' | 'revoked' | 'idle';

/** Asks the person to sign in again. Resolves when they have. */
type AskAgain = (why: Ended) => Promise<void>;

let askAgain: AskAgain | undefined;
/** Only one dialog asks, for every call that waits. */
let asking: Promise<void> | undefined;
let lastActive = Date.now();
for (const act of ['pointerdown', 'keydown']) addEventListener(act, () => (lastActive = Date.now()), true);

/** Registers who asks people to sign in again in the middle of something. */
export function onSessionEnd(ask: AskAgain): void {
  askAgain = ask;
}

/** The correlation ids of errors, for the person who reports one. */
const correlations = new WeakMap<object, string>();

export function correlationOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null ? correlations.get(error) : undefined;
}

let lastCorrelation = '';

/** Like `fetch`, for our own server: says that it is the console's page, and signs in again where the session ended. */
export async function call(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    const headers = new Headers(init.headers);
    headers.set('x-keymoor-console', '1');
    headers.delete('authorization');
    // What the page does by itself doesn't show that somebody is there.
    if (Date.now() - lastActive > 60_000) headers.set('x-keymoor-background', '1');
    const response = await fetch(input, { ...init, headers, credentials: 'same-origin' });
    lastCorrelation = response.headers.get('x-correlation-id') ?? '';
    if (response.status !== 401 || !askAgain) return response;
    const why = (response.headers.get('x-keymoor-session') ?? 'none') as Ended;
    asking ??= askAgain(why).finally(() => (asking = undefined));
    await asking;
  }
}

/** Calls one of the console's own operations. */
export async function own<T>(path: string, method: 'GET' | 'POST' = 'GET', body?: unknown): Promise<T> {
  const response = await fetch(`${BASE}/api${path}`, {
    method,
    headers: { 'x-keymoor-console': '1', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    credentials: 'same-origin',
  });
  const text = await response.text();
  const json: unknown = text === '' ? {} : JSON.parse(text);
  if (!response.ok) throw noted(new KeymoorApiError(response, json), response.headers.get('x-correlation-id') ?? '');
  return json as T;
}

function noted<E extends object>(error: E, id: string): E {
  if (id) correlations.set(error, id);
  return error;
}

let client: ManagementApi | undefined;
let tenant = '';

export function tenantId(): string {
  return tenant;
}

export function connect(session: Session): void {
  tenant = session.tenant_id;
  client = createClient({
    baseUrl: `${location.origin}${BASE}/api`,
    tenantId: session.tenant_id,
    // The cookie counts.
    token: 'cookie',
    fetch: call,
  });
}

/** The management API. */
export function api(): ManagementApi {
  if (!client) throw new Error('not signed in');
  return new Proxy(client, {
    get(target, name) {
      const operation = Reflect.get(target, name) as (...all: unknown[]) => Promise<unknown>;
      return async (...all: unknown[]) => {
        try {
          return await operation(...all);
        } catch (error) {
          throw typeof error === 'object' && error ? noted(error, lastCorrelation) : error;
        }
      };
    },
  });
}
