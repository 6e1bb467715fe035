package dev.keymoor.sdk

import java.util.concurrent.CopyOnWriteArrayList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse

internal const val TOKEN = "token-that-nobody-may-read"

/** In every answer of the server. */
internal const val BODY_SECRET = "text-of-an-answer"
private const val JOB = "/v1/tenants/t/realms/r/identities/i/credential-binding-jobs/j"

internal fun linkOn(origin: String) = "$origin$JOB:invokeAuthenticator?token=$TOKEN"

private val INFO = mapOf(
    "authenticator_config" to mapOf("config" to mapOf("type" to "embedded")),
    "tenant" to mapOf("display_name" to "Tenant"),
    "realm" to mapOf("display_name" to "Realm"),
    "identity" to mapOf("display_name" to "Ada", "traits" to mapOf("username" to "ada")),
    "theme" to mapOf("logo_url_light" to "", "logo_url_dark" to ""),
    "secret" to BODY_SECRET,
)
private val CREDENTIAL = mapOf("id" to "c", "state" to "ACTIVE", "create_time" to "2026-01-01T00:00:00Z")

/** What the server answers when all goes well. */
internal fun answerOf(request: HttpRequest): HttpResponse {
    val verb = request.url.substringAfterLast(':')
    return HttpResponse(200, writeJson(if (verb == "bind") CREDENTIAL else INFO).toByteArray())
}

/** A device of which a test knows everything. */
internal class Device(
    val keys: FakeKeyStore = FakeKeyStore(),
    val store: FakeStore = FakeStore(),
    private val nowMs: Long = 0,
    http: Http = FakeHttp { answerOf(it) },
    domain: String = "auth.example",
) {
    val requests = CopyOnWriteArrayList<HttpRequest>()
    private val logs = CopyOnWriteArrayList<String>()
    private val recording = object : Http {
        override suspend fun call(request: HttpRequest, maxBytes: Int): HttpResponse {
            requests += request
            return http.call(request, maxBytes)
        }
    }
    val link = linkOn("https://auth.example")
    val client = KeymoorClient(Platform(keys, store, recording, { nowMs }), listOf(domain), { logs += it }, listOf(0L, 0L))

    /** The proofs that were sent. */
    val proofs: List<String> get() = requests.filter { it.url.endsWith(":bind") }.map {
        parseJson(checkNotNull(it.body)).obj()["raw"] as String
    }

    /** Binds, which must fail, and returns the code. Neither messages nor logs may have a secret. */
    suspend fun failure(link: String = this.link): ErrorCode {
        val error = try {
            client.bindPasskey(link)
            throw AssertionError("it was bound")
        } catch (error: KeymoorException) {
            error
        }
        requireNoSecrets(error.stackTraceToString())
        return error.code
    }

    fun requireNoSecrets(text: String = "") {
        val shown = text + logs.joinToString()
        for (secret in proofs + TOKEN + BODY_SECRET) assertFalse(secret in shown, shown)
    }

    /** Waits for what goes on after its caller was cancelled, and expects as many keys as passkeys. */
    suspend fun requirePasskeys(count: Int) {
        // Waits for its turn.
        client.deletePasskey("unknown")
        assertEquals(count, client.getPasskeys().size)
        assertEquals(count, keys.size)
    }
}
