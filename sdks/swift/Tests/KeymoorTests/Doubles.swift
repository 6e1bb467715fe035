import Foundation
import XCTest

@testable import Keymoor
@testable import KeymoorLinux

/// Keeps keys in memory. `before` is told what happens and may fail.
actor FakeKeyStore: KeyStore {
    private let before: @Sendable (String) async throws -> Void
    private var pairs: [KeyHandle: LibCryptoKey] = [:]

    /// Public keys in the order in which they were made.
    private(set) var made: [PublicJwk] = []

    init(before: @escaping @Sendable (String) async throws -> Void = { _ in }) { self.before = before }

    var count: Int { pairs.count }

    func loseKeys() { pairs = [:] }

    func create() async throws -> CreatedKey {
        try await before("create")
        let key = try XCTUnwrap(LibCryptoKey.generate())
        made.append(key.publicJwk)
        let handle = KeyHandle("key\(made.count)")
        pairs[handle] = key
        return CreatedKey(handle: handle, publicKey: key.publicJwk, level: .software)
    }

    func sign(_ handle: KeyHandle, data: [UInt8]) async throws -> [UInt8] {
        try await before("sign")
        guard let key = pairs[handle] else { throw KeymoorError(.passkeyNotFound, "the key is gone") }
        return try XCTUnwrap(key.sign(data))
    }

    func delete(_ handle: KeyHandle) { pairs[handle] = nil }
}

/// Keeps the records in memory.
actor FakeStore: Store {
    private(set) var text: String?
    private var fails = false

    func set(fails: Bool) { self.fails = fails }

    func read() -> String? { text }

    func write(_ text: String) throws {
        if fails { throw POSIXError(.ENOSPC) }
        self.text = text
    }
}

struct FakeHttp: Http {
    let answer: @Sendable (HttpRequest) async throws -> HttpResponse

    func call(_ request: HttpRequest, maxBytes: Int) async throws -> HttpResponse { try await answer(request) }
}

func makeClient(
    keys: any KeyStore = FakeKeyStore(),
    store: any Store = FakeStore(),
    nowMs: Int64 = 0,
    domains: [String] = ["auth.example"],
    logger: @escaping @Sendable (String) -> Void = { _ in },
    answer: @escaping @Sendable (HttpRequest) async throws -> HttpResponse
) throws -> KeymoorClient {
    let platform = Platform(
        keys: keys,
        store: store,
        cryptography: LibCrypto(),
        http: FakeHttp(answer: answer),
        now: { nowMs }
    )
    return try KeymoorClient(platform, domains, logger, retryAfterMs: [0, 0])
}

/// Something that a test expected and that isn't so.
struct Difference: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws {
    if !holds { throw Difference(otherwise()) }
}

func requireEqual(_ expected: Json?, _ actual: Json?) throws {
    let (expected, actual) = (expected.map(sorted), actual.map(sorted))
    try require(expected == actual, "expected \(expected ?? "nothing"), got \(actual ?? "nothing")")
}

/// The text of a value with members in order of name.
private func sorted(_ value: Json) -> String {
    switch value {
    case .array(let items): return "[\(items.map(sorted).joined(separator: ","))]"
    case .object(let members):
        let byName = members.sorted { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }
        return "{\(byName.map { writeJson(.string($0.name)) + ":" + sorted($0.value) }.joined(separator: ","))}"
    default: return writeJson(value)
    }
}

extension Json {
    var items: [Json] {
        get throws {
            guard case .array(let items) = self else { throw Difference("\(writeJson(self)) is no list") }
            return items
        }
    }

    var members: [Member] {
        get throws {
            guard case .object(let members) = self else { throw Difference("\(writeJson(self)) is no object") }
            return members
        }
    }

    func string(_ name: String) throws -> String {
        guard let text = self[name]?.text else { throw Difference("\(name) is no text") }
        return text
    }

    func integer(_ name: String) throws -> Int {
        guard case .number(let number)? = self[name] else { throw Difference("\(name) is no number") }
        return Int(number)
    }

    func list(_ name: String) throws -> [Json] { try self[name]?.items ?? [] }

    func texts(_ name: String) throws -> [String] { try list(name).compactMap(\.text) }

    /// A runner that met a member it doesn't know would pass what it doesn't test.
    func requireOnly(_ known: String...) throws {
        let unknown = try members.map(\.name).filter { !known.contains($0) }
        try require(unknown.isEmpty, "unknown members \(unknown)")
    }
}

func answer(by answer: Json?) throws -> HttpResponse {
    if answer?.text == "none" { throw URLError(.networkConnectionLost) }
    guard let answer else { throw Difference("no answer") }
    try answer.requireOnly("status", "json", "text")
    let text = answer["text"]?.text ?? writeJson(answer["json"] ?? .null)
    return HttpResponse(status: try answer.integer("status"), body: Array(text.utf8))
}
