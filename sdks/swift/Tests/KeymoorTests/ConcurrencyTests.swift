import XCTest

@testable import Keymoor
@testable import KeymoorLinux

/// Calls at once, and cancelled ones.
final class ConcurrencyTests: XCTestCase {
    private let server = FakeServer()
    private let keys = FakeKeyStore()

    private func client() throws -> KeymoorClient {
        let server = server
        return try makeClient(keys: keys) { try await server.answer($0) }
    }

    func test_two_calls_with_one_link_get_one_passkey() async throws {
        let client = try client()
        let (arrived, release) = (Signal(), Signal())
        await server.beforeAnswers { what in
            if what != "getInfo" { return }
            await arrived.fire()
            await release.wait()
        }
        let first = Task { try await client.bindPasskey(url: bindingLink) }
        await arrived.wait()
        async let second = client.bindPasskey(url: bindingLink)
        await release.fire()
        let (one, other) = (try await first.value, try await second)
        let passkeys = try await client.getPasskeys()
        let count = await keys.count
        XCTAssertEqual(passkeys.count, 1)
        XCTAssertEqual(count, 1)
        // The second call may have come after the first had ended, and has then bound anew.
        XCTAssertEqual(other.passkey, passkeys[0])
        XCTAssertEqual(one.passkey.passkeyId, other.passkey.passkeyId)
    }

    func test_a_caller_that_gives_up_leaves_the_other_its_passkey() async throws {
        let sharing = Sharing<Int>()
        let (started, release) = (Signal(), Signal())
        let work: @Sendable () async throws -> Int = {
            await started.fire()
            await release.wait()
            return Task.isCancelled ? 0 : 7
        }
        let one = Task { try await sharing.run("link", work) }
        await started.wait()
        let other = Task { try await sharing.run("link", work) }
        while await sharing.waiting("link") < 2 { await Task.yield() }
        one.cancel()
        let given = await codeOf { _ = try await one.value }
        XCTAssertEqual(given, "CancellationError")
        await release.fire()
        let value = try await other.value
        XCTAssertEqual(value, 7)
    }

    func test_cancelled_before_the_key_there_is_none() async throws {
        let client = try client()
        let arrived = Signal()
        await server.beforeAnswers { _ in
            await arrived.fire()
            try await waitForCancellation()
        }
        let task = Task { try await client.bindPasskey(url: bindingLink) }
        await arrived.wait()
        task.cancel()
        let outcome = await codeOf { _ = try await task.value }
        XCTAssertEqual(outcome, "CancellationError")
        // Waits for what is under way.
        try await client.deletePasskey(for: Passkey.Id("unknown"))
        let count = await keys.made.count
        XCTAssertEqual(count, 0)
    }

    func test_cancelled_after_the_key_was_offered_the_binding_ends() async throws {
        let client = try client()
        let (arrived, release) = (Signal(), Signal())
        await server.beforeAnswers { what in
            if what != "bind" { return }
            await arrived.fire()
            await release.wait()
            try Task.checkCancellation()
        }
        let task = Task { try await client.bindPasskey(url: bindingLink) }
        await arrived.wait()
        task.cancel()
        let outcome = await codeOf { _ = try await task.value }
        XCTAssertEqual(outcome, "CancellationError")
        await release.fire()
        try await client.deletePasskey(for: Passkey.Id("unknown"))
        let (passkeys, count) = (try await client.getPasskeys().count, await keys.count)
        XCTAssertEqual(passkeys, 1)
        XCTAssertEqual(count, 1)
    }

    func test_signing_in_can_be_cancelled() async throws {
        let client = try client()
        let id = try await client.bindPasskey(url: bindingLink).passkey.id
        let url = await server.signInUrl(expires: 60)
        let arrived = Signal()
        await server.beforeAnswers { what in
            if what != "bi-authenticate" { return }
            await arrived.fire()
            try await waitForCancellation()
        }
        let task = Task { try await client.authenticate(url: url, id: id) }
        await arrived.wait()
        task.cancel()
        let outcome = await codeOf { _ = try await task.value }
        XCTAssertEqual(outcome, "CancellationError")
    }

    func test_a_cancelled_caller_does_not_begin() async throws {
        let client = try client()
        let ready = Signal()
        let task = Task {
            await ready.wait()
            return try await client.bindPasskey(url: bindingLink)
        }
        task.cancel()
        await ready.fire()
        let outcome = await codeOf { _ = try await task.value }
        XCTAssertEqual(outcome, "CancellationError")
        let calls = await server.calls
        XCTAssertEqual(calls, [])
    }
}
