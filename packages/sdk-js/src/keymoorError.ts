/**
 * Everything that can go wrong, as something a program can branch on.
 *
 * - `invalid_url`: the text is no link of the kind that the call takes.
 * - `disallowed_domain`: a URL that would be called is outside the allowed domains, or is plain
 *   `http` elsewhere than on `localhost`.
 * - `invalid_config`: `initialize` was given an allowed domain that isn't `host` or `host:port`, or `authenticateFido2`
 *   a locator that isn't one of its own.
 * - `unsupported`: this browser, page or device can't do what was asked.
 * - `cancelled`: the person dismissed the device's prompt or let it time out, or another call or the end of
 *   the sign-in request ended the prompt that waited in the page's autofill.
 * - `link_not_found`, `link_complete`, `link_expired`, `link_revoked`: what became of the binding link.
 * - `user_suspended`: the link's owner may not add passkeys now.
 * - `untrusted_origin`: the server doesn't trust this page's origin.
 * - `passkey_exists`: the device already holds a passkey of this account, which another browser or device bound.
 * - `passkey_not_found`: this browser holds no passkey with that `id`.
 * - `policy_denied`: the proof was valid and sign-in is refused all the same.
 * - `invalid_request`: the sign-in request is malformed, expired or not signed by a known key, or the
 *   server refused the proof.
 * - `invalid_response`: the server's answer isn't what the protocol says.
 * - `rate_limited`: too many tries; wait before another.
 * - `network`: no answer came: offline, TLS, CORS, a redirect or a time-out.
 * - `server`: the server failed.
 * - `storage`: the browser refused to store or read passkeys.
 */
export type KeymoorErrorCode =
  | 'cancelled'
  | 'disallowed_domain'
  | 'invalid_config'
  | 'invalid_request'
  | 'invalid_response'
  | 'invalid_url'
  | 'link_complete'
  | 'link_expired'
  | 'link_not_found'
  | 'link_revoked'
  | 'network'
  | 'passkey_exists'
  | 'passkey_not_found'
  | 'policy_denied'
  | 'rate_limited'
  | 'server'
  | 'storage'
  | 'unsupported'
  | 'untrusted_origin'
  | 'user_suspended';

/** The only kind of error with which this package's promises reject. */
export class KeymoorError extends Error {
  /** What went wrong, from a closed list. */
  readonly code: KeymoorErrorCode;

  static {
    this.prototype.name = 'KeymoorError';
  }

  /**
   * @param code - What went wrong.
   * @param message - The same for a developer, in English and free of secrets.
   * @param cause - What was caught or answered, if anything.
   */
  constructor(code: KeymoorErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
