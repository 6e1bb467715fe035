import Foundation

/// Names a key in the device's key store.
public struct KeyHandle: Hashable, Sendable {
    public let value: String

    public init(_ value: String) { self.value = value }
}

/// A tenant, as a passkey remembers it.
public struct Tenant: Hashable, Sendable {
    public let id: String
    public let displayName: String
}

/// A realm, as a passkey remembers it.
public struct Realm: Hashable, Sendable {
    public let id: String
    public let displayName: String
}

/// The owner of a passkey, as of binding.
public struct Identity: Hashable, Sendable {
    public let id: String
    public let displayName: String
    public let username: String
    public let primaryEmailAddress: String?
}

/// The branding of a realm, as of binding.
public struct Theme: Hashable, Sendable {
    public let logoLightUrl: URL?
    public let logoDarkUrl: URL?
    public let supportUrl: URL?
}

/// Where a key is.
public enum KeyLevel: String, Sendable {
    /// In a chip or processor of its own, such as the Secure Enclave.
    case secureElement = "SECURE_ELEMENT"

    /// In the processor's trusted environment.
    case trustedEnvironment = "TRUSTED_ENVIRONMENT"

    /// In a file or in memory of the operating system.
    case software = "SOFTWARE"
}

/// A passkey that this device holds.
public struct Passkey: Hashable, Sendable {
    /// Names a passkey on this device: 64 hex digits, never sent.
    public struct Id: Hashable, Sendable {
        public let value: String

        public init(_ value: String) { self.value = value }
    }

    /// The server's id of a credential.
    public struct PasskeyId: Hashable, Sendable {
        public let value: String

        public init(_ value: String) { self.value = value }
    }

    /// A credential's state when it was bound. A later revocation shows at sign-in only.
    public enum State: String, Sendable {
        case active = "ACTIVE"
        case revoked = "REVOKED"
    }

    /// What ``Embedded/authenticate(url:id:)`` and ``Embedded/deletePasskey(for:)`` take.
    public let id: Id

    public let passkeyId: PasskeyId
    public let localCreated: Date
    public let localUpdated: Date

    /// The host to which the passkey was bound.
    public let apiBaseUrl: URL

    public let keyHandle: KeyHandle
    public let keyLevel: KeyLevel
    public let state: State

    /// When it was bound, by the server's clock.
    public let created: Date

    public let updated: Date
    public let tenant: Tenant
    public let realm: Realm
    public let identity: Identity
    public let theme: Theme
}

/// What ``Embedded/bindPasskey(url:)`` answers.
public struct BindPasskeyResponse: Hashable, Sendable {
    public let passkey: Passkey

    /// Where the application asked to go after binding. The SDK never goes there.
    public let postBindingRedirectUri: URL?
}

/// What ``Embedded/authenticate(url:id:)`` answers.
public struct AuthenticateResponse: Hashable, Sendable {
    /// The application's redirect URI with `code` and `state`. The SDK never goes there.
    public let redirectUrl: URL

    public let message: String?

    /// A token to bind a passkey with, after a one-time code and if the config pays it out.
    public let passkeyBindingToken: String?
}

/// Where the one-time code that was mailed is redeemed.
public struct OtpChallengeResponse: Hashable, Sendable {
    public let url: URL
}

/// What ``Embedded/redeemOtp(url:otp:)`` answers.
public enum RedeemOtpResponse: Hashable, Sendable {
    /// The code was right.
    case success(AuthenticateResponse)

    /// The code was wrong and may be tried again, at a new URL.
    case failedOtp(OtpChallengeResponse)
}

/// What a sign-in request says about itself.
public struct AuthenticationContext: Hashable, Sendable {
    /// Who asks.
    public struct Application: Hashable, Sendable {
        public let id: String
        public let displayName: String?
    }

    /// Where the server saw the request come from.
    public struct Origin: Hashable, Sendable {
        public let sourceIp: String?
        public let userAgent: String?
        public let geolocation: String?
        public let referer: String?
    }

    public let authUrl: URL
    public let application: Application
    public let origin: Origin

    /// The ways to sign in that the application's config lists, if it lists any.
    public let authMethods: [String]?
}
