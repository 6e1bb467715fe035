import type { TokenProvider } from './clientCredentials.ts';
import { type ManagementApi, OPERATIONS } from './generated/operations.gen.ts';
import { readJson } from './keymoorApiError.ts';
import { list } from './list.ts';
import type { CallOptions, Operation } from './operation.ts';
import { toRequest, type Values } from './request.ts';

/** Where the API is, and who calls it. */
export interface ClientOptions {
  /** URL of the management API: `api_url` of `keymoor init --json`. */
  baseUrl: string;
  /** The tenant that the access token belongs to, and that all calls are about. */
  tenantId: string;
  /** An access token, or what returns one. {@link clientCredentials} makes such a provider. */
  token: string | TokenProvider;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
}

/** Creates a client with a method for every operation of the management API. */
export function createClient(options: ClientOptions): ManagementApi {
  const send = sender(options);
  const methods = Object.entries<Operation>(OPERATIONS).map(([name, operation]) => {
    const call = (values: Values = {}, callOptions?: CallOptions) => send(operation, values, callOptions);
    const { items } = operation;
    if (items === undefined) return [name, call] as const;
    const callList = (values: Values = {}, callOptions?: CallOptions) =>
      list(values, items, (values) => call(values, callOptions));
    return [name, callList] as const;
  });
  return Object.fromEntries(methods) as unknown as ManagementApi;
}

function sender({ baseUrl, tenantId, token, fetch = globalThis.fetch }: ClientOptions) {
  const base = baseUrl.replace(/\/+$/, '');
  const provider: TokenProvider = typeof token === 'string' ? () => token : token;

  return async (operation: Operation, values: Values, { signal }: CallOptions = {}): Promise<unknown> => {
    const { target, body } = toRequest(operation, { ...values, tenant_id: tenantId });
    const attempt = (accessToken: string) =>
      fetch(base + target, {
        method: operation.method,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${accessToken}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
        // The API never redirects. A redirect would hand the request to somebody else.
        redirect: 'error',
        signal: signal ?? null,
      });

    const accessToken = await provider();
    const response = await attempt(accessToken);
    if (response.status !== 401) return readJson(response);
    // Tokens can be revoked, and keys replaced, before they expire.
    const another = await provider(accessToken);
    if (another === accessToken) return readJson(response);
    await response.body?.cancel();
    return readJson(await attempt(another));
  };
}
