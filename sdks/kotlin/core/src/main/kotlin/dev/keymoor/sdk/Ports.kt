package dev.keymoor.sdk

/** A P-256 public key: 32 bytes each, base64url. */
public data class PublicJwk(val x: String, val y: String)

/** A new key. */
public data class CreatedKey(val handle: KeyHandle, val publicKey: PublicJwk, val level: KeyLevel)

/**
 * Stores private P-256 keys. Fails with a [KeymoorException] of `CANCELLED`, `PASSKEY_NOT_FOUND` or `UNSUPPORTED`.
 */
public interface KeyStore {
    /** Creates a key. Is not cancelled. */
    public suspend fun create(): CreatedKey

    /** Signs with ECDSA and SHA-256. Returns r and s, 64 bytes (RFC 7518 section 3.4). */
    public suspend fun sign(handle: KeyHandle, data: ByteArray): ByteArray

    /** Deletes a key. Deleting a missing key succeeds. */
    public suspend fun delete(handle: KeyHandle)
}

/** Stores one text, which is replaced as a whole or not at all. Any exception is reported as `STORAGE`. */
public interface Store {
    /** Returns the text, or null before the first write. */
    public suspend fun read(): String?

    /** Replaces the text. Returns once it outlives a crash. */
    public suspend fun write(text: String)
}

/** One request. */
public class HttpRequest(
    public val method: String,
    public val url: String,
    public val headers: Map<String, String>,
    public val body: ByteArray?,
)

/** One answer. */
public class HttpResponse(public val status: Int, public val body: ByteArray)

/** Calls a server. Any exception is reported as `NETWORK`. */
public interface Http {
    /**
     * Sends one request once, without redirects, cookies or cache, and gives up after 30 seconds.
     *
     * @param maxBytes An answer's body is read up to here and one byte more.
     */
    public suspend fun call(request: HttpRequest, maxBytes: Int): HttpResponse
}

/** Returns the time. */
public fun interface Clock {
    /** Milliseconds since 1970. */
    public fun nowMs(): Long
}

/** What the SDK needs of a device. */
public class Platform @JvmOverloads constructor(
    public val keys: KeyStore,
    public val store: Store,
    public val http: Http = UrlConnectionHttp(),
    public val clock: Clock = Clock { System.currentTimeMillis() },
)
