/// Bodies and request JWTs are a few kilobytes.
let maxJsonBytes = 65_536
private let maxDepth = 32

struct JsonError: Error {
    let reason: String
}

/// A JSON value. Objects keep their order, which the texts that are hashed need.
enum Json: Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([Json])
    case object([Member])

    struct Member: Sendable {
        let name: String
        let value: Json
    }

    /// The member of an object, unless it is missing.
    subscript(name: String) -> Json? {
        guard case .object(let members) = self else { return nil }
        return members.first { isSame($0.name, name) }?.value
    }

    var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }
}

extension Json: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral
{
    init(dictionaryLiteral members: (String, Json)...) {
        self = .object(members.map { Member(name: $0.0, value: $0.1) })
    }

    init(arrayLiteral items: Json...) { self = .array(items) }

    init(stringLiteral text: String) { self = .string(text) }

    init(integerLiteral number: Int) { self = .number(Double(number)) }

    init(_ text: String?) { self = text.map(Json.string) ?? .null }
}

/// Reads JSON (RFC 8259) that everybody reads alike: UTF-8 without a byte order mark, no member twice in an object, no
/// infinite number, no half of a surrogate pair, no U+0000, at most 32 levels.
func parseJson(_ bytes: [UInt8], maxBytes: Int = maxJsonBytes) throws -> Json {
    if bytes.count > maxBytes { throw JsonError(reason: "too long") }
    if decodeUtf8(bytes) == nil { throw JsonError(reason: "not UTF-8") }
    var reader = JsonReader(bytes: bytes)
    return try reader.read()
}

private struct JsonReader {
    let bytes: [UInt8]
    var at = 0
    var depth = 0

    mutating func read() throws -> Json {
        let value = try value()
        skipSpace()
        if at < bytes.count { throw unexpected() }
        return value
    }

    private func unexpected() -> JsonError { JsonError(reason: "unexpected text at byte \(at)") }

    private mutating func skipSpace() {
        while at < bytes.count, [0x20, 0x09, 0x0D, 0x0A].contains(bytes[at]) { at += 1 }
    }

    private mutating func peek() throws -> UInt8 {
        skipSpace()
        guard at < bytes.count else { throw unexpected() }
        return bytes[at]
    }

    private mutating func take(_ byte: UInt8) throws {
        if try peek() != byte { throw unexpected() }
        at += 1
    }

    private mutating func value() throws -> Json {
        switch try peek() {
        case UInt8(ascii: "{"): return .object(try members())
        case UInt8(ascii: "["):
            var items: [Json] = []
            try nested(until: UInt8(ascii: "]")) { items.append(try $0.value()) }
            return .array(items)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(_ word: String, _ value: Json) throws -> Json {
        guard bytes[at...].starts(with: word.utf8) else { throw unexpected() }
        at += word.utf8.count
        return value
    }

    private mutating func members() throws -> [Json.Member] {
        var members: [Json.Member] = []
        var names: Set<[UInt8]> = []
        try nested(until: UInt8(ascii: "}")) { reader in
            if try reader.peek() != UInt8(ascii: "\"") { throw reader.unexpected() }
            let name = try reader.string()
            if !names.insert(Array(name.utf8)).inserted { throw JsonError(reason: "a member twice") }
            try reader.take(UInt8(ascii: ":"))
            members.append(Json.Member(name: name, value: try reader.value()))
        }
        return members
    }

    /// Reads the items of a list or an object, whose opening bracket is next.
    private mutating func nested(until close: UInt8, item: (inout JsonReader) throws -> Void) throws {
        at += 1
        depth += 1
        if depth > maxDepth { throw JsonError(reason: "too deep") }
        if try peek() != close {
            try item(&self)
            while try peek() != close {
                try take(UInt8(ascii: ","))
                try item(&self)
            }
        }
        at += 1
        depth -= 1
    }

    private mutating func digits() throws {
        let start = at
        while at < bytes.count, 0x30...0x39 ~= bytes[at] { at += 1 }
        if at == start { throw unexpected() }
    }

    private mutating func skip(_ any: String) -> Bool {
        guard at < bytes.count, any.utf8.contains(bytes[at]) else { return false }
        at += 1
        return true
    }

    private mutating func number() throws -> Double {
        let start = at
        _ = skip("-")
        if !skip("0") { try digits() }
        if skip(".") { try digits() }
        if skip("eE") {
            _ = skip("+-")
            try digits()
        }
        guard let value = Double(String(decoding: bytes[start..<at], as: UTF8.self)) else { throw unexpected() }
        if value.isInfinite { throw JsonError(reason: "a number too large") }
        return value
    }

    private mutating func string() throws -> String {
        try take(UInt8(ascii: "\""))
        var result: [UInt8] = []
        while true {
            guard at < bytes.count else { throw unexpected() }
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"): result += try escape()
            case 0..<0x20: throw unexpected()
            default: result.append(byte)
            }
        }
    }

    private mutating func escape() throws -> [UInt8] {
        guard at < bytes.count else { throw unexpected() }
        let byte = bytes[at]
        at += 1
        if byte == UInt8(ascii: "u") { return Array(String(try scalar()).utf8) }
        let escapes: [UInt8: UInt8] = [
            0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 0x08, 0x66: 0x0C, 0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09,
        ]
        guard let meant = escapes[byte] else { throw unexpected() }
        return [meant]
    }

    /// One escaped character, which may be two halves of a surrogate pair.
    private mutating func scalar() throws -> Character {
        var value = try fourDigits()
        if 0xD800...0xDBFF ~= value, bytes[at...].starts(with: "\\u".utf8) {
            at += 2
            let low = try fourDigits()
            guard 0xDC00...0xDFFF ~= low else { throw JsonError(reason: "an ambiguous text") }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard value != 0, let scalar = Unicode.Scalar(value) else { throw JsonError(reason: "an ambiguous text") }
        return Character(scalar)
    }

    private mutating func fourDigits() throws -> UInt32 {
        let digits = bytes[at...].prefix(4)
        let isHex = digits.allSatisfy { 0x30...0x39 ~= $0 || 0x41...0x46 ~= $0 || 0x61...0x66 ~= $0 }
        guard digits.count == 4, isHex, let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else {
            throw unexpected()
        }
        at += 4
        return value
    }
}

/// Writes a value without spaces.
func writeJson(_ value: Json) -> String {
    switch value {
    case .null: return "null"
    case .bool(let bool): return bool ? "true" : "false"
    case .number(let number):
        // Times are whole numbers.
        return Int64(exactly: number).map(String.init) ?? String(number)
    case .string(let text): return quoted(text)
    case .array(let items): return "[" + items.map(writeJson).joined(separator: ",") + "]"
    case .object(let members):
        return "{" + members.map { quoted($0.name) + ":" + writeJson($0.value) }.joined(separator: ",") + "}"
    }
}

private func quoted(_ text: String) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var bytes = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            bytes += [UInt8(ascii: "\\"), byte]
        } else if byte < 0x20 {
            bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes + [UInt8(ascii: "\"")], as: UTF8.self)
}

/// Reads a JSON object member by member, and says which one isn't as the protocol has it.
struct Fields: Sendable {
    let value: Json
    let members: [Json.Member]
    private let path: String
    private let code: ErrorCode

    init(_ value: Json?, _ path: String, _ code: ErrorCode) throws {
        guard case .object(let members)? = value else { throw KeymoorError(code, "\(path) isn't an object") }
        self.value = .object(members)
        self.members = members
        self.path = path
        self.code = code
    }

    func has(_ name: String) -> Bool {
        switch value[name] {
        case nil, .null?: return false
        default: return true
        }
    }

    func object(_ name: String) throws -> Fields { try Fields(value[name], "\(path).\(name)", code) }

    func string(_ name: String) throws -> String {
        guard let text = value[name]?.text else { throw mismatch("a string", name) }
        return text
    }

    func optionalString(_ name: String) throws -> String? { has(name) ? try string(name) : nil }

    func number(_ name: String) throws -> Double {
        guard case .number(let number)? = value[name] else { throw mismatch("a number", name) }
        return number
    }

    func objects(_ name: String) throws -> [Fields] {
        guard case .array(let items)? = value[name] else { throw mismatch("a list", name) }
        return try items.enumerated().map { try Fields($0.element, "\(path).\(name)[\($0.offset)]", code) }
    }

    private func mismatch(_ expected: String, _ name: String) -> KeymoorError {
        KeymoorError(code, "\(path).\(name) isn't \(expected)")
    }
}
