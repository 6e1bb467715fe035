package dev.keymoor.sdk

/** Names a passkey on this device. */
public typealias PasskeyId = String

/** Names a key in the device's key store. */
public typealias KeyHandle = String

/** A tenant, as a passkey remembers it. */
public data class Tenant(val id: String, val displayName: String)

/** A realm, as a passkey remembers it. */
public data class Realm(val id: String, val displayName: String)

/** The owner of a passkey, as of binding. */
public data class Identity(
    val id: String,
    val displayName: String,
    val username: String,
    val primaryEmailAddress: String?,
)

/** The branding of a realm, as of binding. */
public data class Theme(val logoLightUrl: String, val logoDarkUrl: String, val supportUrl: String)

/** A credential's state when it was bound. A later revocation shows at sign-in only. */
public enum class State { ACTIVE, REVOKED }

/** Where a key is. */
public enum class KeyLevel {
    /** In a chip of its own, such as StrongBox. */
    SECURE_ELEMENT,

    /** In the processor's trusted environment. */
    TRUSTED_ENVIRONMENT,

    /** In a file or in memory of the operating system. */
    SOFTWARE,
}

/** A passkey that this device holds. Times are RFC 3339. */
public data class Passkey(
    /** Names the passkey on this device: 64 hex digits, never sent. What `authenticate` and `deletePasskey` take. */
    val id: PasskeyId,
    /** The server's id of the credential. */
    val passkeyId: String,
    val localCreated: String,
    val localUpdated: String,
    /** The host to which the passkey was bound. */
    val apiBaseUrl: String,
    val keyHandle: KeyHandle,
    val keyLevel: KeyLevel,
    val state: State,
    /** When it was bound, by the server's clock. */
    val created: String,
    val updated: String,
    val tenant: Tenant,
    val realm: Realm,
    val identity: Identity,
    val theme: Theme,
)

/** What `bindPasskey` answers. */
public data class BindPasskeyResponse(
    val passkey: Passkey,
    /** Where the application asked to go after binding. The SDK never goes there. */
    val postBindingRedirectUri: String?,
)

/** What `authenticate` answers. */
public data class AuthenticateResponse(
    /** The application's redirect URI with `code` and `state`. The SDK never goes there. */
    val redirectUrl: String,
    val message: String?,
    /** A token to bind a passkey with, after a one-time code and if the config pays it out. */
    val passkeyBindingToken: String? = null,
)

/** Where the one-time code that was mailed is redeemed. */
public data class OtpChallengeResponse(val url: String)

/** What `redeemOtp` answers. */
public sealed class RedeemOtpResponse {
    /** The code was right. */
    public data class Success(val authenticateResponse: AuthenticateResponse) : RedeemOtpResponse()

    /** The code was wrong and may be tried again, at a new URL. */
    public data class FailedOtp(val otpChallengeResponse: OtpChallengeResponse) : RedeemOtpResponse()
}

/** What a sign-in request says about itself. */
public data class AuthenticationContext(
    val authUrl: String,
    val application: Application,
    val origin: Origin,
    /** The ways to sign in that the application's config lists, if it lists any. */
    val authMethods: List<String>?,
) {
    /** Who asks. */
    public data class Application(val id: String, val displayName: String?)

    /** Where the server saw the request come from. */
    public data class Origin(val sourceIp: String?, val userAgent: String?, val geolocation: String?, val referer: String?)
}
