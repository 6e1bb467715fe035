package dev.keymoor.sdk.jvm

import java.math.BigInteger
import java.security.KeyPair
import java.security.Signature
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate

private const val SEQUENCE = 0x30
private const val SET = 0x31
private const val INTEGER = 0x02
private const val BIT_STRING = 0x03
private const val OBJECT_ID = 0x06
private const val UTF8_STRING = 0x0c
private const val UTC_TIME = 0x17
private const val GENERALIZED_TIME = 0x18
private const val VERSION = 0xa0

// ecdsa-with-SHA256 (RFC 5758 section 3.2) and commonName.
private val ECDSA_WITH_SHA256 = byteArrayOf(0x2a, 0x86.toByte(), 0x48, 0xce.toByte(), 0x3d, 0x04, 0x03, 0x02)
private val COMMON_NAME = byteArrayOf(0x55, 0x04, 0x03)

/** A certificate (RFC 5280 section 4.1), without which PKCS#12 takes no private key. Nobody looks at it. */
internal fun selfSigned(pair: KeyPair): X509Certificate {
    val algorithm = der(SEQUENCE, der(OBJECT_ID, ECDSA_WITH_SHA256))
    val attribute = der(SEQUENCE, der(OBJECT_ID, COMMON_NAME), der(UTF8_STRING, "keymoor".toByteArray()))
    val name = der(SEQUENCE, der(SET, attribute))
    val validity = der(
        SEQUENCE,
        der(UTC_TIME, "200101000000Z".toByteArray()),
        // RFC 5280 section 4.1.2.5: no end that is known.
        der(GENERALIZED_TIME, "99991231235959Z".toByteArray()),
    )
    val serial = der(INTEGER, BigInteger.ONE.toByteArray())
    val version = der(VERSION, der(INTEGER, byteArrayOf(2)))
    val toSign = der(SEQUENCE, version, serial, algorithm, name, validity, name, pair.public.encoded)
    val signature = Signature.getInstance("SHA256withECDSA").run {
        initSign(pair.private)
        update(toSign)
        sign()
    }
    val certificate = der(SEQUENCE, toSign, algorithm, der(BIT_STRING, byteArrayOf(0) + signature))
    return CertificateFactory.getInstance("X.509").generateCertificate(certificate.inputStream()) as X509Certificate
}

private fun der(tag: Int, vararg parts: ByteArray): ByteArray {
    val length = parts.sumOf { it.size }
    val header = when {
        length < 0x80 -> byteArrayOf(tag.toByte(), length.toByte())
        length < 0x100 -> byteArrayOf(tag.toByte(), 0x81.toByte(), length.toByte())
        else -> byteArrayOf(tag.toByte(), 0x82.toByte(), (length shr 8).toByte(), length.toByte())
    }
    return parts.fold(header) { all, part -> all + part }
}
