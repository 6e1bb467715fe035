/** What `keymoor init --json` prints, as far as an application needs it. */
export interface KeymoorSettings {
  auth_url: string;
  api_url: string;
  tenant_id: string;
  management: { client_id: string; client_secret: string; token_endpoint: string };
}

/** An answer other than 2xx. */
export class ManagementError extends Error {
  /** What to branch on; the message is for developers. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Token {
  value: string;
  /** Milliseconds of `Date.now()`. */
  expires: number;
}

const RENEWED_BEFORE_EXPIRY_MS = 60_000;

/** Calls Keymoor's management API for one tenant, with an access token that it keeps as long as it is good. */
export class ManagementApi {
  readonly #settings: KeymoorSettings;
  #token: Promise<Token> | undefined;

  constructor(settings: KeymoorSettings) {
    this.#settings = settings;
  }

  /**
   * @param path - Below the tenant, such as `/realms`.
   * @throws {@link ManagementError} when the answer isn't 2xx.
   */
  async call<T>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object): Promise<T> {
    let response = await this.#send(method, path, body);
    if (response.status === 401) {
      // Tokens can be revoked and keys be replaced before their time.
      this.#token = undefined;
      response = await this.#send(method, path, body);
    }
    return read<T>(response, `${method} ${path}`);
  }

  async #send(method: string, path: string, body?: object): Promise<Response> {
    const { api_url, tenant_id } = this.#settings;
    return fetch(`${api_url}/v1/tenants/${tenant_id}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await this.#accessToken()}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  async #accessToken(): Promise<string> {
    const kept = await this.#token?.catch(() => undefined);
    if (kept && Date.now() < kept.expires) return kept.value;
    this.#token = this.#requestToken();
    return (await this.#token).value;
  }

  async #requestToken(): Promise<Token> {
    const { client_id, client_secret, token_endpoint } = this.#settings.management;
    const response = await fetch(token_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const token = await read<{ access_token: string; expires_in: number }>(response, 'token request');
    return { value: token.access_token, expires: Date.now() + token.expires_in * 1_000 - RENEWED_BEFORE_EXPIRY_MS };
  }
}

async function read<T>(response: Response, what: string): Promise<T> {
  const text = await response.text();
  if (!response.ok) throw new ManagementError(response.status, `${what}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}
