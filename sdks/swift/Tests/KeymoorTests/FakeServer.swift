import Foundation

@testable import Keymoor
@testable import KeymoorLinux

let bindingLink =
    "https://auth.example/v1/tenants/T/realms/R/identities/I/credential-binding-jobs/J:invokeAuthenticator?token=SECRET"

/// Answers as the server does, for one identity. Verifies no more than it needs to.
actor FakeServer {
    private let key = LibCryptoKey.generate()!
    private(set) var calls: [String] = []
    private var before: @Sendable (String) async throws -> Void = { _ in }

    /// What is done before an answer is given, with the last part of the path.
    func beforeAnswers(_ work: @escaping @Sendable (String) async throws -> Void) { before = work }

    func answer(_ request: HttpRequest) async throws -> HttpResponse {
        let what = String(request.url.split(whereSeparator: { $0 == ":" || $0 == "/" }).last!)
        calls.append(what)
        try await before(what)
        return HttpResponse(status: 200, body: Array(writeJson(json(for: what)).utf8))
    }

    private func json(for what: String) -> Json {
        switch what {
        case "getInfo":
            return [
                "tenant": ["display_name": "Acme"],
                "realm": ["display_name": "Customers"],
                "identity": ["display_name": "User One", "traits": ["type": "traits_v0", "username": "user1"]],
                "theme": ["logo_url_light": "", "logo_url_dark": "", "support_url": "https://acme.example/help"],
                "authenticator_config": ["config": ["type": "embedded"]],
                "post_binding_redirect_uri": "acme://done",
            ]
        case "bind":
            return [
                "id": "credential-1", "state": "ACTIVE", "create_time": "2026-11-21T00:00:00.000Z",
                "update_time": "2026-11-21T00:00:00.123456Z",
            ]
        case "jwks.json":
            let jwk = key.publicJwk
            return [
                "keys": [["kty": "EC", "crv": "P-256", "kid": "1", "x": .string(jwk.x), "y": .string(jwk.y)]]
            ]
        case "bi-authenticate": return ["type": "allow", "code": "c0de", "message": "hello"]
        default: return [:]
        }
    }

    /// The URL at which an application receives a request to sign in.
    func signInUrl(expires: Int) -> String {
        let header: Json = ["alg": "ES256", "kid": "1", "jku": "https://auth.example/jwks.json"]
        let prove: Json = ["transaction_id": "t1", "nonce": "n1", "bi_pol_ver": "v3"]
        let claims: Json = [
            "exp": .number(Double(expires)), "nbf": 0, "cid": "c1",
            "authn": [
                "redirect_uri": "https://app.example/cb", "base_url": "https://auth.example", "tid": "T", "rid": "R",
                "aid": "A", "state": "s1", "action": ["prove": prove],
            ],
        ]
        let input = [header, claims].map { base64Url(Array(writeJson($0).utf8)) }.joined(separator: ".")
        return "acme://bi-authenticate?request=\(input).\(base64Url(key.sign(Array(input.utf8))!))"
    }
}

/// Something that happens once, and can be waited for.
actor Signal {
    private var hasFired = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func fire() {
        hasFired = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }

    func wait() async {
        if hasFired { return }
        await withCheckedContinuation { waiting.append($0) }
    }
}

/// Waits until the task is cancelled.
func waitForCancellation() async throws {
    while true { try await Task.sleep(nanoseconds: 3_600_000_000_000) }
}

/// The code of the error that `work` throws, or how else it ended.
func codeOf(_ work: () async throws -> Void) async -> String {
    do {
        try await work()
        return "ok"
    } catch let error as KeymoorError {
        return error.code.rawValue
    } catch is CancellationError {
        return "CancellationError"
    } catch {
        return "\(error)"
    }
}
