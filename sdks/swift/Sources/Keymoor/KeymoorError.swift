import Foundation

/// Everything that can go wrong, as something a program can branch on. The same list in all Keymoor SDKs.
///
/// The raw value is the code as the other SDKs and the bridges spell it, such as `link_expired`.
public enum ErrorCode: String, Sendable, CaseIterable {
    /// The person dismissed the device's prompt.
    case cancelled

    /// A URL that would be called is outside the allowed domains, or is plain `http` elsewhere than on `localhost`.
    case disallowedDomain = "disallowed_domain"

    /// An allowed domain isn't `host` or `host:port`, or the SDK isn't initialized.
    case invalidConfig = "invalid_config"

    /// The sign-in request is malformed, expired or not signed by a known key, or the server refused the proof.
    case invalidRequest = "invalid_request"

    /// The server's answer isn't what the protocol says.
    case invalidResponse = "invalid_response"

    /// The URL is no link of the kind that the call takes.
    case invalidUrl = "invalid_url"

    /// The binding link was used.
    case linkComplete = "link_complete"

    /// The binding link has expired.
    case linkExpired = "link_expired"

    /// The server knows no such binding link.
    case linkNotFound = "link_not_found"

    /// The binding link was revoked.
    case linkRevoked = "link_revoked"

    /// No answer came: offline, TLS, a redirect or a time-out.
    case network

    /// The device already holds a passkey of this account, which another app bound.
    case passkeyExists = "passkey_exists"

    /// This device holds no passkey with that `id`, or its key is gone.
    case passkeyNotFound = "passkey_not_found"

    /// The proof was valid and sign-in is refused all the same.
    case policyDenied = "policy_denied"

    /// Too many tries. Wait before another.
    case rateLimited = "rate_limited"

    /// The server failed.
    case server

    /// The device refused to store or read passkeys.
    case storage

    /// This device can't do what was asked.
    case unsupported

    /// The server doesn't trust where the call came from.
    case untrustedOrigin = "untrusted_origin"

    /// The link's owner may not add passkeys now.
    case userSuspended = "user_suspended"
}

/// The only kind of failure of this SDK, besides cancellation of the caller's task.
public struct KeymoorError: LocalizedError, CustomStringConvertible, Sendable {
    /// What went wrong, from a closed list.
    public let code: ErrorCode

    /// What happened, without secrets.
    public let message: String

    /// What made it happen, if that is known.
    public let underlying: (any Error)?

    /// Makes an error. Key stores of your own need it.
    public init(_ code: ErrorCode, _ message: String, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }

    public var errorDescription: String? { message }

    public var description: String { "\(code.rawValue): \(message)" }
}
