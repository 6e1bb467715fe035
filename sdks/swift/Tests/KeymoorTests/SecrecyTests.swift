import XCTest

@testable import Keymoor
@testable import KeymoorLinux

/// What must not be read in messages and logs.
final class SecrecyTests: XCTestCase {
    func test_no_error_and_no_log_shows_a_token_or_a_body() async throws {
        let logged = Lines()
        let bodies = ["{\"code\":\"SECRET\",\"message\":\"SECRET\"}", "<html>SECRET</html>", "[\"SECRET\"]", "SECRET"]
        for status in [200, 302, 400, 403, 404, 409, 429, 500] {
            for body in bodies {
                let client = try makeClient(logger: { logged.add($0) }) { _ in
                    HttpResponse(status: status, body: Array(body.utf8))
                }
                let calls: [() async throws -> Void] = [
                    { _ = try await client.bindPasskey(url: bindingLink) },
                    { _ = try await client.authenticate(url: "a://bi-authenticate?request=SECRET", id: .init("x")) },
                    { _ = try await client.redeemOtp(url: "a://resume?state=SECRET", otp: "SECRET") },
                ]
                for call in calls { await logged.add(message(call)) }
            }
        }
        XCTAssertEqual(logged.all.filter { $0.contains("SECRET") }, [])
        XCTAssertFalse(logged.all.contains(""), "every call failed by a KeymoorError")
    }

    func test_what_is_logged_of_success_names_no_secret() async throws {
        let logged = Lines()
        let server = FakeServer()
        let client = try makeClient(logger: { logged.add($0) }) { try await server.answer($0) }
        let bound = try await client.bindPasskey(url: bindingLink)
        _ = try await client.authenticate(url: await server.signInUrl(expires: 60), id: bound.passkey.id)
        XCTAssertEqual(logged.all, ["bound a passkey, software", "signed in"])
        XCTAssertFalse("\(bound)".contains("SECRET"))
        XCTAssertFalse("\(String(describing: parseBindLink(bindingLink)))".contains("SECRET"))
    }

    private func message(_ call: () async throws -> Void) async -> String {
        do {
            try await call()
            return ""
        } catch let error as KeymoorError {
            return "\(error) \(error.message) \(error.localizedDescription) \(String(reflecting: error))"
        } catch {
            return ""
        }
    }
}

private final class Lines: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []

    func add(_ line: String) {
        lock.lock()
        lines.append(line)
        lock.unlock()
    }

    var all: [String] {
        lock.lock()
        let all = lines
        lock.unlock()
        return all
    }
}
