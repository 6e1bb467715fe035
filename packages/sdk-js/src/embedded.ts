import { parseAllowedDomains, requireAllowed } from './allowedDomains.ts';
import { authenticate } from './authenticate.ts';
import { authenticateFido2 } from './authenticateFido2.ts';
import { bindOnLoad } from './bindOnLoad.ts';
import { bindPasskey } from './bindPasskey.ts';
import type { Context } from './context.ts';
import { exclusively } from './exclusively.ts';
import { forgetKey } from './forgetKey.ts';
import { guarded } from './guarded.ts';
import { KeymoorError } from './keymoorError.ts';
import { parseAuthenticateUrl } from './parseAuthenticateUrl.ts';
import { parseBindLink } from './parseBindLink.ts';
import { RequestKeys } from './requestKeys.ts';
import type { SignInRequest } from './signInRequest.ts';
import { listPasskeys, removePasskey } from './storage.ts';
import type { AuthenticateResponse, AuthenticationContext, BindPasskeyResponse, Config, Fido2Locator, Log, Passkey } from './types.ts';
import { verifyRequest } from './verifyRequest.ts';

/** Bindings under way, so that a page that asks twice with one link gets one passkey and no error. */
const bindings = new Map<string, Promise<BindPasskeyResponse>>();

/**
 * Binds passkeys to this browser and signs in with them. Every promise rejects with a
 * {@link KeymoorError} and nothing else. Nothing here ever navigates.
 */
export class Embedded {
  readonly #context: Context;

  private constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Makes the SDK ready. May be called more than once.
   *
   * @throws {@link KeymoorError} `unsupported` outside a secure browser page, `invalid_config`.
   */
  static async initialize(config?: Config): Promise<Embedded> {
    return guarded(async () => {
      const { allowedDomains, bindOnLoad: onLoad, logger } = config ?? {};
      if (!hasStorage() || !globalThis.crypto?.subtle) {
        throw new KeymoorError('unsupported', 'passkeys need a browser page over https, or over http on localhost');
      }
      const domains = parseAllowedDomains(allowedDomains, location);
      const embedded = new Embedded({ domains, log: harmless(logger), keys: new RequestKeys(domains) });
      if (onLoad) void bindOnLoad(embedded, onLoad === true ? {} : onLoad);
      return embedded;
    });
  }

  /** Whether `bindPasskey` takes this URL. Never throws; asks nobody, so the link may still be used or expired. */
  isBindPasskeyUrl(url: string): boolean {
    return parseBindLink(url) !== undefined;
  }

  /**
   * Makes a key on this device and binds it to the identity of a binding link, at once. It takes the place
   * of the passkey which that identity had in this browser. If the link is the page's own URL, it is then
   * dropped from the address.
   *
   * @param url - The link from the API, or the URL to which a mailed link led.
   * @throws {@link KeymoorError} `invalid_url`, `disallowed_domain`, `link_not_found`, `link_complete`,
   * `link_expired`, `link_revoked`, `user_suspended`, `untrusted_origin`, `cancelled`, `passkey_exists`,
   * `unsupported`, `storage`, `invalid_request`, `rate_limited`, or what can befall any call: `network`, `server`,
   * `invalid_response`.
   */
  async bindPasskey(url: string): Promise<BindPasskeyResponse> {
    return guarded(async () => {
      const job = parseBindLink(url);
      if (!job) throw new KeymoorError('invalid_url', 'this is no binding link');
      requireAllowed(job.apiBaseUrl, this.#context.domains);
      let binding = bindings.get(url);
      if (!binding) {
        binding = exclusively('keymoor:bind', () => bindPasskey(job, this.#context));
        bindings.set(url, binding);
        const finished = () => bindings.delete(url);
        binding.then(finished, finished);
      }
      return binding;
    });
  }

  /** Whether `authenticate` takes this URL. Never throws; the request in it isn't looked at. */
  isAuthenticateUrl(url: string): boolean {
    return parseAuthenticateUrl(url) !== undefined;
  }

  /**
   * What a sign-in request says about itself, once its signature is verified. Uses nothing up.
   *
   * @throws {@link KeymoorError} `invalid_url`, `disallowed_domain`, `invalid_request`, or what can befall
   * any call.
   */
  async getAuthenticationContext(url: string): Promise<AuthenticationContext> {
    return guarded(async () => {
      const { application, methods, origin } = await this.#verify(url);
      return { authUrl: url, ...(methods ? { authMethods: methods } : {}), application, origin };
    });
  }

  /**
   * Signs in with a passkey of this browser.
   *
   * @param url - The URL at which the application received the sign-in request.
   * @param passkeyId - The `id` of one of `getPasskeys()`, not its `passkeyId`.
   * @returns Where to send the person next.
   * @throws {@link KeymoorError} `passkey_not_found`, `policy_denied`, `cancelled`, `unsupported`, `storage`,
   * `untrusted_origin`, and those of `getAuthenticationContext`.
   */
  async authenticate(url: string, passkeyId: string): Promise<AuthenticateResponse> {
    return guarded(async () => authenticate(await this.#verify(url), passkeyId, this.#context));
  }

  /**
   * Signs in with a passkey that an authenticator finds by itself, for people whom this browser doesn't know.
   *
   * With `autofill` it waits until the person picks a passkey among a field's suggestions, and any other call
   * that asks an authenticator ends it with `cancelled`, as does the end of the request's time. Offer a button with `local` besides: autofill alone
   * hides passkeys of security keys and other devices.
   *
   * @param url - The URL at which the application received the sign-in request.
   * @returns Where to send the person next.
   * @throws {@link KeymoorError} `unsupported` if this browser or the sign-in request has no such way,
   * `passkey_not_found` for an address, and those of `authenticate`.
   */
  async authenticateFido2(url: string, locator: Fido2Locator): Promise<AuthenticateResponse> {
    return guarded(async () => authenticateFido2(await this.#verify(url), locator, this.#context));
  }

  /** The passkeys of this browser, oldest first. @throws {@link KeymoorError} `storage`. */
  async getPasskeys(): Promise<Passkey[]> {
    return guarded(async () => {
      const stored = await listPasskeys();
      return stored.map(({ passkey }) => passkey).sort((a, b) => a.created.localeCompare(b.created));
    });
  }

  /**
   * Deletes a passkey from this browser for good; the server's credential stays until it is revoked.
   * Succeeds where there is none.
   *
   * @param id - The `id` of one of `getPasskeys()`.
   * @throws {@link KeymoorError} `storage`.
   */
  async deletePasskey(id: string): Promise<void> {
    return guarded(async () => {
      const removed = await removePasskey(id);
      if (removed) await forgetKey(removed.key);
    });
  }

  async #verify(url: string): Promise<SignInRequest> {
    const jwt = parseAuthenticateUrl(url);
    if (!jwt) throw new KeymoorError('invalid_url', 'this is no sign-in URL');
    const { domains, keys } = this.#context;
    return verifyRequest(jwt, keys, domains, Date.now() / 1000);
  }
}

/** Storage that is refused is reported by the calls that need it. Some ways to sign in don't. */
function hasStorage(): boolean {
  try {
    return Boolean(globalThis.indexedDB);
  } catch {
    return true;
  }
}

/** An application's logger must not break a call that has already taken effect. */
function harmless(logger: Log | undefined): Log {
  return {
    write(...data) {
      try {
        logger?.write(...data);
      } catch {
        // Its own affair.
      }
    },
  };
}
