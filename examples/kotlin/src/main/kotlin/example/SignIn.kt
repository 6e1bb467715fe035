package example

import java.net.URI
import java.net.URLDecoder
import java.net.URLEncoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse
import java.net.http.HttpResponse.BodyHandlers
import java.security.MessageDigest
import java.security.SecureRandom
import java.util.Base64

/** The application's redirect URI. Nothing opens it: the program reads the code from the URL that the SDK returns. */
private const val REDIRECT_URI = "com.example.notes:/callback"

/**
 * The OpenID Connect half of one sign-in, for a public client with PKCE (RFC 7636).
 *
 * A real application verifies the ID token with its OpenID Connect library. This one asks `userinfo` instead.
 */
class SignIn(private val issuer: String, private val clientId: String) {
    private val http = HttpClient.newHttpClient()
    private val verifier = random()
    private val state = random()

    /** Returns the URL that the SDK's `authenticate` accepts. */
    fun begin(): String {
        val challenge = base64Url(MessageDigest.getInstance("SHA-256").digest(verifier.toByteArray()))
        val parameters = form(
            "response_type" to "code",
            "client_id" to clientId,
            "redirect_uri" to REDIRECT_URI,
            "scope" to "openid profile",
            "state" to state,
            "code_challenge" to challenge,
            "code_challenge_method" to "S256",
        )
        val answer = send(HttpRequest.newBuilder(URI("$issuer/authorize?$parameters")), expected = 302)
        return answer.headers().firstValue("location").orElseThrow()
    }

    /** Exchanges the code for a token, and returns what the server says about its owner. */
    fun redeem(redirectUrl: String): String {
        val parameters = redirectUrl.substringAfter('?').split('&').associate { pair ->
            val (name, value) = pair.split('=', limit = 2)
            name to URLDecoder.decode(value, Charsets.UTF_8)
        }
        check(parameters["state"] == state) { "the code belongs to another sign-in" }
        val body = form(
            "grant_type" to "authorization_code",
            "client_id" to clientId,
            "code" to parameters.getValue("code"),
            "redirect_uri" to REDIRECT_URI,
            "code_verifier" to verifier,
        )
        val request = HttpRequest.newBuilder(URI("$issuer/token")).header("content-type", "application/x-www-form-urlencoded")
        val tokens = send(request.POST(BodyPublishers.ofString(body))).body()
        // A real application has a JSON library. Access tokens need no unescaping.
        val token = Regex(""""access_token"\s*:\s*"([^"]+)"""").find(tokens)?.groupValues?.get(1) ?: error("no access token")
        return send(HttpRequest.newBuilder(URI("$issuer/userinfo")).header("authorization", "Bearer $token")).body()
    }

    private fun send(request: HttpRequest.Builder, expected: Int = 200): HttpResponse<String> {
        val answer = http.send(request.build(), BodyHandlers.ofString())
        check(answer.statusCode() == expected) { "the server answered ${answer.statusCode()}: ${answer.body()}" }
        return answer
    }
}

private fun form(vararg parameters: Pair<String, String>): String =
    parameters.joinToString("&") { (name, value) -> "$name=${URLEncoder.encode(value, Charsets.UTF_8)}" }

private fun random(): String = base64Url(ByteArray(32).also(SecureRandom()::nextBytes))

private fun base64Url(bytes: ByteArray): String = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes)
