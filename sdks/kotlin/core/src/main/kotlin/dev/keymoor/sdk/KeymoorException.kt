package dev.keymoor.sdk

/** Everything that can go wrong, as something a program can branch on. The same list in all Keymoor SDKs. */
public enum class ErrorCode {
    /** The person dismissed the device's prompt. */
    CANCELLED,

    /** A URL that would be called is outside the allowed domains, or is plain `http` elsewhere than on `localhost`. */
    DISALLOWED_DOMAIN,

    /** An allowed domain isn't `host` or `host:port`, or the SDK isn't initialized. */
    INVALID_CONFIG,

    /** The sign-in request is malformed, expired or not signed by a known key, or the server refused the proof. */
    INVALID_REQUEST,

    /** The server's answer isn't what the protocol says. */
    INVALID_RESPONSE,

    /** The text is no link of the kind that the call takes. */
    INVALID_URL,

    /** The binding link was used. */
    LINK_COMPLETE,

    /** The binding link has expired. */
    LINK_EXPIRED,

    /** The server knows no such binding link. */
    LINK_NOT_FOUND,

    /** The binding link was revoked. */
    LINK_REVOKED,

    /** No answer came: offline, TLS, a redirect or a time-out. */
    NETWORK,

    /** The device already holds a passkey of this account, which another app bound. */
    PASSKEY_EXISTS,

    /** This device holds no passkey with that `id`, or its key is gone. */
    PASSKEY_NOT_FOUND,

    /** The proof was valid and sign-in is refused all the same. */
    POLICY_DENIED,

    /** Too many tries; wait before another. */
    RATE_LIMITED,

    /** The server failed. */
    SERVER,

    /** The device refused to store or read passkeys. */
    STORAGE,

    /** This device can't do what was asked. */
    UNSUPPORTED,

    /** The server doesn't trust where the call came from. */
    UNTRUSTED_ORIGIN,

    /** The link's owner may not add passkeys now. */
    USER_SUSPENDED,
    ;

    /** The code as the other SDKs and the bridges spell it, such as `link_expired`. */
    public val text: String get() = name.lowercase()
}

/**
 * The only kind of failure of this SDK, besides cancellation of the caller's coroutine.
 *
 * @property code What went wrong, from a closed list.
 */
public class KeymoorException @JvmOverloads constructor(
    public val code: ErrorCode,
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)

internal fun fail(code: ErrorCode, message: String, cause: Throwable? = null): Nothing =
    throw KeymoorException(code, message, cause)
