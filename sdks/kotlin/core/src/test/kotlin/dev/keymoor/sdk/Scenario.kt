package dev.keymoor.sdk

import java.io.IOException

internal typealias Json = Map<String, Any?>

@Suppress("UNCHECKED_CAST")
internal fun Any?.obj(): Json = this as Json

internal fun Any?.list(): List<Any?> = this as List<*>

/** A runner that met a member it doesn't know would pass what it doesn't test. */
internal fun Json.requireOnly(vararg known: String) {
    val unknown = keys - known.toSet()
    check(unknown.isEmpty()) { "unknown members $unknown" }
}

internal fun requireEqual(expected: Any?, actual: Any?) = check(expected == actual) { "expected $expected, got $actual" }

internal fun answerBy(answer: Any?): HttpResponse {
    if (answer == "none") throw IOException("broken")
    val json = answer.obj()
    json.requireOnly("status", "json", "text")
    val text = json["text"] as String? ?: writeJson(json["json"])
    return HttpResponse((json["status"] as Double).toInt(), text.toByteArray())
}

/** Plays one scenario of ceremonies.json on a fresh device. What happens must be what it says, in that order. */
internal class Scenario(private val scenario: Json) {
    private val events = ArrayDeque<Json>()
    private val keys = FakeKeyStore(::keyStore)
    private val store = FakeStore()
    private val passkeys = ArrayList<Passkey>()

    /** What went wrong where the SDK would catch it. */
    private val problems = ArrayList<Throwable>()

    suspend fun play() {
        val domains = scenario["allowedDomains"].list().map { it as String }
        val nowMs = (scenario["now"] as Double).toLong() * 1_000
        val client = client(keys, store, nowMs, domains) { request -> watching { answer(request) } }
        for (step in scenario["steps"].list()) step(client, step.obj())
        requireEqual(scenario["keysLeft"], keys.size.toDouble())
        requireEqual(scenario["passkeysLeft"], client.getPasskeys().size.toDouble())
    }

    private suspend fun step(client: KeymoorClient, step: Json) {
        step.requireOnly("call", "exchange", "storeFails", "result", "error")
        events.clear()
        events.addAll(step["exchange"].list().map { it.obj() })
        store.fails = step["storeFails"] == true
        val outcome = try {
            mapOf("result" to call(client, step["call"].obj()))
        } catch (error: KeymoorException) {
            mapOf("error" to error.code.text)
        } finally {
            store.fails = false
        }
        problems.firstOrNull()?.let { throw it }
        check(events.isEmpty()) { "did not happen: $events" }
        requireEqual(step.filterKeys { it == "result" || it == "error" }, outcome)
    }

    private suspend fun call(client: KeymoorClient, call: Json): Json {
        call.requireOnly("method", "url", "passkey")
        val url = call["url"] as String? ?: ""
        val named = call["passkey"] as String? ?: ""
        val id = if (named.startsWith("$")) passkeys[named.drop(1).toInt() - 1].id else named
        return when (call["method"]) {
            "bindPasskey" -> bound(client.bindPasskey(url))
            "authenticate" -> with(client.authenticate(url, id)) { mapOf("redirectUrl" to redirectUrl, "message" to message) }
            "getAuthenticationContext" -> with(client.getAuthenticationContext(url)) {
                mapOf(
                    "application" to mapOf("id" to application.id, "displayName" to application.displayName),
                    "sourceIp" to origin.sourceIp,
                )
            }
            "getPasskeys" -> mapOf("passkeyIds" to client.getPasskeys().map { it.passkeyId })
            "deletePasskey" -> emptyMap<String, Any?>().also { client.deletePasskey(id) }
            else -> error("unknown method")
        }
    }

    private fun bound(response: BindPasskeyResponse): Json = with(response.passkey) {
        passkeys += this
        mapOf(
            "passkeyId" to passkeyId,
            "created" to created,
            "tenant" to mapOf("id" to tenant.id, "displayName" to tenant.displayName),
            "realm" to mapOf("id" to realm.id, "displayName" to realm.displayName),
            "identity" to mapOf(
                "id" to identity.id,
                "username" to identity.username,
                "displayName" to identity.displayName,
                "email" to identity.primaryEmailAddress,
            ),
            "postBindingRedirectUri" to response.postBindingRedirectUri,
        )
    }

    private inline fun <T> watching(work: () -> T): T = try {
        work()
    } catch (error: IllegalStateException) {
        problems += error
        throw error
    }

    private fun next(): Json {
        check(events.isNotEmpty()) { "nothing more was to happen" }
        return events.removeFirst().also { it.requireOnly("keystore", "fail", "expect", "answer") }
    }

    private fun keyStore(what: String) = watching {
        val event = next()
        check(event["keystore"] == what) { "the key store was to $event, not to $what" }
        val code = event["fail"] as String?
        if (code != null) fail(ErrorCode.valueOf(code.uppercase()), "as the scenario says")
    }

    private fun answer(request: HttpRequest): HttpResponse {
        val event = next()
        val expect = checkNotNull(event["expect"]) { "${request.url} was called instead of $event" }.obj()
        expect.requireOnly("method", "url", "headers", "json", "form", "text")
        requireEqual(expect["method"], request.method)
        requireEqual(expect["url"], request.url)
        for ((name, value) in expect["headers"]?.obj().orEmpty()) requireEqual(value, request.headers[name])
        val body = request.body?.let { String(it) } ?: ""
        if ("text" in expect) requireEqual(expect["text"], body)
        if ("json" in expect) match(parseJson(body.toByteArray()), expect["json"])
        if ("form" in expect) {
            val fields = body.split('&').associate { pair ->
                val (name, value) = pair.split('=').map { java.net.URLDecoder.decode(it, "UTF-8") }
                name to parseJson(value.toByteArray())
            }
            match(fields, expect["form"])
        }
        return answerBy(event["answer"])
    }

    /** Compares member by member. `$` members say how. */
    private fun match(actual: Any?, expected: Any?) {
        if (expected !is Map<*, *>) return requireEqual(expected, actual)
        when (expected.keys.singleOrNull()) {
            "\$any" -> check(expected["\$any"] == "string" && actual is String) { "$actual is no text" }
            "\$jwk" -> requireEqual(key(expected["\$jwk"]).members(), actual)
            "\$thumbprint" -> requireEqual(key(expected["\$thumbprint"]).thumbprint(), actual)
            "\$jws" -> matchJws(actual as String, expected["\$jws"].obj())
            else -> {
                requireEqual(expected.keys, actual.obj().keys)
                for ((name, value) in expected) match(actual.obj()[name as String], value)
            }
        }
    }

    private fun matchJws(jws: String, expected: Json) {
        val parts = jws.split('.')
        check(parts.size == 3)
        val (header, claims, signature) = parts.map { checkNotNull(fromBase64Url(it)) }
        match(parseJson(header), expected["header"])
        match(parseJson(claims), expected["claims"])
        val jwk = Fields(key(expected["signedBy"]).members(), "key", ErrorCode.INVALID_REQUEST)
        val key = RequestAlgorithm.ES256.importKey(jwk)
        val signed = "${parts[0]}.${parts[1]}".toByteArray()
        check(RequestAlgorithm.ES256.verify(key, signed, signature)) { "wrong signature" }
    }

    private fun key(name: Any?): PublicJwk = keys.made[(name as String).removePrefix("key").toInt() - 1]
}
