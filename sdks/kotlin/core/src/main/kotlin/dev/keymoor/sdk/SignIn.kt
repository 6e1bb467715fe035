package dev.keymoor.sdk

/** A server that always asks again must not keep a person at the prompt for ever. */
private const val MAX_PROOFS = 5

/** Covers a device clock that is an hour off, as it is after a missed change to summer time. */
private const val PROOF_LIFE_S = 4_200

/** base64 of `[]`: this SDK has no facts about the device to report. */
private const val NO_FACTS = "W10="

internal const val SDK_VERSION: String = "0.1.0"

/** Answers sign-in requests. */
internal class SignIn(
    private val platform: Platform,
    private val server: Server,
    private val records: RecordStore,
    private val newId: () -> String,
) {
    /** Signs in to a verified request with a passkey of this device. */
    suspend fun authenticate(request: SignInRequest, id: PasskeyId): AuthenticateResponse {
        val stored = records.load().passkeys.find { it.passkey.id == id }
            ?: fail(ErrorCode.PASSKEY_NOT_FOUND, "this device holds no passkey with that id")
        val owner = stored.owner
        if (owner.tenantId != request.tenantId || owner.realmId != request.realmId) {
            fail(ErrorCode.INVALID_REQUEST, "the sign-in request is for another realm than the passkey")
        }
        val step = run(request, request.firstStep) { step ->
            val claims = claims(request, owner.distinguishedName, step.transactionId, step.nonce)
            compactJws(platform.keys, stored.passkey.keyHandle, linkedMapOf("alg" to "ES256", "kid" to stored.kid), claims)
        }
        return allowed(request, step as? Step.Allow ?: fail(ErrorCode.INVALID_RESPONSE, "the server asks for a one-time code"))
    }

    /** Has a one-time code mailed. */
    suspend fun beginOtp(request: SignInRequest, email: String): Step.Challenge {
        val control = linkedMapOf("control" to "email_otp_initiate")
        val step = run(request, request.firstStep) { unsigned(request, email, it.transactionId, it.nonce, control) }
        return step as? Step.Challenge ?: fail(ErrorCode.INVALID_RESPONSE, "the server sent no one-time code")
    }

    /** Redeems a one-time code. */
    suspend fun redeemOtp(request: SignInRequest, email: String, challenge: Step.Challenge, otp: String): Step {
        val control = linkedMapOf("control" to "otp_redeem", "otp" to otp)
        return run(request, Step.Prove(challenge.transactionId, challenge.nonce)) {
            unsigned(request, email, it.transactionId, it.nonce, control)
        }
    }

    fun allowed(request: SignInRequest, step: Step.Allow) =
        AuthenticateResponse(request.redirectUrl(step.code), step.message, step.bindingToken)

    /** Proves as often as the server asks, and returns what it says then. A denial is a failure. */
    private suspend fun run(request: SignInRequest, first: Step, prove: suspend (Step.Prove) -> String): Step {
        var step = first
        var proofs = 0
        while (step is Step.Prove) {
            if (proofs++ == MAX_PROOFS) fail(ErrorCode.INVALID_RESPONSE, "the server keeps asking for proofs")
            val headers = mapOf(
                "content-type" to "application/x-www-form-urlencoded",
                "x-correlation-id" to request.correlationId,
            )
            val body = "claims=${formEncode(writeJson(mapOf("Jwt" to prove(step))))}"
            val answer = server.post(request.endpoint, Subject.SIGN_IN, headers, body)
            step = readStep(answer.string("type"), answer, ErrorCode.INVALID_RESPONSE)
        }
        if (step is Step.Deny) fail(ErrorCode.POLICY_DENIED, step.message?.ifEmpty { null } ?: "sign-in was refused")
        return step
    }

    private suspend fun claims(request: SignInRequest, sub: String, transactionId: String, nonce: String): Map<String, Any> {
        val nowS = Math.floorDiv(platform.clock.nowMs(), 1_000L)
        return linkedMapOf(
            "iss" to "${records.load().instanceId}:$SDK_VERSION",
            "sub" to sub,
            "aud" to listOf(request.endpoint),
            "iat" to nowS,
            "exp" to nowS + PROOF_LIFE_S,
            "nbf" to nowS - PROOF_LIFE_S,
            "jti" to newId(),
            "bi_tid" to transactionId,
            "bi_non" to nonce,
            "bi_prf" to NO_FACTS,
            "bi_pol_ver" to POLICY_VERSION,
            "flow_type" to "embedded",
        )
    }

    /** Proves nothing: the code does. */
    private suspend fun unsigned(
        request: SignInRequest,
        email: String,
        transactionId: String,
        nonce: String,
        control: Map<String, String>,
    ): String {
        val sub = "MAIL=$email, OU=${request.realmId}, O=${request.tenantId}"
        val claims = claims(request, sub, transactionId, nonce) + ("authentication_control" to control)
        return listOf(mapOf("alg" to "none"), claims).joinToString("") { base64Url(writeJson(it).toByteArray()) + "." }
    }
}
