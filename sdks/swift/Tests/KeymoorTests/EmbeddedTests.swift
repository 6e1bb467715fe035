import XCTest

@testable import Keymoor
@testable import KeymoorLinux

/// The facade, on files, as an application uses it.
final class EmbeddedTests: XCTestCase {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("keymoor-\(UUID().uuidString)")
    private let server = FakeServer()

    override func tearDown() { try? FileManager.default.removeItem(at: folder) }

    private func platform() throws -> Platform {
        let files = try Platform.linux(folder: folder)
        let server = server
        let http = FakeHttp { try await server.answer($0) }
        return Platform(keys: files.keys, store: files.store, cryptography: files.cryptography, http: http, now: { 0 })
    }

    func test_h1_binding_as_it_is_printed() async throws {
        try Embedded.initialize(platform: try platform(), allowedDomains: ["auth.example"])
        let bindingLink = try XCTUnwrap(URL(string: KeymoorTests.bindingLink))
        let printed = expectation(description: "printed")
        Embedded.shared.bindPasskey(url: bindingLink) { result in
            switch result {
            case let .success(bindResponse):
                print(bindResponse)
                XCTAssertEqual(bindResponse.postBindingRedirectUri?.absoluteString, "acme://done")
            case let .failure(error):
                print(error.localizedDescription)
                XCTFail(error.message)
            }
            printed.fulfill()
        }
        await fulfillment(of: [printed], timeout: 600)
    }

    func test_a_passkey_from_binding_to_deletion() async throws {
        let client = try KeymoorClient(platform: try platform(), allowedDomains: ["auth.example"])
        let bound = try await client.bindPasskey(url: bindingLink).passkey
        XCTAssertEqual(bound.id.value.count, 64)
        XCTAssertEqual(bound.identity.username, "user1")
        XCTAssertNil(bound.theme.logoLightUrl)
        XCTAssertEqual(bound.theme.supportUrl?.absoluteString, "https://acme.example/help")
        XCTAssertEqual(bound.updated.timeIntervalSince(bound.created), 0.123, accuracy: 0.000_1)

        // A second client on the same folder is the application's next start.
        let next = try KeymoorClient(platform: try platform(), allowedDomains: ["auth.example"])
        let passkeys = try await next.getPasskeys()
        XCTAssertEqual(passkeys, [bound])
        let url = await server.signInUrl(expires: 60)
        let answer = try await next.authenticate(url: url, id: bound.id)
        XCTAssertEqual(answer.redirectUrl.absoluteString, "https://app.example/cb?code=c0de&state=s1")
        XCTAssertEqual(answer.message, "hello")

        try await next.deletePasskey(for: bound.id)
        try await next.deletePasskey(for: bound.id)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        XCTAssertEqual(left, ["passkeys.json"])
        let outcome = await codeOf { _ = try await next.authenticate(url: url, id: bound.id) }
        XCTAssertEqual(outcome, "passkey_not_found")
    }

    func test_a_key_that_is_gone_keeps_its_record() async throws {
        let client = try KeymoorClient(platform: try platform(), allowedDomains: ["auth.example"])
        let bound = try await client.bindPasskey(url: bindingLink).passkey
        try FileManager.default.removeItem(at: folder.appendingPathComponent("\(bound.keyHandle.value).der"))
        let url = await server.signInUrl(expires: 60)
        let outcome = await codeOf { _ = try await client.authenticate(url: url, id: bound.id) }
        XCTAssertEqual(outcome, "passkey_not_found")
        let passkeys = try await client.getPasskeys()
        XCTAssertEqual(passkeys, [bound])
    }

    func test_files_are_for_their_owner_only() async throws {
        let client = try KeymoorClient(platform: try platform(), allowedDomains: ["auth.example"])
        _ = try await client.bindPasskey(url: bindingLink)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let path = folder.appendingPathComponent(name).path
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            XCTAssertEqual(mode, 0o600, name)
        }
    }

    func test_records_that_are_none_are_a_failure_of_storage() async throws {
        let client = try KeymoorClient(platform: try platform(), allowedDomains: ["auth.example"])
        for text in ["", "{", "[]", "{\"version\":2}", "\u{FEFF}{}"] {
            try Data(text.utf8).write(to: folder.appendingPathComponent("passkeys.json"))
            let outcome = await codeOf { _ = try await client.getPasskeys() }
            XCTAssertEqual(outcome, "storage", text)
        }
        let calls = await server.calls
        XCTAssertEqual(calls, [])
    }

    func test_a_folder_that_is_gone_makes_no_key() async throws {
        let client = try KeymoorClient(platform: try platform(), allowedDomains: ["auth.example"])
        try FileManager.default.removeItem(at: folder)
        let outcome = await codeOf { _ = try await client.bindPasskey(url: bindingLink) }
        XCTAssertEqual(outcome, "storage")
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder.path))
    }

    func test_times_survive_being_written() {
        let times: [Int64] = [0, -1, 951_782_400_000, 1_795_304_000_123, 4_107_542_399_999, -62_135_596_800_000]
        for ms in times { XCTAssertEqual(milliseconds(timestamp(ms)), ms) }
        XCTAssertEqual(timestamp(1_795_304_000_123), "2026-11-21T23:33:20.123Z")
        XCTAssertEqual(milliseconds("2026-11-21T23:33:20.1Z"), 1_795_304_000_100)
        XCTAssertEqual(milliseconds("2026-11-21T23:33:20.123456Z"), 1_795_304_000_123)
        for text in ["", "2026-11-21", "2026-11-21T23:33:20+00:00", "2026-13-21T22:53:20Z", "2026-11-21T23:33:20.Z"] {
            XCTAssertNil(milliseconds(text), text)
        }
    }
}
