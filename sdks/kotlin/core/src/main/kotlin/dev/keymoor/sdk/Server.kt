package dev.keymoor.sdk

import kotlinx.coroutines.CancellationException

/** What a call is about: the same status means other things for a binding link than for a sign-in. */
internal enum class Subject { LINK, SIGN_IN }

/** An answer other than 2xx. */
internal class Refused(val status: Int, val isInServersWords: Boolean) : Exception("status $status")

/** Calls the server and reads its JSON object. Nothing outside the allowed domains is ever called. */
internal class Server(private val http: Http, val domains: Domains) {
    suspend fun get(url: String, subject: Subject): Fields = call(subject, "GET", url, emptyMap(), null)

    suspend fun post(url: String, subject: Subject, headers: Map<String, String>, body: String): Fields =
        call(subject, "POST", url, headers, body.toByteArray())

    private suspend fun call(subject: Subject, method: String, url: String, headers: Map<String, String>, body: ByteArray?): Fields {
        val address = domains.requireAllowed(url)
        val response = send(HttpRequest(method, address, headers + ("accept" to "application/json"), body))
        val json = runCatching { parseJson(response.body) }
        if (response.status !in 200..299) throw serverError(subject, response.status, json.getOrNull())
        val value = json.getOrElse {
            fail(ErrorCode.INVALID_RESPONSE, "${place(address)} didn't answer with JSON: ${it.message}")
        }
        return Fields(value, "answer", ErrorCode.INVALID_RESPONSE)
    }

    private suspend fun send(request: HttpRequest): HttpResponse {
        val response = try {
            http.call(request, MAX_JSON_BYTES)
        } catch (error: CancellationException) {
            throw error
        } catch (error: Exception) {
            fail(ErrorCode.NETWORK, "no answer from ${place(request.url)}", error)
        }
        // A redirect would leave the hosts that were checked.
        if (response.status in 300..399) fail(ErrorCode.NETWORK, "${place(request.url)} answered with a redirect")
        return response
    }
}

/** The query may be a secret. */
private fun place(address: String): String = address.substringBefore('?')

private val LINK_STATES = mapOf(
    "complete" to ErrorCode.LINK_COMPLETE,
    "expired" to ErrorCode.LINK_EXPIRED,
    "revoked" to ErrorCode.LINK_REVOKED,
)

/** What an answer other than 2xx means. [body] is whatever JSON came with it, if any. None of its words are shown. */
internal fun serverError(subject: Subject, status: Int, body: Any?): KeymoorException {
    val answer = body as? Map<*, *>
    val details = (answer?.get("details") as? List<*>).orEmpty().filterIsInstance<Map<*, *>>()
    val code = when {
        status >= 500 -> ErrorCode.SERVER
        status == 429 -> ErrorCode.RATE_LIMITED
        subject == Subject.SIGN_IN -> if (status == 403) ErrorCode.UNTRUSTED_ORIGIN else ErrorCode.INVALID_REQUEST
        status == 404 -> ErrorCode.LINK_NOT_FOUND
        status == 409 -> details.firstNotNullOfOrNull { LINK_STATES[it["description"]] } ?: ErrorCode.INVALID_REQUEST
        status == 403 && details.any { it["resource_type"] == "Origin" } -> ErrorCode.UNTRUSTED_ORIGIN
        status == 403 -> ErrorCode.USER_SUSPENDED
        else -> ErrorCode.INVALID_REQUEST
    }
    val cause = Refused(status, answer?.get("code") is String)
    return KeymoorException(code, "the server answered $status (${code.text})", cause)
}

/**
 * Whether the server has said that it did not accept the key that a call offered.
 *
 * @param isRepeat Whether an earlier call with the same key may have arrived. What stands in the way of the later one
 * then says nothing about the key, unless it is about the proof or the link's state.
 */
internal fun isRefusal(error: KeymoorException, isRepeat: Boolean): Boolean {
    val refused = error.cause as? Refused ?: return false
    // What stands between may refuse an answer, but not in the server's words.
    if (refused.status >= 500 || !refused.isInServersWords) return false
    return !isRepeat || refused.status == 400 || refused.status == 409
}

/** Whether the server may have done what a call asked for, although its answer did not arrive. */
internal fun isLost(error: KeymoorException): Boolean =
    error.code == ErrorCode.NETWORK || error.code == ErrorCode.SERVER || error.code == ErrorCode.INVALID_RESPONSE
