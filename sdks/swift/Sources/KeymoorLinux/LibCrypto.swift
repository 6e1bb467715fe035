#if os(Linux)
import CLibCrypto
import Keymoor

/// OpenSSL's libcrypto.
public struct LibCrypto: Cryptography {
    public init() {}

    public func sha256(_ data: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        precondition(EVP_Digest(data, data.count, &digest, nil, EVP_sha256(), nil) == 1, "libcrypto has SHA-256")
        return digest
    }

    public func es256Key(x: [UInt8], y: [UInt8]) -> (any VerifyingKey)? {
        // libcrypto refuses points that aren't on the curve.
        let key = withDer(p256Prefix + x + y) { d2i_PUBKEY(nil, &$0, $1) }
        return key.map { LibCryptoKey($0, isEcdsa: true) }
    }

    public func rs256Key(n: [UInt8], e: [UInt8]) -> (any VerifyingKey)? {
        let key = withDer(rsaPublicKey(n: n, e: e)) { d2i_PublicKey(EVP_PKEY_RSA, nil, &$0, $1) }
        return key.map { LibCryptoKey($0, isEcdsa: false) }
    }
}

/// SubjectPublicKeyInfo (RFC 5480 section 2) of an uncompressed P-256 point, up to its coordinates.
private let p256Prefix: [UInt8] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
]

func withDer(
    _ der: [UInt8],
    _ read: (inout UnsafePointer<UInt8>?, Int) -> OpaquePointer?
) -> OpaquePointer? {
    der.withUnsafeBufferPointer { buffer in
        var at = buffer.baseAddress
        return read(&at, buffer.count)
    }
}

/// A key of libcrypto, which frees it.
final class LibCryptoKey: VerifyingKey, @unchecked Sendable {
    // libcrypto never changes a key that is used, so threads may share it.
    private let key: OpaquePointer
    private let isEcdsa: Bool

    init(_ key: OpaquePointer, isEcdsa: Bool) {
        self.key = key
        self.isEcdsa = isEcdsa
    }

    deinit { EVP_PKEY_free(key) }

    func verify(_ signature: [UInt8], of data: [UInt8]) -> Bool {
        if isEcdsa && signature.count != 64 { return false }
        let bytes = isEcdsa ? derSignature(raw: signature) : signature
        let context = EVP_MD_CTX_new()
        let isValid =
            EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
            && EVP_DigestVerify(context, bytes, bytes.count, data, data.count) == 1
        EVP_MD_CTX_free(context)
        return isValid
    }

    /// Returns r and s, or nothing if libcrypto fails.
    func sign(_ data: [UInt8]) -> [UInt8]? {
        let context = EVP_MD_CTX_new()
        var length = 80
        var der = [UInt8](repeating: 0, count: length)
        let isSigned =
            EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1
            && EVP_DigestSign(context, &der, &length, data, data.count) == 1
        EVP_MD_CTX_free(context)
        return isSigned ? rawSignature(der: Array(der.prefix(length))) : nil
    }

    static func generate() -> LibCryptoKey? { keymoor_p256_generate().map { LibCryptoKey($0, isEcdsa: true) } }

    static func read(_ privateKey: [UInt8]) -> LibCryptoKey? {
        withDer(privateKey) { d2i_AutoPrivateKey(nil, &$0, $1) }.map { LibCryptoKey($0, isEcdsa: true) }
    }

    /// The private key in DER.
    var privateKey: [UInt8] { written { i2d_PrivateKey(key, $0) } }

    var publicJwk: PublicJwk {
        let point = written { i2d_PUBKEY(key, $0) }.suffix(64)
        return PublicJwk(x: Array(point.prefix(32)), y: Array(point.suffix(32)))
    }

    private func written(_ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(max(0, write(nil))))
        bytes.withUnsafeMutableBufferPointer { buffer in
            var at = buffer.baseAddress
            _ = write(&at)
        }
        return bytes
    }
}
#endif
