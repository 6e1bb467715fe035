package dev.keymoor.sdk

/**
 * Calls by name, one JSON text in and one out, for other languages on the same device.
 *
 * The answer is `{"value": …}` or `{"error": {"code", "message"}}`. sdks/vectors/bridge.json has examples.
 */
public class JsonBridge(private val client: KeymoorClient) {
    /** Makes one call. Throws nothing but cancellation. */
    public suspend fun call(method: String, arguments: String): String = try {
        val fields = Fields(parseArguments(arguments), "arguments", ErrorCode.INVALID_REQUEST)
        writeJson(mapOf("value" to run(method, fields)))
    } catch (error: KeymoorException) {
        writeJson(mapOf("error" to linkedMapOf("code" to error.code.text, "message" to error.message)))
    }

    private fun parseArguments(text: String): Any? = try {
        parseJson(text.toByteArray())
    } catch (error: JsonException) {
        fail(ErrorCode.INVALID_REQUEST, "the arguments are no JSON", error)
    }

    private suspend fun run(method: String, arguments: Fields): Any? = when (method) {
        "isBindPasskeyUrl" -> client.isBindPasskeyUrl(arguments.string("url"))
        "isAuthenticateUrl" -> client.isAuthenticateUrl(arguments.string("url"))
        "bindPasskey" -> with(client.bindPasskey(arguments.string("url"))) {
            linkedMapOf("passkey" to writePasskey(passkey), "postBindingRedirectUri" to postBindingRedirectUri)
        }
        "authenticate" -> signedIn(client.authenticate(arguments.string("url"), arguments.string("id")))
        "getAuthenticationContext" -> with(client.getAuthenticationContext(arguments.string("url"))) {
            linkedMapOf(
                "authUrl" to authUrl,
                "application" to linkedMapOf("id" to application.id, "displayName" to application.displayName),
                "origin" to linkedMapOf(
                    "sourceIp" to origin.sourceIp,
                    "userAgent" to origin.userAgent,
                    "geolocation" to origin.geolocation,
                    "referer" to origin.referer,
                ),
                "authMethods" to authMethods,
            )
        }
        "getPasskeys" -> client.getPasskeys().map(::writePasskey)
        "deletePasskey" -> client.deletePasskey(arguments.string("id")).let { null }
        "authenticateOtp" -> mapOf("url" to client.authenticateOtp(arguments.string("url"), arguments.string("email")).url)
        "redeemOtp" -> when (val answer = client.redeemOtp(arguments.string("url"), arguments.string("otp"))) {
            is RedeemOtpResponse.Success -> signedIn(answer.authenticateResponse)
            is RedeemOtpResponse.FailedOtp -> mapOf("url" to answer.otpChallengeResponse.url)
        }
        else -> fail(ErrorCode.INVALID_REQUEST, "this SDK has no such method")
    }

    private fun signedIn(answer: AuthenticateResponse) = linkedMapOf(
        "redirectUrl" to answer.redirectUrl,
        "message" to answer.message,
        "passkeyBindingToken" to answer.passkeyBindingToken,
    )
}
