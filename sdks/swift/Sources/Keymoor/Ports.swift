import Foundation

/// A P-256 public key: 32 bytes each, base64url.
public struct PublicJwk: Sendable, Equatable {
    public let x: String
    public let y: String

    /// - Parameters:
    ///   - x: 32 bytes.
    ///   - y: 32 bytes.
    public init(x: [UInt8], y: [UInt8]) {
        self.x = base64Url(x)
        self.y = base64Url(y)
    }
}

/// A key that was just made.
public struct CreatedKey: Sendable {
    public let handle: KeyHandle
    public let publicKey: PublicJwk
    public let level: KeyLevel

    public init(handle: KeyHandle, publicKey: PublicJwk, level: KeyLevel) {
        self.handle = handle
        self.publicKey = publicKey
        self.level = level
    }
}

/// Keeps private P-256 keys. Fails with a ``KeymoorError`` of `cancelled`, `passkeyNotFound` or `unsupported`.
public protocol KeyStore: Sendable {
    /// Makes a key.
    func create() async throws -> CreatedKey

    /// Signs by ECDSA with SHA-256. Returns r and s, 64 bytes (RFC 7518 section 3.4).
    func sign(_ handle: KeyHandle, data: [UInt8]) async throws -> [UInt8]

    /// Deletes a key. Succeeds where there is none.
    func delete(_ handle: KeyHandle) async throws
}

/// Keeps one text, which is replaced as a whole or not at all. Any error is reported as `storage`.
public protocol Store: Sendable {
    /// The text, or nothing if none was written.
    func read() async throws -> String?

    /// Replaces the text. Returns once it outlives a crash.
    func write(_ text: String) async throws
}

/// One request.
public struct HttpRequest: Sendable {
    public let method: String
    public let url: String
    public let headers: [String: String]
    public let body: [UInt8]?
}

/// One answer.
public struct HttpResponse: Sendable {
    public let status: Int
    public let body: [UInt8]

    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// Calls a server. Any error is reported as `network`.
public protocol Http: Sendable {
    /// Sends one request once, without redirects, cookies or cache, and gives up after 30 seconds.
    ///
    /// - Parameter maxBytes: An answer's body is read up to here and one byte more.
    func call(_ request: HttpRequest, maxBytes: Int) async throws -> HttpResponse
}

/// What the SDK computes with public data.
public protocol Cryptography: Sendable {
    func sha256(_ data: [UInt8]) -> [UInt8]

    /// A P-256 key that verifies raw signatures of 64 bytes, or nothing if the point isn't on the curve.
    ///
    /// - Parameters:
    ///   - x: 32 bytes.
    ///   - y: 32 bytes.
    func es256Key(x: [UInt8], y: [UInt8]) -> (any VerifyingKey)?

    /// An RSA key that verifies signatures by PKCS #1 v1.5 with SHA-256, or nothing if it can't be one.
    ///
    /// - Parameters:
    ///   - n: The modulus, big endian and without leading zeros.
    ///   - e: The exponent.
    func rs256Key(n: [UInt8], e: [UInt8]) -> (any VerifyingKey)?
}

/// Verifies signatures by one key.
public protocol VerifyingKey: Sendable {
    /// Whether `signature` is one of `data`. Anything else, whatever its length, is not.
    func verify(_ signature: [UInt8], of data: [UInt8]) -> Bool
}

/// What the SDK needs of a device.
public struct Platform: Sendable {
    public let keys: any KeyStore
    public let store: any Store
    public let cryptography: any Cryptography
    public let http: any Http

    /// Milliseconds since 1970.
    public let now: @Sendable () -> Int64

    public init(
        keys: any KeyStore,
        store: any Store,
        cryptography: any Cryptography,
        http: any Http = UrlSessionHttp(),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }
    ) {
        self.keys = keys
        self.store = store
        self.cryptography = cryptography
        self.http = http
        self.now = now
    }
}
