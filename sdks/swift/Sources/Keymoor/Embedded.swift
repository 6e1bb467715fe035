import Foundation

/// Binds passkeys to this device and signs in with them.
///
/// Every function exists twice: with a callback, and as an asynchronous function that throws. ``shared`` needs
/// ``initialize(platform:allowedDomains:callbackQueue:logger:)`` first, or on Apple's platforms
/// `initialize(allowedDomains:biometricAskPrompt:logger:callback:)`.
public final class Embedded: @unchecked Sendable {
    /// The application's client.
    public static let shared = Embedded()

    private let lock = NSLock()
    private var initialized: KeymoorClient?
    private var callbackQueue = DispatchQueue.global()

    /// Makes the SDK ready. May be called more than once.
    ///
    /// - Parameters:
    ///   - platform: What the SDK needs of the device.
    ///   - allowedDomains: Hosts that may be called, each as `host` (any port) or `host:port`. Subdomains are included.
    ///   - callbackQueue: Where callbacks run.
    ///   - logger: Receives what the SDK does, step by step and without secrets.
    /// - Throws: `invalidConfig` if an allowed domain isn't `host` or `host:port`.
    public static func initialize(
        platform: Platform,
        allowedDomains: [String],
        callbackQueue: DispatchQueue = .global(),
        logger: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        let client = try KeymoorClient(platform: platform, allowedDomains: allowedDomains, logger: logger)
        shared.lock.lock()
        shared.initialized = client
        shared.callbackQueue = callbackQueue
        shared.lock.unlock()
    }

    /// The same functions for texts instead of URLs.
    ///
    /// - Throws: `invalidConfig` before `initialize`.
    public func client() throws -> KeymoorClient {
        lock.lock()
        let client = initialized
        lock.unlock()
        guard let client else { throw KeymoorError(.invalidConfig, "call Embedded.initialize first") }
        return client
    }

    /// Whether ``bindPasskey(url:)`` takes this URL. Asks nobody, so the link may still be used or expired.
    public func isBindPasskeyUrl(_ url: URL) -> Bool { parseBindLink(url.absoluteString) != nil }

    /// Whether ``authenticate(url:id:)`` takes this URL. The request in it isn't looked at.
    public func isAuthenticateUrl(_ url: URL) -> Bool { parseAuthenticateUrl(url.absoluteString) != nil }

    /// Makes a key on this device and binds it to the identity of a binding link, at once.
    ///
    /// It takes the place of the passkey which that identity had here.
    ///
    /// - Parameter url: The link from the API, or the URL to which a mailed link led.
    public func bindPasskey(url: URL) async throws -> BindPasskeyResponse {
        try await client().bindPasskey(url: url.absoluteString)
    }

    /// ``bindPasskey(url:)`` with a callback.
    public func bindPasskey(
        url: URL,
        callback: @escaping @Sendable (Result<BindPasskeyResponse, KeymoorError>) -> Void
    ) {
        call(callback) { try await self.bindPasskey(url: url) }
    }

    /// Signs in with a passkey of this device.
    ///
    /// - Parameters:
    ///   - url: The URL at which the application received the sign-in request.
    ///   - id: The `id` of one of ``getPasskeys()``, not its `passkeyId`.
    public func authenticate(url: URL, id: Passkey.Id) async throws -> AuthenticateResponse {
        try await client().authenticate(url: url.absoluteString, id: id)
    }

    /// ``authenticate(url:id:)`` with a callback.
    public func authenticate(
        url: URL,
        id: Passkey.Id,
        callback: @escaping @Sendable (Result<AuthenticateResponse, KeymoorError>) -> Void
    ) {
        call(callback) { try await self.authenticate(url: url, id: id) }
    }

    /// What a sign-in request says about itself, once its signature is verified. Uses nothing up.
    public func getAuthenticationContext(url: URL) async throws -> AuthenticationContext {
        try await client().getAuthenticationContext(url: url.absoluteString)
    }

    /// ``getAuthenticationContext(url:)`` with a callback.
    public func getAuthenticationContext(
        url: URL,
        callback: @escaping @Sendable (Result<AuthenticationContext, KeymoorError>) -> Void
    ) {
        call(callback) { try await self.getAuthenticationContext(url: url) }
    }

    /// The passkeys of this device, oldest first.
    public func getPasskeys() async throws -> [Passkey] { try await client().getPasskeys() }

    /// ``getPasskeys()`` with a callback.
    public func getPasskeys(callback: @escaping @Sendable (Result<[Passkey], KeymoorError>) -> Void) {
        call(callback) { try await self.getPasskeys() }
    }

    /// Deletes a passkey from this device for good. Succeeds where there is none.
    ///
    /// The server's credential stays until it is revoked.
    public func deletePasskey(for id: Passkey.Id) async throws { try await client().deletePasskey(for: id) }

    /// ``deletePasskey(for:)`` with a callback.
    public func deletePasskey(
        for id: Passkey.Id,
        callback: @escaping @Sendable (Result<Void, KeymoorError>) -> Void
    ) {
        call(callback) { try await self.deletePasskey(for: id) }
    }

    /// Has a one-time code mailed to `email`, if the application's config lists that way to sign in.
    public func authenticateOtp(url: URL, email: String) async throws -> OtpChallengeResponse {
        try await client().authenticateOtp(url: url.absoluteString, email: email)
    }

    /// ``authenticateOtp(url:email:)`` with a callback.
    public func authenticateOtp(
        url: URL,
        email: String,
        callback: @escaping @Sendable (Result<OtpChallengeResponse, KeymoorError>) -> Void
    ) {
        call(callback) { try await self.authenticateOtp(url: url, email: email) }
    }

    /// Redeems a one-time code at the URL that ``authenticateOtp(url:email:)`` answered.
    public func redeemOtp(url: URL, otp: String) async throws -> RedeemOtpResponse {
        try await client().redeemOtp(url: url.absoluteString, otp: otp)
    }

    /// ``redeemOtp(url:otp:)`` with a callback.
    public func redeemOtp(
        url: URL,
        otp: String,
        callback: @escaping @Sendable (Result<RedeemOtpResponse, KeymoorError>) -> Void
    ) {
        call(callback) { try await self.redeemOtp(url: url, otp: otp) }
    }

    private func call<T: Sendable>(
        _ callback: @escaping @Sendable (Result<T, KeymoorError>) -> Void,
        _ work: @escaping @Sendable () async throws -> T
    ) {
        lock.lock()
        let queue = callbackQueue
        lock.unlock()
        Task {
            let result: Result<T, KeymoorError>
            do {
                result = .success(try await work())
            } catch {
                // Nobody can cancel this task.
                result = .failure(error as? KeymoorError ?? KeymoorError(.unsupported, "this device failed"))
            }
            queue.async { callback(result) }
        }
    }
}
