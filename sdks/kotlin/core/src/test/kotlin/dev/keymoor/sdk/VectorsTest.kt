package dev.keymoor.sdk

import java.io.File
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

/** Runs the vectors that all SDKs share. */
internal class VectorsTest {
    @ParameterizedTest
    @ValueSource(strings = ["links", "destinations", "domains", "json", "jws", "requests", "ceremonies", "errors", "bridge"])
    fun h4_every_case_of_the_shared_vectors_holds(file: String) = runBlocking {
        val text = File(System.getProperty("keymoor.vectors"), "$file.json").readBytes()
        val cases = parseJson(text, Int.MAX_VALUE).list().map { it.obj() }
        assertEquals(cases.size, cases.map { it["name"] }.toSet().size, "names are unique")
        val failures = ArrayList<String>()
        for (case in cases) {
            try {
                run(file, case)
            } catch (error: Throwable) {
                failures += "$file: ${case["name"]}: $error"
            }
        }
        println("vectors $file: ${cases.size - failures.size} passed, ${failures.size} failed")
        assertEquals(emptyList<String>(), failures)
    }

    private suspend fun run(file: String, case: Json) {
        when (file) {
            "links" -> link(case)
            "destinations" -> {
                case.requireOnly("name", "url", "safe")
                requireEqual(case["safe"], isSafeDestination(case["url"] as String))
            }
            "domains" -> {
                case.requireOnly("name", "allowed", "url", "outcome")
                val outcome = outcomeOf { Domains(case["allowed"].texts()).requireAllowed(case["url"] as String) }
                requireEqual(case["outcome"], if (outcome == "ok") "allowed" else outcome)
            }
            "json" -> json(case)
            "jws" -> jws(case)
            "requests" -> request(case)
            "ceremonies" -> {
                case.requireOnly("name", "allowedDomains", "now", "steps", "keysLeft", "passkeysLeft", "without")
                Scenario(case).play()
            }
            "errors" -> {
                case.requireOnly("name", "subject", "status", "body", "code")
                val subject = if (case["subject"] == "link") Subject.LINK else Subject.SIGN_IN
                requireEqual(case["code"], serverError(subject, (case["status"] as Double).toInt(), case["body"]).code.text)
            }
            "bridge" -> bridge(case)
        }
    }

    private fun link(case: Json) {
        case.requireOnly("name", "url", "kind", "job")
        val url = case["url"] as String
        val job = parseBindLink(url)
        val found = job?.run {
            mapOf(
                "apiBaseUrl" to apiBaseUrl,
                "tenantId" to tenantId,
                "realmId" to realmId,
                "identityId" to identityId,
                "jobId" to jobId,
                "token" to token,
            )
        }
        requireEqual(case["job"], found)
        requireEqual(case["kind"] == "api" || case["kind"] == "app", found != null)
        requireEqual(case["kind"] == "authenticate", parseAuthenticateUrl(url) != null)
    }

    private fun json(case: Json) {
        case.requireOnly("name", "hex", "fill", "then", "accepted", "value")
        val fill = ByteArray((case["fill"] as Double? ?: 0.0).toInt()) { 'x'.code.toByte() }
        val text = unhex(case["hex"]) + fill + unhex(case["then"] ?: "")
        val read = try {
            mapOf("value" to parseJson(text))
        } catch (_: JsonException) {
            null
        }
        requireEqual(case["accepted"], read != null)
        if ("value" in case) requireEqual(case["value"], read?.get("value"))
    }

    private fun jws(case: Json) {
        case.requireOnly("name", "kind", "jwk", "thumbprint", "signed", "signature", "valid", "der", "raw")
        val jwk = case["jwk"].obj()
        when (case["kind"]) {
            "thumbprint" -> requireEqual(case["thumbprint"], PublicJwk(jwk["x"] as String, jwk["y"] as String).thumbprint())
            "verify" -> requireEqual(case["valid"], isSigned(case, fromBase64Url(case["signature"] as String)))
            "der" -> {
                val raw = rawSignature(unhex(case["der"]))
                requireEqual(case["raw"], raw?.let(::base64Url))
                if (raw != null) {
                    requireEqual(case["der"], derSignature(raw).joinToString("") { "%02x".format(it) })
                    check(isSigned(case, raw))
                }
            }
            else -> error("unknown kind")
        }
    }

    private fun isSigned(case: Json, signature: ByteArray?): Boolean = try {
        val key = RequestAlgorithm.ES256.importKey(Fields(case["jwk"], "key", ErrorCode.INVALID_REQUEST))
        RequestAlgorithm.ES256.verify(key, (case["signed"] as String).toByteArray(), checkNotNull(signature))
    } catch (_: KeymoorException) {
        false
    }

    private suspend fun request(case: Json) {
        case.requireOnly("name", "now", "allowedDomains", "request", "keys", "outcome", "context", "without")
        val calls = ArrayDeque(case["keys"].list().map { it.obj() })
        val http = FakeHttp { request ->
            val next = calls.removeFirst()
            requireEqual(next["url"], request.url)
            answerBy(mapOf("status" to next["status"], "json" to next["json"]))
        }
        val verifier = RequestVerifier(Server(http, Domains(case["allowedDomains"].texts())))
        var verified: SignInRequest? = null
        val nowMs = ((case["now"] as Double) * 1_000).toLong()
        requireEqual(case["outcome"], outcomeOf { verified = verifier.verify(case["request"] as String, nowMs) })
        check(calls.isEmpty()) { "not called: $calls" }
        val expected = case["context"] ?: return
        val context = with(checkNotNull(verified)) {
            mapOf(
                "application" to mapOf("id" to applicationId, "displayName" to applicationName),
                "methods" to methods,
                "origin" to mapOf(
                    "sourceIp" to origin.sourceIp,
                    "userAgent" to origin.userAgent,
                    "geolocation" to origin.geolocation,
                    "referer" to origin.referer,
                ),
            )
        }
        requireEqual(expected, context)
    }

    private suspend fun bridge(case: Json) {
        case.requireOnly("name", "method", "arguments", "answer")
        val client = client(FakeKeyStore(), FakeStore()) { error("no call of the bridge goes that far") }
        val answer = parseJson(JsonBridge(client).call(case["method"] as String, writeJson(case["arguments"])).toByteArray()).obj()
        val expected = case["answer"].obj()
        if ("error" !in expected) return requireEqual(expected, answer)
        requireEqual(setOf("code", "message"), answer["error"].obj().keys)
        requireEqual(expected["error"].obj()["code"], answer["error"].obj()["code"])
    }

    private fun unhex(text: Any?): ByteArray = (text as String).chunked(2).map { it.toInt(16).toByte() }.toByteArray()

    private fun Any?.texts(): List<String> = list().map { it as String }

    private suspend fun outcomeOf(work: suspend () -> Unit): String = try {
        work()
        "ok"
    } catch (error: KeymoorException) {
        error.code.text
    }
}
