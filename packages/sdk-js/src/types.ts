import type { KeymoorError } from './keymoorError.ts';

/** Receives what the SDK does, step by step and without secrets. */
export interface Log {
  /** Takes one entry. */
  write(...data: unknown[]): void;
}

/** Options of `Embedded.initialize`. */
export interface Config {
  /**
   * Hosts that may be called besides the page's own, each as `host` (any port) or `host:port`, without scheme.
   * Subdomains are included. An entry that names the page's host limits its ports to the page's and those listed.
   */
  allowedDomains?: string[];
  /**
   * Whether to bind a passkey from the URL this page was opened with, once the person first acts on the
   * page. Failures go to `onError` or, without one, to the page's `error` event.
   */
  bindOnLoad?: boolean | BindOnLoad;
  /** Receives log entries. */
  logger?: Log;
}

/** What to do with the outcome of binding from the page's own URL. */
export interface BindOnLoad {
  /** Called after the passkey was bound. */
  onResult?: (response: BindPasskeyResponse) => void;
  /** Called when binding failed. */
  onError?: (error: KeymoorError) => void;
}

/** A tenant, as a passkey remembers it. */
export interface Tenant {
  /** The tenant's id. */
  id: string;
  /** The tenant's name. */
  displayName: string;
}

/** A realm, as a passkey remembers it. */
export interface Realm {
  /** The realm's id. */
  id: string;
  /** The realm's name. */
  displayName: string;
}

/** The owner of a passkey, as he was when it was bound. */
export interface Identity {
  /** The identity's id. */
  id: string;
  /** The name to sign in with, unique in the realm. */
  username: string;
  /** The name for people. */
  displayName?: string;
  /** The id of the same person in another system, such as a customer database. */
  externalId?: string;
  /** The primary e-mail address. */
  emailAddress?: string;
}

/** The branding of a realm, as it was when the passkey was bound. */
export interface Theme {
  /** A logo for light backgrounds; empty if there is none. */
  logoUrlLight: string;
  /** A logo for dark backgrounds; empty if there is none. */
  logoUrlDark: string;
  /** Where to find help. */
  supportUrl?: string;
}

/** A passkey that this browser holds. */
export interface Passkey {
  /** Names the passkey in this browser: 64 hex digits, never sent. What `authenticate` and `deletePasskey` take. */
  id: string;
  /** The server's id of the credential. */
  passkeyId: string;
  /** When it was bound, by the server's clock (RFC 3339). */
  created: string;
  /** Who holds the key: `webauthn` is the device's authenticator, `subtle` is the browser. */
  keyType: 'subtle' | 'webauthn';
  /** The credential's state when it was bound; a later revocation shows at sign-in only. */
  state: 'Active' | 'Revoked';
  /** The owner's tenant. */
  tenant: Tenant;
  /** The owner's realm. */
  realm: Realm;
  /** The owner. */
  identity: Identity;
  /** The realm's branding. */
  theme: Theme;
}

/** What `bindPasskey` resolves to. */
export interface BindPasskeyResponse {
  /** The new passkey. */
  readonly passkey: Passkey;
  /** Where the application asked to go after binding. The SDK never goes there by itself. */
  readonly postBindingRedirectUri?: string;
  /** @deprecated The same as `postBindingRedirectUri`. */
  readonly postBindRedirect: string | undefined;
  /** @deprecated The same as `passkey`. */
  readonly credential: Passkey;
  /** @deprecated The same as `passkey.id`. */
  readonly id: string;
}

/** What `authenticate` resolves to. */
export interface AuthenticateResponse {
  /** The application's redirect URI with `code` and `state`. The SDK never goes there by itself. */
  redirectUrl: string;
  /** A word for the person, if policy has one. */
  message?: string;
}

/**
 * Where `authenticateFido2` looks for a passkey.
 *
 * - `local`: wherever the device's prompt finds one for this site.
 * - `autofill`: among the autofill of an input with `autocomplete="username webauthn"`, until the person chooses
 *   one there.
 * - `{ email }`: among the passkeys that were bound in this browser by somebody with that address. Nobody else
 *   is asked, since an answer would tell who has passkeys.
 */
export type Fido2Locator = 'local' | 'autofill' | { email: string };

/** A way to sign in that the authenticator config lists. */
export type AuthenticationMethod =
  | { type: 'webauthn_passkey' | 'software_passkey' | 'email_one_time_password' }
  | { type: 'fido2'; authenticator_attachment: 'platform' | 'cross-platform' | 'any' };

/** What a sign-in request says about itself. */
export interface AuthenticationContext {
  /** The URL the context was read from. */
  authUrl: string;
  /** The ways to sign in that the application's config lists, if it lists any. */
  authMethods?: AuthenticationMethod[];
  /** Who asks. */
  application: { id: string; displayName?: string };
  /** Where the server saw the request come from. */
  origin: { sourceIp?: string; userAgent?: string; geolocation?: string; referer?: string };
}
