private let coordinateBytes = 32

// RFC 7518 section 3.3.
private let minRsaBits = 2_048
private let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

func base64Url(_ bytes: [UInt8]) -> String {
    var result: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
        for index in 0...UInt32(group.count) { result.append(alphabet[Int(bits >> (18 - 6 * index) & 63)]) }
    }
    return String(decoding: result, as: UTF8.self)
}

/// The bytes of base64url without padding, or nothing where the text is something else.
func fromBase64Url(_ text: String) -> [UInt8]? {
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in text.utf8 {
        guard let value = alphabet.firstIndex(of: byte) else { return nil }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    return text.utf8.count % 4 == 1 ? nil : result
}

extension PublicJwk {
    /// The public members of a key, in the order of RFC 7638 section 3.2.
    var members: Json { ["crv": "P-256", "kty": "EC", "x": .string(x), "y": .string(y)] }

    /// The SHA-256 thumbprint of a key (RFC 7638), by which the server knows it.
    func thumbprint(_ cryptography: any Cryptography) -> String {
        base64Url(cryptography.sha256(Array(writeJson(members).utf8)))
    }
}

/// Returns r and s as 64 bytes (RFC 7518 section 3.4) of a signature in DER (RFC 3279 section 2.2.3).
public func rawSignature(der: [UInt8]) -> [UInt8]? {
    var reader = DerReader(bytes: der)
    guard let length = reader.header(0x30), length == der.count - reader.at, let r = reader.coordinate(),
        let s = reader.coordinate(), reader.at == der.count
    else { return nil }
    return r + s
}

private struct DerReader {
    let bytes: [UInt8]
    var at = 0

    /// The length of the next item, all of which is there. Signatures are too short for long forms.
    mutating func header(_ tag: UInt8) -> Int? {
        guard at + 2 <= bytes.count, bytes[at] == tag, bytes[at + 1] < 0x80 else { return nil }
        let length = Int(bytes[at + 1])
        at += 2
        return at + length <= bytes.count ? length : nil
    }

    /// An integer of at most 32 bytes that isn't negative.
    mutating func coordinate() -> [UInt8]? {
        guard let length = header(0x02), 1...coordinateBytes + 1 ~= length, bytes[at] < 0x80 else { return nil }
        let digits = bytes[at..<at + length].drop { $0 == 0 }
        at += length
        guard digits.count <= coordinateBytes else { return nil }
        return Array(repeating: 0, count: coordinateBytes - digits.count) + digits
    }
}

/// The other way round.
public func derSignature(raw: [UInt8]) -> [UInt8] {
    let halves = [raw.prefix(coordinateBytes), raw.dropFirst(coordinateBytes)]
    return der(0x30, halves.flatMap { integer($0) })
}

/// The algorithms that a sign-in request may be signed with.
enum RequestAlgorithm: String, Sendable {
    case es256 = "ES256"
    case rs256 = "RS256"

    /// Fails with `invalidRequest` if the key's type, curve, `alg` or `use` isn't this algorithm's.
    func importKey(_ jwk: Fields, _ cryptography: any Cryptography) throws -> any VerifyingKey {
        guard try jwk.string("kty") == (self == .es256 ? "EC" : "RSA"),
            try jwk.optionalString("alg") ?? rawValue == rawValue, try jwk.optionalString("use") ?? "sig" == "sig",
            let key = try self == .es256 ? p256Key(jwk, cryptography) : rsaKey(jwk, cryptography)
        else { throw KeymoorError(.invalidRequest, "the sign-in request's key can't verify it") }
        return key
    }
}

private func p256Key(_ jwk: Fields, _ cryptography: any Cryptography) throws -> (any VerifyingKey)? {
    guard try jwk.string("crv") == "P-256", let x = fromBase64Url(try jwk.string("x")),
        let y = fromBase64Url(try jwk.string("y")), x.count == coordinateBytes, y.count == coordinateBytes
    else { return nil }
    return cryptography.es256Key(x: x, y: y)
}

private func rsaKey(_ jwk: Fields, _ cryptography: any Cryptography) throws -> (any VerifyingKey)? {
    guard let n = fromBase64Url(try jwk.string("n")), let e = fromBase64Url(try jwk.string("e")) else { return nil }
    let modulus = n.drop { $0 == 0 }
    guard let first = modulus.first, modulus.count * 8 - first.leadingZeroBitCount >= minRsaBits else { return nil }
    return cryptography.rs256Key(n: Array(modulus), e: e)
}

/// RFC 7515 section 7.1.
func compactJws(_ keys: any KeyStore, _ handle: KeyHandle, header: Json, claims: Json) async throws -> String {
    let input = [header, claims].map { base64Url(Array(writeJson($0).utf8)) }.joined(separator: ".")
    return "\(input).\(base64Url(try await keys.sign(handle, data: Array(input.utf8))))"
}

/// RSAPublicKey (RFC 8017 appendix A.1.1) in DER.
package func rsaPublicKey(n: [UInt8], e: [UInt8]) -> [UInt8] {
    der(0x30, integer(n[...]) + integer(e[...]))
}

private func integer(_ value: ArraySlice<UInt8>) -> [UInt8] {
    let digits = Array(value.drop { $0 == 0 })
    // A leading bit would make it negative.
    return der(0x02, digits.first.map { $0 < 0x80 } ?? false ? digits : [0] + digits)
}

private func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    if content.count < 0x80 { return [tag, UInt8(content.count)] + content }
    let length = withUnsafeBytes(of: UInt32(content.count).bigEndian) { Array($0.drop { $0 == 0 }) }
    return [tag, 0x80 | UInt8(length.count)] + length + content
}
