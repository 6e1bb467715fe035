package dev.keymoor.sdk

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.launch

/**
 * Binds passkeys to this device and signs in with them.
 *
 * Every function exists twice: with a callback, and as a cold flow of one result. A flow does nothing until it is
 * collected, by `launchIn` or `collect`, and does it again for each collector. [client] has suspending functions.
 */
public object EmbeddedSdk {
    @Volatile
    private var initialized: KeymoorClient? = null
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    /** Where callbacks run. */
    @Volatile
    private var callbacks: CoroutineDispatcher = Dispatchers.Default

    /**
     * Initializes the SDK. May be called more than once. Modules for a platform have an `init` that creates its
     * [Platform].
     *
     * @throws KeymoorException `INVALID_CONFIG` if an allowed domain isn't `host` or `host:port`.
     */
    @JvmStatic
    @JvmOverloads
    public fun init(
        platform: Platform,
        allowedDomains: List<String>,
        logger: (String) -> Unit = {},
        callbackDispatcher: CoroutineDispatcher = Dispatchers.Default,
    ) {
        initialized = KeymoorClient(platform, allowedDomains, logger)
        callbacks = callbackDispatcher
    }

    /**
     * The same as suspending functions that throw.
     *
     * @throws KeymoorException `INVALID_CONFIG` before `init`.
     */
    @JvmStatic
    public val client: KeymoorClient
        get() = initialized ?: fail(ErrorCode.INVALID_CONFIG, "call EmbeddedSdk.init first")

    /** Returns whether [bindPasskey] accepts this URL. Never throws and calls no server. */
    @JvmStatic
    public fun isBindPasskeyUrl(url: String): Boolean = parseBindLink(url) != null

    /** The same as a flow. */
    @JvmStatic
    public fun isBindPasskeyUrl(url: String, dispatcher: CoroutineDispatcher): Flow<Boolean> =
        flow { emit(isBindPasskeyUrl(url)) }.flowOn(dispatcher)

    /** Returns whether [authenticate] accepts this URL. Never throws. The request in it isn't verified. */
    @JvmStatic
    public fun isAuthenticateUrl(url: String): Boolean = parseAuthenticateUrl(url) != null

    /** The same as a flow. */
    @JvmStatic
    public fun isAuthenticateUrl(url: String, dispatcher: CoroutineDispatcher): Flow<Boolean> =
        flow { emit(isAuthenticateUrl(url)) }.flowOn(dispatcher)

    /** @see KeymoorClient.bindPasskey */
    @JvmStatic
    public fun bindPasskey(url: String, callback: (Result<BindPasskeyResponse>) -> Unit): Unit =
        call(callback) { client.bindPasskey(url) }

    /** @see KeymoorClient.bindPasskey */
    public fun bindPasskey(url: String, dispatcher: CoroutineDispatcher = Dispatchers.Default): Flow<Result<BindPasskeyResponse>> =
        cold(dispatcher) { client.bindPasskey(url) }

    /** @see KeymoorClient.authenticate */
    @JvmStatic
    public fun authenticate(url: String, passkeyId: PasskeyId, callback: (Result<AuthenticateResponse>) -> Unit): Unit =
        call(callback) { client.authenticate(url, passkeyId) }

    /** @see KeymoorClient.authenticate */
    public fun authenticate(
        url: String,
        passkeyId: PasskeyId,
        dispatcher: CoroutineDispatcher = Dispatchers.Default,
    ): Flow<Result<AuthenticateResponse>> = cold(dispatcher) { client.authenticate(url, passkeyId) }

    /** @see KeymoorClient.getAuthenticationContext */
    @JvmStatic
    public fun getAuthenticationContext(url: String, callback: (Result<AuthenticationContext>) -> Unit): Unit =
        call(callback) { client.getAuthenticationContext(url) }

    /** @see KeymoorClient.getAuthenticationContext */
    public fun getAuthenticationContext(
        url: String,
        dispatcher: CoroutineDispatcher = Dispatchers.Default,
    ): Flow<Result<AuthenticationContext>> = cold(dispatcher) { client.getAuthenticationContext(url) }

    /** @see KeymoorClient.getPasskeys */
    @JvmStatic
    public fun getPasskeys(callback: (Result<List<Passkey>>) -> Unit): Unit = call(callback) { client.getPasskeys() }

    /** @see KeymoorClient.getPasskeys */
    public fun getPasskeys(dispatcher: CoroutineDispatcher = Dispatchers.Default): Flow<Result<List<Passkey>>> =
        cold(dispatcher) { client.getPasskeys() }

    /** @see KeymoorClient.deletePasskey */
    @JvmStatic
    public fun deletePasskey(id: PasskeyId, callback: (Result<Unit>) -> Unit): Unit = call(callback) { client.deletePasskey(id) }

    /** @see KeymoorClient.deletePasskey */
    public fun deletePasskey(id: PasskeyId, dispatcher: CoroutineDispatcher = Dispatchers.Default): Flow<Result<Unit>> =
        cold(dispatcher) { client.deletePasskey(id) }

    /** @see KeymoorClient.authenticateOtp */
    @JvmStatic
    public fun authenticateOtp(url: String, email: String, callback: (Result<OtpChallengeResponse>) -> Unit): Unit =
        call(callback) { client.authenticateOtp(url, email) }

    /** @see KeymoorClient.authenticateOtp */
    public fun authenticateOtp(
        url: String,
        email: String,
        dispatcher: CoroutineDispatcher = Dispatchers.Default,
    ): Flow<Result<OtpChallengeResponse>> = cold(dispatcher) { client.authenticateOtp(url, email) }

    /** @see KeymoorClient.redeemOtp */
    @JvmStatic
    public fun redeemOtp(url: String, otp: String, callback: (Result<RedeemOtpResponse>) -> Unit): Unit =
        call(callback) { client.redeemOtp(url, otp) }

    /** @see KeymoorClient.redeemOtp */
    public fun redeemOtp(
        url: String,
        otp: String,
        dispatcher: CoroutineDispatcher = Dispatchers.Default,
    ): Flow<Result<RedeemOtpResponse>> = cold(dispatcher) { client.redeemOtp(url, otp) }

    private fun <T> call(callback: (Result<T>) -> Unit, work: suspend () -> T) {
        scope.launch(callbacks) { callback(resultOf(work)) }
    }

    private fun <T> cold(dispatcher: CoroutineDispatcher, work: suspend () -> T): Flow<Result<T>> =
        flow { emit(resultOf(work)) }.flowOn(dispatcher)

    private suspend fun <T> resultOf(work: suspend () -> T): Result<T> = try {
        Result.success(work())
    } catch (error: CancellationException) {
        throw error
    } catch (error: KeymoorException) {
        Result.failure(error)
    }
}
