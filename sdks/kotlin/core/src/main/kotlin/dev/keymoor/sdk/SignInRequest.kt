package dev.keymoor.sdk

import java.security.PublicKey
import java.util.concurrent.ConcurrentHashMap

/** What the server wants next: a proof, or nothing more. */
internal sealed class Step {
    class Prove(val transactionId: String, val nonce: String) : Step()
    class Allow(val code: String, val message: String?, val bindingToken: String?) : Step()
    class Deny(val message: String?) : Step()

    /** A one-time code was sent, or another try is allowed. */
    class Challenge(val transactionId: String, val nonce: String) : Step()
}

/** The only way of proving that this SDK speaks. */
internal const val POLICY_VERSION = "v3"

/** A verified request to sign in. */
internal class SignInRequest(claims: Fields) {
    private val authn = claims.obj("authn")
    val redirectUri = authn.string("redirect_uri")
    val baseUrl = authn.string("base_url").removeSuffix("/")
    val tenantId = authn.string("tid")
    val realmId = authn.string("rid")
    val applicationId = authn.string("aid")
    val applicationName = if (authn.has("application")) authn.obj("application").optionalString("display_name") else null
    val state = authn.optionalString("state")
    val correlationId = claims.string("cid")
    val firstStep = readAction(authn.obj("action"))
    val methods = readMethods()
    val origin = readOrigin(claims)

    init {
        if (!isPrintable(correlationId)) throw refused("has a cid that is no header")
        if (!isSafeDestination(redirectUri)) throw refused("leads to no address an application may go to")
    }

    val endpoint: String get() = "$baseUrl/v1/tenants/${segment(tenantId)}/realms/${segment(realmId)}" +
        "/applications/${segment(applicationId)}/bi-authenticate"

    /** The registered address stays letter for letter as it is. */
    fun redirectUrl(code: String): String {
        val parameters = listOfNotNull("code" to code, state?.let { "state" to it })
        val query = parameters.joinToString("&") { (name, value) -> "$name=${formEncode(value)}" }
        return "$redirectUri${if ('?' in redirectUri) '&' else '?'}$query"
    }

    private fun segment(text: String) = formEncode(text).replace("+", "%20")

    private fun readMethods(): List<String>? {
        if (!authn.has("authenticator_config")) return null
        val config = authn.obj("authenticator_config").obj("config")
        if (!config.has("authentication_methods")) return null
        // The older name of the same kind.
        return config.objects("authentication_methods")
            .map { it.string("type") }
            .map { if (it == "subtle_crypto_passkey") "software_passkey" else it }
    }

    private fun readOrigin(claims: Fields): AuthenticationContext.Origin {
        if (!claims.has("origin")) return AuthenticationContext.Origin(null, null, null, null)
        val (ip, ua, geo, ref) = listOf("ip", "ua", "geo", "ref").map(claims.obj("origin")::optionalString)
        return AuthenticationContext.Origin(ip, ua, geo, ref)
    }
}

/** An action is an object with one member, named after the step. */
private fun readAction(action: Fields): Step {
    val type = action.members.keys.firstOrNull() ?: "none"
    return readStep(type, action.obj(type), ErrorCode.INVALID_REQUEST)
}

/** Reads the members of one step. Fails with [code] if it is none that this SDK can take. */
internal fun readStep(type: String, step: Fields, code: ErrorCode): Step {
    when (type) {
        "prove" -> if (step.string("bi_pol_ver") == POLICY_VERSION) {
            return Step.Prove(step.string("transaction_id"), step.string("nonce"))
        }
        "allow" -> return Step.Allow(step.string("code"), step.optionalString("message"), step.optionalString("passkey_binding_token"))
        "deny" -> return Step.Deny(step.optionalString("message"))
        "continue" -> return Step.Challenge(step.string("transaction_id"), step.string("nonce"))
    }
    fail(code, "the server asks for a step this SDK doesn't know")
}

private fun refused(reason: String, cause: Throwable? = null) =
    KeymoorException(ErrorCode.INVALID_REQUEST, "the sign-in request $reason", cause)

/**
 * Seconds by which a request may be late or early. The request is judged by the device's clock, which may be a little
 * off; the server judges again by its own, so this only decides who says no first.
 */
private const val CLOCK_LEEWAY_S = 60

/** Verifies request JWTs (RFC 7515 section 5.2, RFC 7519 section 7.2). */
internal class RequestVerifier(private val server: Server) {
    /** A `kid` says nothing outside its own key set, so all three name a key here. */
    private data class KeyName(val jku: String, val kid: String, val alg: RequestAlgorithm)

    private val keys = ConcurrentHashMap<KeyName, PublicKey>()

    suspend fun verify(jwt: String, nowMs: Long): SignInRequest {
        val parts = jwt.split('.')
        if (parts.size != 3 || parts.any(String::isEmpty)) throw refused("is no signed JWT")
        val header = decode(parts[0], "request header")
        val claims = decode(parts[1], "request")
        val signature = fromBase64Url(parts[2]) ?: throw refused("is malformed")
        val alg = RequestAlgorithm.entries.find { it.name == header.string("alg") }
            ?: throw refused("is signed with an algorithm that this SDK does not know")
        if (header.has("crit")) throw refused("has a critical header this SDK does not know")
        val key = find(KeyName(header.string("jku"), header.string("kid"), alg))
        if (!alg.verify(key, "${parts[0]}.${parts[1]}".toByteArray(), signature)) throw refused("has a wrong signature")
        val nowS = nowMs / 1_000.0
        if (claims.number("exp") + CLOCK_LEEWAY_S <= nowS) throw refused("has expired")
        if (claims.number("nbf") - CLOCK_LEEWAY_S > nowS) throw refused("is not valid yet")
        return SignInRequest(claims).also { server.domains.requireAllowed(it.baseUrl) }
    }

    private fun decode(part: String, path: String): Fields {
        val value = try {
            parseJson(fromBase64Url(part) ?: throw refused("is malformed"))
        } catch (error: JsonException) {
            throw refused("is malformed", error)
        }
        return Fields(value, path, ErrorCode.INVALID_REQUEST)
    }

    private suspend fun find(name: KeyName): PublicKey = keys[name] ?: run {
        val set = server.get(name.jku, Subject.SIGN_IN).objects("keys")
        val found = set.find { it.members["kid"] == name.kid } ?: throw refused("is signed by an unknown key")
        val jwk = Fields(found.members, "key", ErrorCode.INVALID_REQUEST)
        name.alg.importKey(jwk).also { keys[name] = it }
    }
}
