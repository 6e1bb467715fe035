import { readJson } from './keymoorApiError.ts';

/**
 * Returns an access token for the management API.
 *
 * @param rejected - A token that the API has just rejected: return another one, or the same to give up.
 */
export type TokenProvider = (rejected?: string) => string | Promise<string>;

/** Credentials of a confidential application with the grant type `client_credentials`. */
export interface ClientCredentials {
  /** URL of the application's token endpoint. */
  tokenEndpoint: string;
  clientId: string;
  clientSecret: string;
  /** Scopes to request, separated by spaces. Default: all that the application may have. */
  scope?: string;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
}

interface Token {
  text: string;
  /** Milliseconds of `Date.now()` from which on another one is requested. */
  renewAt: number;
}

const MAX_RENEWAL_MARGIN_SECONDS = 60;

/**
 * Gets access tokens by the client credentials grant (RFC 6749, section 4.4). Each token is used until shortly before
 * it expires, or until the API rejects it. Concurrent calls share one token request.
 */
export function clientCredentials(credentials: ClientCredentials): (rejected?: string) => Promise<string> {
  let token: Token | undefined;
  let pending: Promise<Token> | undefined;
  return async (rejected) => {
    if (token && token.text !== rejected && Date.now() < token.renewAt) return token.text;
    pending ??= requestToken(credentials).finally(() => {
      pending = undefined;
    });
    token = await pending;
    return token.text;
  };
}

async function requestToken(credentials: ClientCredentials): Promise<Token> {
  const { tokenEndpoint, clientId, clientSecret, scope, fetch = globalThis.fetch } = credentials;
  const requestedAt = Date.now();
  const response = await fetch(tokenEndpoint, {
    method: 'POST',
    // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    headers: { authorization: `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) }),
    redirect: 'error',
  });
  const { access_token, expires_in } = (await readJson(response)) as { access_token: string; expires_in: number };
  const margin = Math.min(MAX_RENEWAL_MARGIN_SECONDS, expires_in / 10);
  return { text: access_token, renewAt: requestedAt + (expires_in - margin) * 1_000 };
}
