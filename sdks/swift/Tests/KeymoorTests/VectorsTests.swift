import Foundation
import XCTest

@testable import Keymoor
@testable import KeymoorLinux

/// Runs the vectors that all SDKs share.
final class VectorsTests: XCTestCase {
    func test_h4_every_case_of_links_holds() async throws { try await run("links", link) }

    func test_h4_every_case_of_destinations_holds() async throws {
        try await run("destinations") { vector in
            try vector.requireOnly("name", "url", "safe")
            try requireEqual(vector["safe"], .bool(isSafeDestination(try vector.string("url"))))
        }
    }

    func test_h4_every_case_of_domains_holds() async throws {
        try await run("domains") { vector in
            try vector.requireOnly("name", "allowed", "url", "outcome")
            let outcome = try await outcomeOf {
                try Domains(try vector.texts("allowed")).requireAllowed(try vector.string("url"))
            }
            try requireEqual(vector["outcome"], .string(outcome == "ok" ? "allowed" : outcome))
        }
    }

    func test_h4_every_case_of_json_holds() async throws { try await run("json", json) }

    func test_h4_every_case_of_jws_holds() async throws { try await run("jws", jws) }

    func test_h4_every_case_of_requests_holds() async throws { try await run("requests", request) }

    func test_h4_every_case_of_ceremonies_holds() async throws {
        try await run("ceremonies") { vector in
            try vector.requireOnly(
                "name",
                "allowedDomains",
                "now",
                "steps",
                "keysLeft",
                "passkeysLeft",
                "without"
            )
            try await Scenario(vector).play()
        }
    }

    func test_h4_every_case_of_errors_holds() async throws {
        try await run("errors") { vector in
            try vector.requireOnly("name", "subject", "status", "body", "code")
            let subject: Subject = try vector.string("subject") == "link" ? .link : .signIn
            let error = serverError(subject, try vector.integer("status"), vector["body"])
            try requireEqual(vector["code"], .string(error.code.rawValue))
        }
    }

    func test_h4_every_case_of_bridge_holds() async throws { try await run("bridge", bridge) }

    private func run(_ file: String, _ check: (Json) async throws -> Void) async throws {
        let folder = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../vectors").standardized
        let text = try Data(contentsOf: folder.appendingPathComponent("\(file).json"))
        let vectors = try parseJson(Array(text), maxBytes: .max).items
        let names = try vectors.map { try $0.string("name") }
        XCTAssertEqual(names.count, Set(names).count, "names are unique")
        var failures: [String] = []
        for vector in vectors {
            do { try await check(vector) } catch { failures.append("\(file): \(try vector.string("name")): \(error)") }
        }
        print("vectors \(file): \(vectors.count - failures.count) passed, \(failures.count) failed")
        XCTAssertEqual(failures, [])
    }

    private func link(_ vector: Json) throws {
        try vector.requireOnly("name", "url", "kind", "job")
        let (url, kind) = (try vector.string("url"), try vector.string("kind"))
        let found = parseBindLink(url).map { job -> Json in
            [
                "apiBaseUrl": .string(job.apiBaseUrl),
                "tenantId": .string(job.tenantId),
                "realmId": .string(job.realmId),
                "identityId": .string(job.identityId),
                "jobId": .string(job.jobId),
                "token": .string(job.token),
            ]
        }
        try requireEqual(vector["job"], found)
        try require((kind == "api" || kind == "app") == (found != nil), "a link or none")
        try require((kind == "authenticate") == (parseAuthenticateUrl(url) != nil), "a sign-in URL or none")
    }

    private func json(_ vector: Json) throws {
        try vector.requireOnly("name", "hex", "fill", "then", "accepted", "value")
        let fill = vector["fill"] == nil ? 0 : try vector.integer("fill")
        let bytes = unhex(try vector.string("hex")) + Array(repeating: UInt8(ascii: "x"), count: fill)
        let read = try? parseJson(bytes + unhex(vector["then"]?.text ?? ""))
        try requireEqual(vector["accepted"], .bool(read != nil))
        if let value = vector["value"] { try requireEqual(value, read) }
    }

    private func jws(_ vector: Json) throws {
        try vector.requireOnly(
            "name",
            "kind",
            "jwk",
            "thumbprint",
            "signed",
            "signature",
            "valid",
            "der",
            "raw"
        )
        switch try vector.string("kind") {
        case "thumbprint":
            let jwk = try Fields(vector["jwk"], "jwk", .invalidRequest)
            let key = PublicJwk(
                x: fromBase64Url(try jwk.string("x")) ?? [],
                y: fromBase64Url(try jwk.string("y")) ?? []
            )
            try requireEqual(vector["thumbprint"], .string(key.thumbprint(LibCrypto())))
        case "verify":
            let signature = fromBase64Url(try vector.string("signature"))
            try requireEqual(vector["valid"], .bool(isSigned(vector, signature)))
        case "der":
            let raw = rawSignature(der: unhex(try vector.string("der")))
            try requireEqual(vector["raw"], raw.map { .string(base64Url($0)) } ?? .null)
            if let raw {
                try require(derSignature(raw: raw) == unhex(try vector.string("der")), "written otherwise")
                try require(isSigned(vector, raw), "not signed")
            }
        default: throw Difference("unknown kind")
        }
    }

    private func isSigned(_ vector: Json, _ signature: [UInt8]?) -> Bool {
        guard let signature, let jwk = try? Fields(vector["jwk"], "key", .invalidRequest),
            let key = try? RequestAlgorithm.es256.importKey(jwk, LibCrypto()), let signed = vector["signed"]?.text
        else { return false }
        return key.verify(signature, of: Array(signed.utf8))
    }

    private func request(_ vector: Json) async throws {
        try vector.requireOnly(
            "name",
            "now",
            "allowedDomains",
            "request",
            "keys",
            "outcome",
            "context",
            "without"
        )
        let calls = Calls(try vector.list("keys"))
        let http = FakeHttp { request in
            let next = try await calls.next()
            try requireEqual(next["url"], .string(request.url))
            return try answer(by: ["status": next["status"] ?? .null, "json": next["json"] ?? .null])
        }
        let server = Server(http: http, domains: try Domains(try vector.texts("allowedDomains")))
        let verifier = RequestVerifier(server, LibCrypto())
        var verified: SignInRequest?
        let nowMs = Int64(try vector.integer("now")) * 1_000
        let outcome = try await outcomeOf {
            verified = try await verifier.verify(try vector.string("request"), nowMs: nowMs)
        }
        try requireEqual(vector["outcome"], .string(outcome))
        let left = await calls.left
        try require(left.isEmpty, "not called: \(left.map(writeJson))")
        guard let context = vector["context"] else { return }
        let request = try XCTUnwrap(verified)
        try requireEqual(
            context,
            [
                "application": ["id": .string(request.applicationId), "displayName": Json(request.applicationName)],
                "methods": request.methods.map { .array($0.map(Json.string)) } ?? .null,
                "origin": [
                    "sourceIp": Json(request.origin.sourceIp),
                    "userAgent": Json(request.origin.userAgent),
                    "geolocation": Json(request.origin.geolocation),
                    "referer": Json(request.origin.referer),
                ],
            ]
        )
    }

    private func bridge(_ vector: Json) async throws {
        try vector.requireOnly("name", "method", "arguments", "answer")
        let client = try makeClient { _ in throw Difference("no call of the bridge goes that far") }
        let arguments = writeJson(vector["arguments"] ?? .null)
        let text = try await JsonBridge(client).call(method: try vector.string("method"), arguments: arguments)
        let answer = try parseJson(Array(text.utf8))
        guard let error = vector["answer"]?["error"] else { return try requireEqual(vector["answer"], answer) }
        try require(try answer["error"]?.members.map(\.name) == ["code", "message"], "\(text) is no error")
        try requireEqual(error["code"], answer["error"]?["code"])
    }

    private func outcomeOf(_ work: () async throws -> Void) async throws -> String {
        do {
            try await work()
            return "ok"
        } catch let error as KeymoorError {
            return error.code.rawValue
        }
    }
}

/// The calls that are still expected.
private actor Calls {
    private(set) var left: [Json]

    init(_ calls: [Json]) { left = calls }

    func next() throws -> Json {
        try require(!left.isEmpty, "nothing more was to be called")
        return left.removeFirst()
    }
}

private func unhex(_ text: String) -> [UInt8] {
    let digits = Array(text)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
}
