package dev.keymoor.sdk

import java.io.InputStream
import java.net.HttpURLConnection
import java.net.URL
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.job
import kotlinx.coroutines.runInterruptible
import kotlinx.coroutines.withContext

private const val TIMEOUT_MS = 30_000
private const val CHUNK_BYTES = 8_192

/** Calls by what both the JVM and Android have. */
public class UrlConnectionHttp : Http {
    override suspend fun call(request: HttpRequest, maxBytes: Int): HttpResponse = withContext(Dispatchers.IO) {
        val connection = URL(request.url).openConnection() as HttpURLConnection
        // An interrupt alone does not end a read that waits.
        val onCancel = coroutineContext.job.invokeOnCompletion { connection.disconnect() }
        try {
            runInterruptible { exchange(connection, request, maxBytes) }
        } finally {
            onCancel.dispose()
            connection.disconnect()
        }
    }

    private fun exchange(connection: HttpURLConnection, request: HttpRequest, maxBytes: Int): HttpResponse {
        connection.requestMethod = request.method
        connection.instanceFollowRedirects = false
        connection.useCaches = false
        connection.connectTimeout = TIMEOUT_MS
        connection.readTimeout = TIMEOUT_MS
        for ((name, value) in request.headers) connection.setRequestProperty(name, value)
        request.body?.let { body ->
            connection.doOutput = true
            // Without it a POST would be sent again where a kept connection breaks.
            connection.setFixedLengthStreamingMode(body.size)
            connection.outputStream.use { it.write(body) }
        }
        val status = connection.responseCode
        val stream = if (status >= 400) connection.errorStream else connection.inputStream
        return HttpResponse(status, stream?.use { read(it, maxBytes) } ?: ByteArray(0))
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
