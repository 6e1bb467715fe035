import Foundation

private let localIdBytes = 32

/// Binds passkeys to this device and signs in with them, as asynchronous functions that take texts.
///
/// They throw a ``KeymoorError``, or a `CancellationError` if the caller's task was cancelled, and nothing else.
/// ``Embedded`` has the same for an application's one and only client.
public actor KeymoorClient {
    private let platform: Platform
    private let logger: @Sendable (String) -> Void
    private let server: Server
    private let records: RecordStore
    private let binding: Binding
    private let signIn: SignIn
    private let verifier: RequestVerifier
    private let writing = Queue()

    /// Bindings under way, so that two calls with one link get one passkey and no error.
    private let bindings = Sharing<BoundRecord>()

    /// - Parameters:
    ///   - platform: What the SDK needs of the device.
    ///   - allowedDomains: Hosts that may be called, each as `host` (any port) or `host:port`. Subdomains are included.
    ///   - logger: Receives what the SDK does, step by step and without secrets.
    /// - Throws: `invalidConfig` if an allowed domain isn't `host` or `host:port`.
    public init(
        platform: Platform,
        allowedDomains: [String],
        logger: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        try self.init(platform, allowedDomains, logger, retryAfterMs: [500, 2_000])
    }

    init(
        _ platform: Platform,
        _ allowedDomains: [String],
        _ logger: @escaping @Sendable (String) -> Void,
        retryAfterMs: [UInt64]
    ) throws {
        self.platform = platform
        self.logger = logger
        server = Server(http: platform.http, domains: try Domains(allowedDomains))
        records = RecordStore(store: platform.store)
        binding = Binding(
            platform: platform,
            server: server,
            records: records,
            newLocalId: newLocalId,
            retryAfterMs: retryAfterMs
        )
        signIn = SignIn(platform: platform, server: server, records: records)
        verifier = RequestVerifier(server, platform.cryptography)
    }

    /// Whether ``bindPasskey(url:)`` takes this URL. Asks nobody, so the link may still be used or expired.
    public nonisolated func isBindPasskeyUrl(_ url: String) -> Bool { parseBindLink(url) != nil }

    /// Whether ``authenticate(url:id:)`` takes this URL. The request in it isn't looked at.
    public nonisolated func isAuthenticateUrl(_ url: String) -> Bool { parseAuthenticateUrl(url) != nil }

    /// Makes a key on this device and binds it to the identity of a binding link, at once.
    ///
    /// It takes the place of the passkey which that identity had here.
    ///
    /// - Parameter url: The link from the API, or the URL to which a mailed link led.
    public func bindPasskey(url: String) async throws -> BindPasskeyResponse {
        let (record, redirect) = try await bind(url)
        return try await guarded {
            BindPasskeyResponse(passkey: try record.opened(), postBindingRedirectUri: redirect.flatMap(URL.init))
        }
    }

    /// The same, as texts.
    func bind(_ url: String) async throws -> BoundRecord {
        let bound = try await guarded {
            guard let job = parseBindLink(url) else { throw KeymoorError(.invalidUrl, "this is no binding link") }
            try self.server.domains.requireAllowed(job.apiBaseUrl)
            if URL(string: job.apiBaseUrl) == nil { throw KeymoorError(.invalidUrl, "this is no binding link") }
            return try await self.bindings.run(url) {
                try await self.writing.run { try await self.binding.bind(job) }
            }
        }
        logger("bound a passkey, \(bound.0.keyLevel)")
        return bound
    }

    /// Signs in with a passkey of this device.
    ///
    /// - Parameters:
    ///   - url: The URL at which the application received the sign-in request.
    ///   - id: The `id` of one of ``getPasskeys()``, not its `passkeyId`.
    public func authenticate(url: String, id: Passkey.Id) async throws -> AuthenticateResponse {
        let answer = try await guarded {
            try await self.signIn.authenticate(try await self.verify(url), id: id.value)
        }
        logger("signed in")
        return answer
    }

    /// What a sign-in request says about itself, once its signature is verified. Uses nothing up.
    public func getAuthenticationContext(url: String) async throws -> AuthenticationContext {
        try await guarded {
            let request = try await self.verify(url)
            guard let authUrl = URL(string: url) else { throw KeymoorError(.invalidUrl, "this is no sign-in URL") }
            return AuthenticationContext(
                authUrl: authUrl,
                application: .init(id: request.applicationId, displayName: request.applicationName),
                origin: request.origin,
                authMethods: request.methods
            )
        }
    }

    /// The passkeys of this device, oldest first.
    public func getPasskeys() async throws -> [Passkey] {
        try await guarded { try await self.passkeyRecords().map { try $0.opened() } }
    }

    /// The same, as texts.
    func passkeyRecords() async throws -> [PasskeyRecord] {
        let passkeys = try await guarded { try await self.records.load().passkeys.map(\.passkey) }
        return passkeys.sorted { $0.created < $1.created }
    }

    /// Deletes a passkey from this device for good. Succeeds where there is none.
    ///
    /// The server's credential stays until it is revoked.
    public func deletePasskey(for id: Passkey.Id) async throws {
        try await guarded {
            try await self.writing.run {
                var known = try await self.records.load()
                let handles = known.passkeys.map(\.passkey).filter { isSame($0.id, id.value) }.map(\.keyHandle)
                if handles.isEmpty { return }
                known.passkeys = known.passkeys.filter { !isSame($0.passkey.id, id.value) }
                let rest = known
                try await uncancelled {
                    try await self.records.save(rest)
                    for handle in handles { try await self.platform.keys.delete(handle) }
                }
            }
        }
    }

    /// Has a one-time code mailed to `email`, if the application's config lists that way to sign in.
    public func authenticateOtp(url: String, email: String) async throws -> OtpChallengeResponse {
        try await guarded {
            let request = try await self.verify(url)
            let transaction = try await self.signIn.beginOtp(request, email: email)
            return try challenge(request, parseAuthenticateUrl(url) ?? "", email, transaction)
        }
    }

    /// Redeems a one-time code at the URL that ``authenticateOtp(url:email:)`` answered.
    public func redeemOtp(url: String, otp: String) async throws -> RedeemOtpResponse {
        try await guarded {
            guard let state = parseResumeUrl(url).flatMap(fromBase64Url), let json = try? parseJson(state) else {
                throw KeymoorError(.invalidUrl, "this is no URL of a one-time code")
            }
            let value = try Fields(json, "state", .invalidUrl)
            let jwt = try value.string("request")
            let request = try await self.verifier.verify(jwt, nowMs: self.platform.now())
            let transaction = Step.Transaction(id: try value.string("transaction_id"), nonce: try value.string("nonce"))
            let email = try value.string("email")
            switch try await self.signIn.redeemOtp(request, email: email, transaction, otp: otp) {
            case .allow(let answer): return .success(try self.signIn.allowed(request, answer))
            case .challenge(let next): return .failedOtp(try challenge(request, jwt, email, next))
            default: throw KeymoorError(.invalidResponse, "the server asks for a step this SDK doesn't know")
            }
        }
    }

    private func verify(_ url: String) async throws -> SignInRequest {
        guard let jwt = parseAuthenticateUrl(url) else { throw KeymoorError(.invalidUrl, "this is no sign-in URL") }
        return try await verifier.verify(jwt, nowMs: platform.now())
    }

    /// Lets nothing but a ``KeymoorError`` and cancellation out. What no other place expected is the device's failure.
    private func guarded<T: Sendable>(_ work: @Sendable () async throws -> T) async throws -> T {
        do {
            return try await work()
        } catch let error as KeymoorError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw KeymoorError(.unsupported, "this device failed (\(type(of: error)))", underlying: error)
        }
    }
}

/// A passkey that was bound, and where the application asked to go.
typealias BoundRecord = (PasskeyRecord, String?)

private func challenge(
    _ request: SignInRequest,
    _ jwt: String,
    _ email: String,
    _ transaction: Step.Transaction
) throws -> OtpChallengeResponse {
    let state: Json = [
        "request": .string(jwt), "email": .string(email), "transaction_id": .string(transaction.id),
        "nonce": .string(transaction.nonce),
    ]
    guard let url = URL(string: "\(request.baseUrl)/resume?state=\(base64Url(Array(writeJson(state).utf8)))") else {
        throw KeymoorError(.invalidRequest, "the sign-in request's base_url is no URL")
    }
    return OtpChallengeResponse(url: url)
}

@Sendable
private func newLocalId() -> String {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<localIdBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
    return bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
