package dev.keymoor.sdk

import java.io.IOException
import java.io.InputStream
import java.net.HttpURLConnection
import java.net.URL
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import kotlinx.coroutines.suspendCancellableCoroutine

private const val TIMEOUT_MS = 30_000
private const val CHUNK_BYTES = 8_192

/** Calls by what both the JVM and Android have. */
public class UrlConnectionHttp internal constructor(private val timeoutMs: Int) : Http {
    public constructor() : this(TIMEOUT_MS)

    /** A blocked read ignores cancellation, so it runs outside the caller's coroutine. */
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.IO)

    override suspend fun call(request: HttpRequest, maxBytes: Int): HttpResponse {
        val connection = URL(request.url).openConnection() as HttpURLConnection
        return suspendCancellableCoroutine { continuation ->
            continuation.invokeOnCancellation { scope.launch { connection.disconnect() } }
            scope.launch {
                val outcome = runCatching { exchange(connection, request, maxBytes) }
                connection.disconnect()
                continuation.resumeWith(outcome)
            }
        }
    }

    private fun exchange(connection: HttpURLConnection, request: HttpRequest, maxBytes: Int): HttpResponse {
        connection.requestMethod = request.method
        connection.instanceFollowRedirects = false
        connection.useCaches = false
        connection.connectTimeout = timeoutMs
        connection.readTimeout = timeoutMs
        for ((name, value) in request.headers) connection.setRequestProperty(name, value)
        request.body?.let { body ->
            connection.doOutput = true
            // Without it a POST would be sent again where a kept connection breaks.
            connection.setFixedLengthStreamingMode(body.size)
            connection.outputStream.use { it.write(body) }
        }
        val status = connection.responseCode
        val stream = if (status >= 400) connection.errorStream else connection.inputStream
        val bytes = stream?.use { read(it, maxBytes) } ?: ByteArray(0)
        // The JVM reports the end of a broken connection as the end of the body.
        if (stream != null && bytes.size < minOf(connection.contentLengthLong, maxBytes + 1L)) throw IOException("the answer ended early")
        return HttpResponse(status, bytes)
    }

    /** Reads one byte more than allowed, so that the caller sees that there is more. */
    private fun read(stream: InputStream, maxBytes: Int): ByteArray {
        val bytes = ByteArray(maxBytes + 1)
        var length = 0
        while (length < bytes.size) {
            val count = stream.read(bytes, length, minOf(CHUNK_BYTES, bytes.size - length))
            if (count < 0) break
            length += count
        }
        return bytes.copyOf(length)
    }
}
