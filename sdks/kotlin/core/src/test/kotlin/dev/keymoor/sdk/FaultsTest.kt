package dev.keymoor.sdk

import java.io.IOException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import org.junit.jupiter.params.provider.ValueSource

private const val HOUR_MS = 3_600_000L

/** What goes wrong on a device and on the way to the server. */
internal class FaultsTest {
    @Test
    fun h4_a_lost_answer_heals_after_a_restart_with_the_same_key() = runBlocking {
        val broken = Device(http = FakeHttp { if (it.url.endsWith(":bind")) throw IOException(BODY_SECRET.reversed()) else answerOf(it) })
        assertEquals(ErrorCode.NETWORK, broken.failure())
        assertEquals(3, broken.proofs.size)
        assertEquals(emptyList<Passkey>(), broken.client.getPasskeys())

        val restarted = Device(broken.keys, broken.store)
        val passkey = restarted.client.bindPasskey(restarted.link).passkey
        assertEquals(setOf(broken.proofs.first()), (broken.proofs + restarted.proofs).toSet())
        assertEquals(listOf(passkey), restarted.client.getPasskeys())
        restarted.requirePasskeys(1)
        assertTrue(TOKEN !in checkNotNull(restarted.store.text), "a used link's proof is gone")
    }

    @Test
    fun h4_a_store_that_can_not_be_written_makes_no_key() = runBlocking {
        val device = Device()
        device.store.fails = true
        assertEquals(ErrorCode.STORAGE, device.failure())
        assertEquals(emptyList<PublicJwk>(), device.keys.made)
        assertEquals(emptyList<HttpRequest>(), device.requests)
    }

    @Test
    fun h4_a_store_that_fails_after_the_key_was_made_leaves_no_key() = runBlocking {
        val store = FakeStore()
        val device = Device(FakeKeyStore { if (it == "sign") store.fails = true }, store)
        assertEquals(ErrorCode.STORAGE, device.failure())
        assertEquals(listOf(1, 0, 0), listOf(device.keys.made.size, device.keys.size, device.proofs.size))
    }

    @Test
    fun a_store_with_other_contents_is_reported_and_kept() = runBlocking {
        for (text in listOf("", "{", "[]", """{"version":2,"instance":"i","passkeys":[],"attempts":[]}""")) {
            val device = Device()
            device.store.text = text
            assertEquals(ErrorCode.STORAGE, device.failure())
            assertEquals(text, device.store.text)
        }
    }

    @Test
    fun a_dismissed_prompt_leaves_nothing() = runBlocking {
        for (step in listOf("create", "sign")) {
            val device = Device(FakeKeyStore { if (it == step) fail(ErrorCode.CANCELLED, "dismissed") })
            assertEquals(ErrorCode.CANCELLED, device.failure())
            device.requirePasskeys(0)
            assertEquals(emptyList<String>(), device.proofs)
        }
    }

    /** A cancelled call either did nothing or is completed, so that no key is without a passkey. */
    @ParameterizedTest
    @CsvSource("getInfo,0", "create,1", "sign,1", "bind,1")
    fun h4_cancellation_leaves_no_orphaned_key(step: String, passkeys: Int) = runBlocking {
        val reached = CompletableDeferred<Unit>()
        val released = CompletableDeferred<Unit>()
        suspend fun pauseAt(current: String) {
            if (current != step) return
            reached.complete(Unit)
            // As a key store does that works elsewhere. Leaving this fails where the caller was cancelled.
            withContext(Dispatchers.IO) { released.await() }
        }
        val http = FakeHttp { request ->
            pauseAt(request.url.substringAfterLast(':'))
            answerOf(request)
        }
        val device = Device(FakeKeyStore { pauseAt(it) }, http = http)
        val call = launch(Dispatchers.Default) { device.client.bindPasskey(device.link) }
        reached.await()
        call.cancelAndJoin()
        released.complete(Unit)
        device.requirePasskeys(passkeys)
        device.requireNoSecrets()
    }

    @Test
    fun two_calls_at_once_for_one_link_get_one_passkey() = runBlocking {
        val bothCall = CompletableDeferred<Unit>()
        val device = Device(http = FakeHttp { bothCall.await(); answerOf(it) })
        val first = async { device.client.bindPasskey(device.link) }
        val second = async { device.client.bindPasskey(device.link) }
        launch { bothCall.complete(Unit) }
        assertEquals(first.await(), second.await())
        assertEquals(1, device.proofs.size)
        device.requirePasskeys(1)
    }

    @Test
    fun one_of_two_callers_may_give_up() = runBlocking {
        val asked = CompletableDeferred<Unit>()
        val released = CompletableDeferred<Unit>()
        val device = Device(http = FakeHttp { asked.complete(Unit); released.await(); answerOf(it) })
        val first = launch { device.client.bindPasskey(device.link) }
        asked.await()
        val second = async(start = kotlinx.coroutines.CoroutineStart.UNDISPATCHED) { device.client.bindPasskey(device.link) }
        first.cancelAndJoin()
        released.complete(Unit)
        assertEquals("c", second.await().passkey.passkeyId)
        device.requirePasskeys(1)
    }

    @ParameterizedTest
    @ValueSource(longs = [-HOUR_MS, HOUR_MS])
    fun a_clock_that_is_an_hour_off_binds(offMs: Long) = runBlocking {
        val nowMs = 1_795_304_000_000
        // The attempt was stored before the clock was set right.
        val broken = Device(nowMs = nowMs + offMs, http = FakeHttp { if (it.url.endsWith(":bind")) throw IOException() else answerOf(it) })
        assertEquals(ErrorCode.NETWORK, broken.failure())
        val right = Device(broken.keys, broken.store, nowMs)
        right.client.bindPasskey(right.link)
        assertEquals(broken.proofs.first(), right.proofs.single())
        right.requirePasskeys(1)
    }

    @Test
    fun a_logger_that_throws_breaks_nothing() = runBlocking {
        val client = client(FakeKeyStore(), FakeStore(), logger = { error("full") }) { answerOf(it) }
        assertEquals("c", client.bindPasskey(linkOn("https://auth.example")).passkey.passkeyId)
    }
}
