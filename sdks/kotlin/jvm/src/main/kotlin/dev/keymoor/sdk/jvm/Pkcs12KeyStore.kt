package dev.keymoor.sdk.jvm

import dev.keymoor.sdk.CreatedKey
import dev.keymoor.sdk.ErrorCode
import dev.keymoor.sdk.KeyHandle
import dev.keymoor.sdk.KeyLevel
import dev.keymoor.sdk.KeyStore
import dev.keymoor.sdk.KeymoorException
import dev.keymoor.sdk.publicJwkOf
import dev.keymoor.sdk.rawSignature
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path
import java.security.GeneralSecurityException
import java.security.KeyPairGenerator
import java.security.PrivateKey
import java.security.SecureRandom
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

private const val HANDLE_BYTES = 8

/** Keeps keys in a PKCS#12 file under a password. For programs on desktops and servers, and for tests. */
public class Pkcs12KeyStore(private val file: Path, private val password: CharArray) : KeyStore {
    private val random = SecureRandom()

    override suspend fun create(): CreatedKey = access {
        val pair = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1"), random) }.generateKeyPair()
        val handle = "km:" + ByteArray(HANDLE_BYTES).also(random::nextBytes).joinToString("") { "%02x".format(it) }
        val keys = load()
        keys.setKeyEntry(handle, pair.private, password, arrayOf(selfSigned(pair)))
        save(keys)
        CreatedKey(handle, publicJwkOf(pair.public as ECPublicKey), KeyLevel.SOFTWARE)
    }

    override suspend fun sign(handle: KeyHandle, data: ByteArray): ByteArray = access {
        val key = load().getKey(handle, password) as? PrivateKey
            ?: throw KeymoorException(ErrorCode.PASSKEY_NOT_FOUND, "the key of this passkey is gone from $file")
        val der = Signature.getInstance("SHA256withECDSA").run {
            initSign(key, random)
            update(data)
            sign()
        }
        rawSignature(der) ?: throw GeneralSecurityException("the signature is not DER")
    }

    override suspend fun delete(handle: KeyHandle): Unit = access {
        val keys = load()
        if (!keys.containsAlias(handle)) return@access
        keys.deleteEntry(handle)
        save(keys)
    }

    private suspend fun <T> access(work: () -> T): T = withContext(Dispatchers.IO) {
        try {
            synchronized(LOCK) { work() }
        } catch (error: IOException) {
            throw KeymoorException(ErrorCode.UNSUPPORTED, "the keys in $file can't be read or written. Is the password right?", error)
        } catch (error: GeneralSecurityException) {
            throw KeymoorException(ErrorCode.UNSUPPORTED, "the keys in $file can't be used", error)
        }
    }

    private fun load(): java.security.KeyStore {
        val keys = java.security.KeyStore.getInstance("PKCS12")
        if (Files.exists(file)) Files.newInputStream(file).use { keys.load(it, password) } else keys.load(null, password)
        return keys
    }

    private fun save(keys: java.security.KeyStore) {
        replaceFile(file) { fresh -> Files.newOutputStream(fresh).use { keys.store(it, password) } }
    }

    private companion object {
        /** Two key stores of one process may have one file. */
        val LOCK = Any()
    }
}
