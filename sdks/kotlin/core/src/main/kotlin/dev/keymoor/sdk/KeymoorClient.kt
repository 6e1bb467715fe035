package dev.keymoor.sdk

import java.security.SecureRandom
import java.util.UUID
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

private const val LOCAL_ID_BYTES = 32
private val RETRY_AFTER_MS = listOf(500L, 2_000L)

/**
 * Binds passkeys to this device and signs in with them, as suspending functions that throw a [KeymoorException] and
 * nothing else, besides cancellation. [EmbeddedSdk] has the same as flows and callbacks.
 *
 * @param allowedDomains Hosts that may be called, each as `host` (any port) or `host:port`. Subdomains are included.
 * @param logger Receives what the SDK does, step by step and without secrets.
 */
public class KeymoorClient internal constructor(
    private val platform: Platform,
    allowedDomains: List<String>,
    private val logger: (String) -> Unit,
    retryAfterMs: List<Long>,
) {
    @JvmOverloads
    public constructor(platform: Platform, allowedDomains: List<String>, logger: (String) -> Unit = {}) :
        this(platform, allowedDomains, logger, RETRY_AFTER_MS)

    private val random = SecureRandom()
    private val server = Server(platform.http, Domains(allowedDomains))
    private val records = RecordStore(platform.store, ::newId)
    private val binding = Binding(platform, server, records, ::newLocalId, retryAfterMs)
    private val signIn = SignIn(platform, server, records, ::newId)
    private val verifier = RequestVerifier(server)
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val writing = Mutex()

    /** Bindings under way, with how many callers wait, so that two calls with one link get one passkey and no error. */
    private val bindings = HashMap<String, Shared>()

    private class Shared(val work: Deferred<BindPasskeyResponse>, var waiting: Int = 0)

    /** Returns whether [bindPasskey] accepts this URL. Calls no server, so the link may be used or expired. */
    public fun isBindPasskeyUrl(url: String): Boolean = parseBindLink(url) != null

    /** Returns whether [authenticate] accepts this URL. The request in it isn't verified. */
    public fun isAuthenticateUrl(url: String): Boolean = parseAuthenticateUrl(url) != null

    /**
     * Creates a key on this device and binds it to the identity of a binding link. It replaces the passkey of that
     * identity on this device.
     *
     * @param url The link from the API, or the URL to which a mailed link led.
     */
    public suspend fun bindPasskey(url: String): BindPasskeyResponse = guarded {
        val job = parseBindLink(url) ?: fail(ErrorCode.INVALID_URL, "this is no binding link")
        server.domains.requireAllowed(job.apiBaseUrl)
        share(url) {
            guarded { writing.withLock { binding.bind(job) } }
        }.also { log("bound a passkey, ${it.passkey.keyLevel}") }
    }

    /** Runs [work] for all callers with one key. It is cancelled when the last of them is. */
    private suspend fun share(key: String, work: suspend () -> BindPasskeyResponse): BindPasskeyResponse {
        val shared = synchronized(bindings) {
            bindings.getOrPut(key) { Shared(scope.async(start = CoroutineStart.LAZY) { work() }) }.also { it.waiting++ }
        }
        try {
            return shared.work.await()
        } finally {
            synchronized(bindings) {
                if (--shared.waiting == 0) {
                    if (bindings[key] === shared) bindings.remove(key)
                    shared.work.cancel()
                }
            }
        }
    }

    /**
     * Signs in with a passkey of this device.
     *
     * @param url The URL at which the application received the sign-in request.
     * @param passkeyId The `id` of one of [getPasskeys], not its `passkeyId`.
     */
    public suspend fun authenticate(url: String, passkeyId: PasskeyId): AuthenticateResponse = guarded {
        signIn.authenticate(verify(url), passkeyId).also { log("signed in") }
    }

    /** Returns what a sign-in request says about itself, after verifying its signature. The request stays usable. */
    public suspend fun getAuthenticationContext(url: String): AuthenticationContext = guarded {
        val request = verify(url)
        val application = AuthenticationContext.Application(request.applicationId, request.applicationName)
        AuthenticationContext(url, application, request.origin, request.methods)
    }

    /** Returns the passkeys of this device, oldest first. */
    public suspend fun getPasskeys(): List<Passkey> = guarded {
        records.load().passkeys.map { it.passkey }.sortedBy { it.created }
    }

    /**
     * Deletes a passkey from this device. The server's credential stays until it is revoked. Deleting an unknown id
     * succeeds.
     */
    public suspend fun deletePasskey(id: PasskeyId): Unit = guarded {
        writing.withLock {
            val known = records.load()
            val stored = known.passkeys.find { it.passkey.id == id } ?: return@withLock
            records.save(known.with(passkeys = known.passkeys - stored))
            platform.keys.delete(stored.passkey.keyHandle)
        }
    }

    /** Requests that a one-time code is mailed to [email], if the application's config allows it. */
    public suspend fun authenticateOtp(url: String, email: String): OtpChallengeResponse = guarded {
        val request = verify(url)
        challengeUrl(request, parseAuthenticateUrl(url).orEmpty(), email, signIn.beginOtp(request, email))
    }

    /** Redeems a one-time code at the URL that [authenticateOtp] returned. */
    public suspend fun redeemOtp(url: String, otp: String): RedeemOtpResponse = guarded {
        val state = parseResumeUrl(url)?.let(::fromBase64Url) ?: fail(ErrorCode.INVALID_URL, "this is no URL of a one-time code")
        val value = try {
            Fields(parseJson(state), "state", ErrorCode.INVALID_URL)
        } catch (error: JsonException) {
            fail(ErrorCode.INVALID_URL, "this is no URL of a one-time code", error)
        }
        val jwt = value.string("request")
        val request = verifier.verify(jwt, platform.clock.nowMs())
        val challenge = Step.Challenge(value.string("transaction_id"), value.string("nonce"))
        val email = value.string("email")
        when (val step = signIn.redeemOtp(request, email, challenge, otp)) {
            is Step.Allow -> RedeemOtpResponse.Success(signIn.allowed(request, step))
            is Step.Challenge -> RedeemOtpResponse.FailedOtp(challengeUrl(request, jwt, email, step))
            else -> fail(ErrorCode.INVALID_RESPONSE, "the server asks for a step this SDK doesn't know")
        }
    }

    private fun challengeUrl(request: SignInRequest, jwt: String, email: String, challenge: Step.Challenge): OtpChallengeResponse {
        val state = linkedMapOf("request" to jwt, "email" to email, "transaction_id" to challenge.transactionId, "nonce" to challenge.nonce)
        return OtpChallengeResponse("${request.baseUrl}/resume?state=${base64Url(writeJson(state).toByteArray())}")
    }

    private suspend fun verify(url: String): SignInRequest {
        val jwt = parseAuthenticateUrl(url) ?: fail(ErrorCode.INVALID_URL, "this is no sign-in URL")
        return verifier.verify(jwt, platform.clock.nowMs())
    }

    /** Converts any unexpected exception into a [KeymoorException]. */
    private suspend fun <T> guarded(work: suspend () -> T): T = try {
        work()
    } catch (error: CancellationException) {
        throw error
    } catch (error: KeymoorException) {
        throw error
    } catch (error: Exception) {
        fail(ErrorCode.UNSUPPORTED, "this device failed (${error.javaClass.simpleName})", error)
    }

    /** An application's logger must not break a call that has already taken effect. */
    private fun log(text: String) {
        runCatching { logger(text) }
    }

    private fun newId(): String = UUID.randomUUID().toString()

    private fun newLocalId(): String =
        ByteArray(LOCAL_ID_BYTES).also(random::nextBytes).joinToString("") { "%02x".format(it) }
}
