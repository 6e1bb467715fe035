package dev.keymoor.sdk

import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec

/** Keeps keys in memory. [before] is told what happens and may fail. */
internal class FakeKeyStore(private val before: suspend (String) -> Unit = {}) : KeyStore {
    private val pairs = LinkedHashMap<KeyHandle, KeyPair>()

    /** Public keys in the order in which they were made. */
    val made = ArrayList<PublicJwk>()
    val size: Int get() = pairs.size

    override suspend fun create(): CreatedKey {
        before("create")
        val pair = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }.generateKeyPair()
        val jwk = publicJwkOf(pair.public as ECPublicKey)
        made += jwk
        val handle = "key${made.size}"
        pairs[handle] = pair
        return CreatedKey(handle, jwk, KeyLevel.SOFTWARE)
    }

    override suspend fun sign(handle: KeyHandle, data: ByteArray): ByteArray {
        before("sign")
        val pair = pairs[handle] ?: fail(ErrorCode.PASSKEY_NOT_FOUND, "the key is gone")
        val der = Signature.getInstance("SHA256withECDSA").run {
            initSign(pair.private)
            update(data)
            sign()
        }
        return checkNotNull(rawSignature(der))
    }

    override suspend fun delete(handle: KeyHandle) {
        pairs.remove(handle)
    }
}

/** Keeps the records in memory. */
internal class FakeStore : Store {
    var text: String? = null
    var fails = false

    override suspend fun read(): String? = text

    override suspend fun write(text: String) {
        if (fails) throw java.io.IOException("full")
        this.text = text
    }
}

internal class FakeHttp(private val answer: suspend (HttpRequest) -> HttpResponse) : Http {
    override suspend fun call(request: HttpRequest, maxBytes: Int): HttpResponse = answer(request)
}

internal fun client(
    keys: KeyStore,
    store: Store,
    nowMs: Long = 0,
    domains: List<String> = listOf("auth.example"),
    logger: (String) -> Unit = {},
    answer: suspend (HttpRequest) -> HttpResponse,
): KeymoorClient = KeymoorClient(Platform(keys, store, FakeHttp(answer), { nowMs }), domains, logger, listOf(0L, 0L))
