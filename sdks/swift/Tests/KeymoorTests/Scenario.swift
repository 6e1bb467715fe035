import Foundation

@testable import Keymoor
@testable import KeymoorLinux

/// Plays one scenario of ceremonies.json on a fresh device. What happens must be what it says, in that order.
actor Scenario {
    private let scenario: Json
    private var events: [Json] = []
    private var passkeys: [Passkey] = []

    /// What went wrong where the SDK would catch it.
    private var problem: Difference?

    private let store = FakeStore()
    private var keys = FakeKeyStore()

    init(_ scenario: Json) { self.scenario = scenario }

    func play() async throws {
        keys = FakeKeyStore { try await self.keyStore($0) }
        let nowMs = Int64(try scenario.integer("now")) * 1_000
        let client = try makeClient(
            keys: keys,
            store: store,
            nowMs: nowMs,
            domains: try scenario.texts("allowedDomains")
        ) { try await self.answer($0) }
        for step in try scenario.list("steps") { try await play(step, client) }
        try requireEqual(scenario["keysLeft"], .number(Double(await keys.count)))
        try requireEqual(scenario["passkeysLeft"], .number(Double(try await client.getPasskeys().count)))
    }

    private func play(_ step: Json, _ client: KeymoorClient) async throws {
        try step.requireOnly("call", "exchange", "storeFails", "result", "error")
        events = try step.list("exchange")
        if case .bool(true)? = step["storeFails"] { await store.set(fails: true) }
        let outcome: Json
        do {
            outcome = ["result": try await call(client, step["call"] ?? .null)]
        } catch let error as KeymoorError {
            outcome = ["error": .string(error.code.rawValue)]
        }
        await store.set(fails: false)
        if let problem { throw problem }
        try require(events.isEmpty, "did not happen: \(events.map(writeJson))")
        let expected = try step.members.filter { $0.name == "result" || $0.name == "error" }
        try requireEqual(.object(expected), outcome)
    }

    private func call(_ client: KeymoorClient, _ call: Json) async throws -> Json {
        try call.requireOnly("method", "url", "passkey")
        let url = call["url"]?.text ?? ""
        let named = call["passkey"]?.text ?? ""
        let id = named.hasPrefix("$") ? passkeys[Int(named.dropFirst())! - 1].id : Passkey.Id(named)
        switch try call.string("method") {
        case "bindPasskey": return bound(try await client.bindPasskey(url: url), try await client.passkeyRecords())
        case "authenticate":
            let answer = try await client.authenticate(url: url, id: id)
            return ["redirectUrl": .string(answer.redirectUrl.absoluteString), "message": Json(answer.message)]
        case "getAuthenticationContext":
            let context = try await client.getAuthenticationContext(url: url)
            let application = context.application
            return [
                "application": ["id": .string(application.id), "displayName": Json(application.displayName)],
                "sourceIp": Json(context.origin.sourceIp),
            ]
        case "getPasskeys":
            return ["passkeyIds": .array(try await client.getPasskeys().map { .string($0.passkeyId.value) })]
        case "deletePasskey":
            try await client.deletePasskey(for: id)
            return [:]
        default: throw Difference("unknown method")
        }
    }

    private func bound(_ response: BindPasskeyResponse, _ records: [PasskeyRecord]) -> Json {
        let passkey = response.passkey
        passkeys.append(passkey)
        let created = records.first { $0.id == passkey.id.value }?.created
        return [
            "passkeyId": .string(passkey.passkeyId.value),
            "created": Json(created),
            "tenant": ["id": .string(passkey.tenant.id), "displayName": .string(passkey.tenant.displayName)],
            "realm": ["id": .string(passkey.realm.id), "displayName": .string(passkey.realm.displayName)],
            "identity": [
                "id": .string(passkey.identity.id),
                "username": .string(passkey.identity.username),
                "displayName": .string(passkey.identity.displayName),
                "email": Json(passkey.identity.primaryEmailAddress),
            ],
            "postBindingRedirectUri": Json(response.postBindingRedirectUri?.absoluteString),
        ]
    }

    private func watching<T>(_ work: () throws -> T) throws -> T {
        do {
            return try work()
        } catch let error as Difference {
            problem = problem ?? error
            throw error
        }
    }

    private func next() throws -> Json {
        try require(!events.isEmpty, "nothing more was to happen")
        let event = events.removeFirst()
        try event.requireOnly("keystore", "fail", "expect", "answer")
        return event
    }

    private func keyStore(_ what: String) throws {
        let code = try watching {
            let event = try next()
            try require(event["keystore"]?.text == what, "the key store was to \(writeJson(event)), not to \(what)")
            return event["fail"]?.text
        }
        if let code { throw KeymoorError(ErrorCode(rawValue: code)!, "as the scenario says") }
    }

    private func answer(_ request: HttpRequest) async throws -> HttpResponse {
        let made = await keys.made
        let event = try watching {
            let event = try next()
            guard let expect = event["expect"] else {
                throw Difference("\(request.url) was called instead of \(writeJson(event))")
            }
            try match(request, expect, made)
            return event
        }
        return try KeymoorTests.answer(by: event["answer"])
    }

    private func match(_ request: HttpRequest, _ expect: Json, _ made: [PublicJwk]) throws {
        try expect.requireOnly("method", "url", "headers", "json", "form", "text")
        try requireEqual(expect["method"], .string(request.method))
        try requireEqual(expect["url"], .string(request.url))
        for header in try expect["headers"]?.members ?? [] {
            try requireEqual(header.value, Json(request.headers[header.name]))
        }
        let body = String(decoding: request.body ?? [], as: UTF8.self)
        if let text = expect["text"] { try requireEqual(text, .string(body)) }
        if let json = expect["json"] { try match(try parseJson(Array(body.utf8)), json, made) }
        if let form = expect["form"] {
            let fields = try body.split(separator: "&").map { pair in
                let parts = pair.split(separator: "=").map { $0.replacingOccurrences(of: "+", with: " ") }
                let value = Array((parts[1].removingPercentEncoding ?? "").utf8)
                return Json.Member(name: parts[0], value: try parseJson(value))
            }
            try match(.object(fields), form, made)
        }
    }

    /// Compares member by member. `$` members say how.
    private func match(_ actual: Json?, _ expected: Json, _ made: [PublicJwk]) throws {
        guard case .object(let members) = expected else { return try requireEqual(expected, actual) }
        let only = members.count == 1 ? members[0] : nil
        switch only?.name {
        case "$any": try require(only?.value.text == "string" && actual?.text != nil, "no text")
        case "$jwk": try requireEqual(key(only?.value, made).members, actual)
        case "$thumbprint": try requireEqual(.string(key(only?.value, made).thumbprint(LibCrypto())), actual)
        case "$jws": try matchJws(actual?.text ?? "", only?.value ?? .null, made)
        default:
            let names = try actual?.members.map(\.name) ?? []
            try require(Set(names) == Set(members.map(\.name)), "members \(names)")
            for member in members { try match(actual?[member.name], member.value, made) }
        }
    }

    private func matchJws(_ jws: String, _ expected: Json, _ made: [PublicJwk]) throws {
        let parts = jws.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let decoded = parts.compactMap(fromBase64Url)
        try require(parts.count == 3 && decoded.count == 3, "no JWS")
        try match(try parseJson(decoded[0]), expected["header"] ?? .null, made)
        try match(try parseJson(decoded[1]), expected["claims"] ?? .null, made)
        let jwk = try Fields(key(expected["signedBy"], made).members, "key", .invalidRequest)
        let key = try RequestAlgorithm.es256.importKey(jwk, LibCrypto())
        try require(key.verify(decoded[2], of: Array("\(parts[0]).\(parts[1])".utf8)), "wrong signature")
    }

    private func key(_ name: Json?, _ made: [PublicJwk]) -> PublicJwk {
        made[Int((name?.text ?? "").dropFirst("key".count))! - 1]
    }
}
