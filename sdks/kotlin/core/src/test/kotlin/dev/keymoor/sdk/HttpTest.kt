package dev.keymoor.sdk

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.future.await
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout

/** Servers that answer what they should not, over real connections. */
internal class HttpTest {
    private val threads = Executors.newCachedThreadPool()
    private val paths = CopyOnWriteArrayList<String>()

    @Volatile
    private var answer: (HttpExchange) -> Unit = { it.reply(404, "") }
    private val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0).apply {
        executor = threads
        createContext("/") { exchange ->
            paths += exchange.requestURI.path
            exchange.use { answer(it) }
        }
        start()
    }
    private val origin = "http://localhost:${server.address.port}"
    private val device = Device(http = UrlConnectionHttp(), domain = "localhost")

    @AfterEach
    fun stop() {
        server.stop(0)
        threads.shutdownNow()
    }

    private fun failureOf(answer: (HttpExchange) -> Unit): ErrorCode = runBlocking {
        this@HttpTest.answer = answer
        device.failure(linkOn(origin)).also {
            // Nothing was created for an answer like this.
            device.requirePasskeys(0)
        }
    }

    @Test
    fun h2_a_redirect_is_not_followed() {
        for (status in listOf(301, 302, 303, 307, 308)) {
            val code = failureOf {
                it.responseHeaders["location"] = "$origin/elsewhere"
                it.reply(status, BODY_SECRET)
            }
            assertEquals(ErrorCode.NETWORK, code)
        }
        assertTrue("/elsewhere" !in paths)
    }

    @Test
    fun an_answer_of_more_than_64_kilobytes_is_refused() {
        val text = """{"$BODY_SECRET":"${"x".repeat(MAX_JSON_BYTES)}"}"""
        assertEquals(ErrorCode.INVALID_RESPONSE, failureOf { it.reply(200, text) })
        assertEquals(ErrorCode.SERVER, failureOf { it.reply(500, text) })
    }

    @Test
    fun an_answer_without_end_is_left() {
        val ended = CompletableFuture<Unit>()
        val code = failureOf { exchange ->
            exchange.sendResponseHeaders(200, 0)
            try {
                while (true) exchange.responseBody.write(ByteArray(8_192))
            } catch (_: IOException) {
                ended.complete(Unit)
            }
        }
        assertEquals(ErrorCode.INVALID_RESPONSE, code)
        ended.get(5, TimeUnit.MINUTES)
    }

    @Test
    fun html_is_no_answer() {
        val page = "<!doctype html><title>$BODY_SECRET</title>"
        assertEquals(ErrorCode.INVALID_RESPONSE, failureOf { it.reply(200, page) })
        assertEquals(ErrorCode.SERVER, failureOf { it.reply(502, page) })
        assertEquals(ErrorCode.LINK_NOT_FOUND, failureOf { it.reply(404, page) })
        assertEquals(ErrorCode.INVALID_REQUEST, failureOf { it.reply(401, page) })
    }

    @Test
    fun a_connection_that_breaks_is_a_network_failure() {
        assertEquals(ErrorCode.NETWORK, failureOf { it.close() })
        val half = failureOf {
            it.sendResponseHeaders(200, 1_000)
            it.responseBody.write(BODY_SECRET.toByteArray())
        }
        assertEquals(ErrorCode.NETWORK, half)
        server.stop(0)
        runBlocking { assertEquals(ErrorCode.NETWORK, device.failure(linkOn(origin))) }
    }

    @Test
    @Timeout(5, unit = TimeUnit.MINUTES)
    fun cancellation_ends_a_wait_for_an_answer() = runBlocking {
        val asked = CompletableFuture<Unit>()
        val released = CompletableFuture<Unit>()
        answer = {
            asked.complete(Unit)
            released.get()
        }
        val device = Device(http = UrlConnectionHttp(timeoutMs = 0), domain = "localhost")
        val call = launch(Dispatchers.Default) { device.client.bindPasskey(linkOn(origin)) }
        asked.await()
        // Returns while the server still says nothing.
        call.cancelAndJoin()
        device.requirePasskeys(0)
        released.complete(Unit)
        Unit
    }
}

private fun HttpExchange.use(work: (HttpExchange) -> Unit) {
    try {
        work(this)
    } finally {
        close()
    }
}

private fun HttpExchange.reply(status: Int, text: String) {
    val bytes = text.toByteArray()
    sendResponseHeaders(status, if (bytes.isEmpty()) -1 else bytes.size.toLong())
    responseBody.write(bytes)
}
