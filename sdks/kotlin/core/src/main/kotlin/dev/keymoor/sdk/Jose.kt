package dev.keymoor.sdk

import java.math.BigInteger
import java.security.AlgorithmParameters
import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.MessageDigest
import java.security.PublicKey
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECFieldFp
import java.security.spec.ECGenParameterSpec
import java.security.spec.ECParameterSpec
import java.security.spec.ECPoint
import java.security.spec.ECPublicKeySpec
import java.security.spec.RSAPublicKeySpec
import java.util.Base64

private const val COORDINATE_BYTES = 32

// RFC 7518 section 3.3.
private const val MIN_RSA_BITS = 2_048
private val BASE64_URL = Regex("[A-Za-z0-9_-]*")

internal fun base64Url(bytes: ByteArray): String = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes)

/** The bytes of base64url without padding, or nothing where the text is something else. */
internal fun fromBase64Url(text: String): ByteArray? {
    if (!BASE64_URL.matches(text)) return null
    return try {
        Base64.getUrlDecoder().decode(text)
    } catch (_: IllegalArgumentException) {
        null
    }
}

internal fun sha256(bytes: ByteArray): ByteArray = MessageDigest.getInstance("SHA-256").digest(bytes)

/** The public members of a key, in the order of RFC 7638 section 3.2. */
internal fun PublicJwk.members(): Map<String, String> = linkedMapOf("crv" to "P-256", "kty" to "EC", "x" to x, "y" to y)

/** The SHA-256 thumbprint of a key (RFC 7638), by which the server knows it. */
internal fun PublicJwk.thumbprint(): String = base64Url(sha256(writeJson(members()).toByteArray()))

/** The JWK of a key of the platform. */
public fun publicJwkOf(key: ECPublicKey): PublicJwk =
    PublicJwk(base64Url(coordinate(key.w.affineX)), base64Url(coordinate(key.w.affineY)))

private fun coordinate(value: BigInteger): ByteArray {
    val bytes = value.toByteArray()
    val result = ByteArray(COORDINATE_BYTES)
    val length = minOf(bytes.size, COORDINATE_BYTES)
    bytes.copyInto(result, COORDINATE_BYTES - length, bytes.size - length)
    return result
}

/** Returns r and s as 64 bytes (RFC 7518 section 3.4) of a signature in DER (RFC 3279 section 2.2.3). */
public fun rawSignature(der: ByteArray): ByteArray? {
    val reader = DerReader(der)
    val length = reader.header(0x30) ?: return null
    if (length != der.size - reader.at) return null
    val r = reader.integer() ?: return null
    val s = reader.integer() ?: return null
    return if (reader.at == der.size) coordinate(r) + coordinate(s) else null
}

private class DerReader(private val bytes: ByteArray) {
    var at = 0

    /** The length of the next item, all of which is there. Signatures are too short for long forms. */
    fun header(tag: Int): Int? {
        if (at + 2 > bytes.size || bytes[at].toInt() != tag) return null
        val length = bytes[at + 1].toInt()
        at += 2
        return length.takeIf { it >= 0 && at + it <= bytes.size }
    }

    fun integer(): BigInteger? {
        val length = header(0x02)?.takeIf { it in 1..COORDINATE_BYTES + 1 } ?: return null
        val value = BigInteger(bytes.copyOfRange(at, at + length))
        at += length
        return value.takeIf { it.signum() >= 0 && it.bitLength() <= COORDINATE_BYTES * 8 }
    }
}

/** The other way round. */
internal fun derSignature(raw: ByteArray): ByteArray {
    val integers = listOf(raw.copyOfRange(0, COORDINATE_BYTES), raw.copyOfRange(COORDINATE_BYTES, raw.size)).map { part ->
        val bytes = BigInteger(1, part).toByteArray()
        byteArrayOf(2, bytes.size.toByte()) + bytes
    }
    val body = integers[0] + integers[1]
    return byteArrayOf(0x30, body.size.toByte()) + body
}

/** The algorithms that a sign-in request may be signed with. */
internal enum class RequestAlgorithm(private val kty: String) {
    ES256("EC") {
        override fun key(jwk: Fields): PublicKey = p256Key(jwk)

        override fun verify(key: PublicKey, signed: ByteArray, signature: ByteArray): Boolean =
            signature.size == 2 * COORDINATE_BYTES && check("SHA256withECDSA", key, signed, derSignature(signature))
    },
    RS256("RSA") {
        override fun key(jwk: Fields): PublicKey = rsaKey(jwk)

        override fun verify(key: PublicKey, signed: ByteArray, signature: ByteArray): Boolean =
            check("SHA256withRSA", key, signed, signature)
    }, ;

    /** @throws KeymoorException `INVALID_REQUEST` if the key's type, curve, `alg` or `use` isn't this algorithm's. */
    fun importKey(jwk: Fields): PublicKey {
        val isFit = jwk.string("kty") == kty && (jwk.optionalString("alg") ?: name) == name &&
            (jwk.optionalString("use") ?: "sig") == "sig"
        if (!isFit) throw unfit()
        return try {
            key(jwk)
        } catch (error: GeneralSecurityException) {
            throw unfit(error)
        }
    }

    protected abstract fun key(jwk: Fields): PublicKey

    abstract fun verify(key: PublicKey, signed: ByteArray, signature: ByteArray): Boolean
}

private fun unfit(cause: Throwable? = null) =
    KeymoorException(ErrorCode.INVALID_REQUEST, "the sign-in request's key can't verify it", cause)

private fun check(algorithm: String, key: PublicKey, signed: ByteArray, signature: ByteArray): Boolean = try {
    Signature.getInstance(algorithm).run {
        initVerify(key)
        update(signed)
        verify(signature)
    }
} catch (_: GeneralSecurityException) {
    false
}

private val P256: ECParameterSpec by lazy {
    val parameters = AlgorithmParameters.getInstance("EC")
    parameters.init(ECGenParameterSpec("secp256r1"))
    parameters.getParameterSpec(ECParameterSpec::class.java)
}

private fun p256Key(jwk: Fields): PublicKey {
    if (jwk.string("crv") != "P-256") throw unfit()
    val (x, y) = listOf("x", "y").map { name ->
        val bytes = fromBase64Url(jwk.string(name))?.takeIf { it.size == COORDINATE_BYTES } ?: throw unfit()
        BigInteger(1, bytes)
    }
    // Not every provider looks whether a point is on the curve.
    val p = (P256.curve.field as ECFieldFp).p
    val right = x.pow(3).add(P256.curve.a.multiply(x)).add(P256.curve.b).mod(p)
    if (x >= p || y >= p || y.pow(2).mod(p) != right) throw unfit()
    return KeyFactory.getInstance("EC").generatePublic(ECPublicKeySpec(ECPoint(x, y), P256))
}

private fun rsaKey(jwk: Fields): PublicKey {
    val (n, e) = listOf("n", "e").map { BigInteger(1, fromBase64Url(jwk.string(it)) ?: throw unfit()) }
    if (n.bitLength() < MIN_RSA_BITS) throw unfit()
    return KeyFactory.getInstance("RSA").generatePublic(RSAPublicKeySpec(n, e))
}

/** RFC 7515 section 7.1. */
internal suspend fun compactJws(keys: KeyStore, handle: KeyHandle, header: Map<String, Any>, claims: Map<String, Any>): String {
    val input = listOf(header, claims).joinToString(".") { base64Url(writeJson(it).toByteArray()) }
    return "$input.${base64Url(keys.sign(handle, input.toByteArray()))}"
}
