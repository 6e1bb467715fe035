package dev.keymoor.sdk.jvm

import dev.keymoor.sdk.BindPasskeyResponse
import dev.keymoor.sdk.EmbeddedSdk
import dev.keymoor.sdk.Http
import dev.keymoor.sdk.HttpRequest
import dev.keymoor.sdk.HttpResponse
import dev.keymoor.sdk.Platform
import java.nio.file.Path
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.collect
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

private object Timber {
    val lines = ArrayList<String>()

    fun d(text: String) {
        lines += "d $text"
    }

    fun e(text: String) {
        lines += "e $text"
    }
}

/** What the guide to adding a passkey prints, letter for letter. */
private fun printed(bindingLink: String): Flow<Result<BindPasskeyResponse>> =
    EmbeddedSdk.bindPasskey(url = bindingLink)
    .onEach { result ->
        result.onSuccess { success ->
            Timber.d("Bind Passkey success = $success")
        }
        result.onFailure { failure ->
            Timber.e("Bind Passkey failure = $failure")
        }
    }

/** What README.md prints. */
internal fun readme(folder: Path, password: CharArray, bindingLink: String, scope: CoroutineScope) {
    EmbeddedSdk.init(folder, password, allowedDomains = listOf("auth.example.com"))

    EmbeddedSdk.bindPasskey(url = bindingLink)
        .onEach { result ->
            result.onSuccess { success -> println("bound ${success.passkey.id}") }
            result.onFailure { failure -> println("not bound: $failure") }
        }
        .launchIn(scope)
}

internal class PrintedTest {
    private val info = """{"authenticator_config":{"config":{"type":"embedded"}},"tenant":{"display_name":"T"},
        "realm":{"display_name":"R"},"identity":{"display_name":"Ada","traits":{"username":"ada"}},
        "theme":{"logo_url_light":"","logo_url_dark":""}}"""
    private val credential = """{"id":"c","state":"ACTIVE","create_time":"2026-01-01T00:00:00Z"}"""

    @Test
    fun the_printed_call_binds_when_it_is_collected(@TempDir folder: Path) = runBlocking {
        var calls = 0
        val http = object : Http {
            override suspend fun call(request: HttpRequest, maxBytes: Int): HttpResponse {
                calls++
                return HttpResponse(200, (if (request.url.endsWith(":bind")) credential else info).toByteArray())
            }
        }
        val files = jvmPlatform(folder, "password".toCharArray())
        EmbeddedSdk.init(Platform(files.keys, files.store, http), listOf("auth.example"))
        val link = "https://auth.example/v1/tenants/t/realms/r/identities/i/credential-binding-jobs/j:invokeAuthenticator?token=secret"
        val flow = printed(link)
        assertEquals(0, calls, "a flow is cold")
        flow.collect()
        assertEquals(2, calls)
        assertTrue(Timber.lines.single().startsWith("d Bind Passkey success = BindPasskeyResponse(passkey=Passkey("), Timber.lines[0])
        assertTrue("secret" !in Timber.lines.single())

        printed("https://auth.example/").collect()
        assertTrue(Timber.lines[1].startsWith("e Bind Passkey failure = dev.keymoor.sdk.KeymoorException"), Timber.lines[1])

        val fromJava = JavaCaller().bind(link.replace("secret", "another")).get()
        assertEquals("c", fromJava.data?.passkey?.passkeyId)
        assertEquals(1, JavaCaller().bind("no link").get().type)
    }
}
