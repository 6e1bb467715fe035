package dev.keymoor.sdk.jvm

import dev.keymoor.sdk.ErrorCode
import dev.keymoor.sdk.KeyLevel
import dev.keymoor.sdk.KeymoorClient
import dev.keymoor.sdk.KeymoorException
import java.math.BigInteger
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import java.security.AlgorithmParameters
import java.security.KeyFactory
import java.security.Signature
import java.security.spec.ECGenParameterSpec
import java.security.spec.ECParameterSpec
import java.security.spec.ECPoint
import java.security.spec.ECPublicKeySpec
import java.util.Base64
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

private const val PASSWORD = "password of the test"

internal class JvmTest {
    @TempDir
    lateinit var folder: Path
    private val file get() = folder.resolve("keys.p12")

    private fun keys(password: String = PASSWORD) = Pkcs12KeyStore(file, password.toCharArray())

    private fun codeOf(work: suspend () -> Unit): ErrorCode {
        val error = assertThrows(KeymoorException::class.java) { runBlocking { work() } }
        assertFalse(PASSWORD in error.stackTraceToString())
        return error.code
    }

    @Test
    fun a_key_outlives_the_process_and_signs() = runBlocking {
        val (handle, jwk, level) = keys().create()
        assertEquals(KeyLevel.SOFTWARE, level)
        val data = "signed".toByteArray()
        val signature = keys().sign(handle, data)
        val (x, y) = listOf(jwk.x, jwk.y).map { BigInteger(1, Base64.getUrlDecoder().decode(it)) }
        val p256 = AlgorithmParameters.getInstance("EC").apply { init(ECGenParameterSpec("secp256r1")) }
        val spec = ECPublicKeySpec(ECPoint(x, y), p256.getParameterSpec(ECParameterSpec::class.java))
        val isValid = Signature.getInstance("SHA256withECDSAinP1363Format").run {
            initVerify(KeyFactory.getInstance("EC").generatePublic(spec))
            update(data)
            verify(signature)
        }
        assertTrue(isValid)
    }

    @Test
    fun a_deleted_key_is_gone_and_others_stay() = runBlocking {
        val (first, second) = listOf(keys().create().handle, keys().create().handle)
        repeat(2) { keys().delete(first) }
        assertEquals(ErrorCode.PASSKEY_NOT_FOUND, codeOf { keys().sign(first, ByteArray(1)) })
        assertEquals(64, keys().sign(second, ByteArray(1)).size)
    }

    @Test
    fun a_wrong_password_opens_nothing_and_changes_nothing() = runBlocking {
        val handle = keys().create().handle
        val before = Files.readAllBytes(file).toList()
        assertEquals(ErrorCode.UNSUPPORTED, codeOf { keys("wrong").create() })
        assertEquals(ErrorCode.UNSUPPORTED, codeOf { keys("wrong").sign(handle, ByteArray(1)) })
        assertEquals(before, Files.readAllBytes(file).toList())
    }

    @Test
    fun files_are_the_owner_s_only_and_replaced_as_a_whole() = runBlocking {
        keys().create()
        val store = FileStore(folder.resolve("passkeys.json"))
        assertEquals(null, store.read())
        store.write("first")
        store.write("sécond")
        assertEquals("sécond", store.read())
        val names = Files.list(folder).use { files -> files.map { it.fileName.toString() }.sorted().toList() }
        assertEquals(listOf("keys.p12", "passkeys.json"), names)
        if ("posix" in folder.fileSystem.supportedFileAttributeViews()) {
            for (name in names) {
                val permissions = Files.getPosixFilePermissions(folder.resolve(name))
                assertEquals("rw-------", PosixFilePermissions.toString(permissions))
            }
        }
    }

    @Test
    fun h4_a_store_that_can_not_be_written_makes_no_key() {
        // A folder can't be replaced by a file, whoever runs the test.
        Files.createDirectories(folder.resolve("passkeys.json/kept"))
        val client = KeymoorClient(jvmPlatform(folder, PASSWORD.toCharArray()), listOf("localhost:1"))
        val link = "http://localhost:1/v1/tenants/t/realms/r/identities/i/credential-binding-jobs/j:invokeAuthenticator?token=x"
        assertEquals(ErrorCode.STORAGE, codeOf { client.bindPasskey(link) })
        assertFalse(Files.exists(file))
    }

    @Test
    fun a_folder_that_can_not_be_made_is_reported() {
        Files.write(file, byteArrayOf())
        assertEquals(ErrorCode.STORAGE, codeOf { jvmPlatform(file.resolve("below"), PASSWORD.toCharArray()) })
    }
}
