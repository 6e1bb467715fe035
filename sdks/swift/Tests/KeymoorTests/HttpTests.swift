import XCTest

@testable import Keymoor

#if os(Linux)
import Glibc
#else
import Darwin
#endif

/// What goes over the wire, and what comes of it.
final class HttpTests: XCTestCase {
    func test_a_request_arrives_as_it_was_made() async throws {
        let server = try TcpServer(["HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"])
        let response = try await call(server, method: "POST", headers: ["x-a": "b"], body: Array("hello".utf8))
        XCTAssertEqual(response.status, 201)
        XCTAssertEqual(response.body, Array("{}".utf8))
        let request = server.requests[0]
        XCTAssertTrue(request.hasPrefix("POST /path?query=1 HTTP/1.1\r\n"), request)
        XCTAssertTrue(request.lowercased().contains("x-a: b\r\n"), request)
        XCTAssertTrue(request.hasSuffix("\r\n\r\nhello"), request)
    }

    func test_h2_a_redirect_is_not_followed() async throws {
        let target = try TcpServer(["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
        for status in [301, 302, 307, 308] {
            let location = "http://localhost:\(target.port)/"
            let server = try TcpServer([
                "HTTP/1.1 \(status) Moved\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n"
            ])
            let response = try await call(server, method: "POST", body: [1])
            XCTAssertEqual(response.status, status)
        }
        XCTAssertEqual(target.requests, [])
    }

    func test_a_long_body_is_read_up_to_one_byte_too_many() async throws {
        let exact = String(repeating: "x", count: 100)
        let fits = try TcpServer(["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\(exact)"])
        let fitting = try await call(fits)
        XCTAssertEqual(fitting.body.count, 100)
        // The rest is announced and never sent.
        let endless = try TcpServer(["HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n\(exact)\(exact)"])
        endless.keepOpen()
        let cut = try await call(endless)
        XCTAssertEqual(cut.body.count, 101)
    }

    func test_a_broken_connection_is_an_error_and_nothing_is_sent_twice() async throws {
        let server = try TcpServer(["", ""])
        let outcome = await codeOf { _ = try await call(server, method: "POST", body: [1]) }
        XCTAssertNotEqual(outcome, "ok")
        XCTAssertEqual(server.requests.count, 1)
    }

    func test_no_cookie_is_sent_back() async throws {
        let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nCache-Control: max-age=600\r\nContent-Length: 0\r\n\r\n"
        let server = try TcpServer([answer, answer])
        for _ in 0..<2 { _ = try await call(server) }
        XCTAssertEqual(server.requests.count, 2, "nothing was answered from a cache")
        XCTAssertFalse(server.requests[1].lowercased().contains("cookie"), server.requests[1])
    }

    func test_a_call_that_waits_can_be_cancelled() async throws {
        let server = try TcpServer([""])
        server.keepOpen()
        let task = Task { try await call(server) }
        while server.requests.isEmpty { await Task.yield() }
        task.cancel()
        let outcome = await codeOf { _ = try await task.value }
        XCTAssertEqual(outcome, "CancellationError")
    }
}

private func call(
    _ server: TcpServer,
    method: String = "GET",
    headers: [String: String] = [:],
    body: [UInt8]? = nil,
    maxBytes: Int = 100
) async throws -> HttpResponse {
    let url = "http://localhost:\(server.port)/path?query=1"
    let request = HttpRequest(method: method, url: url, headers: headers, body: body)
    return try await UrlSessionHttp().call(request, maxBytes: maxBytes)
}

/// Answers one connection after the other with texts. Ends with the test's process.
private final class TcpServer: @unchecked Sendable {
    let port: UInt16
    private let lock = NSLock()
    private var received: [String] = []
    private var open = false

    var requests: [String] {
        lock.lock()
        let requests = received
        lock.unlock()
        return requests
    }

    /// Leaves connections open after the answer.
    func keepOpen() {
        lock.lock()
        open = true
        lock.unlock()
    }

    init(_ answers: [String]) throws {
        #if os(Linux)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        let listener = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            for answer in answers { serve(accept(listener, nil, nil), answer) }
        }
    }

    private func serve(_ connection: Int32, _ answer: String) {
        var request: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while !isComplete(request) {
            let count = recv(connection, &chunk, chunk.count, 0)
            if count <= 0 { break }
            request += chunk.prefix(count)
        }
        lock.lock()
        received.append(String(decoding: request, as: UTF8.self))
        let open = self.open
        lock.unlock()
        let bytes = Array(answer.utf8)
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        if !open { close(connection) }
    }

    private func isComplete(_ request: [UInt8]) -> Bool {
        let text = String(decoding: request, as: UTF8.self)
        guard let head = text.range(of: "\r\n\r\n") else { return false }
        let lines = text[..<head.lowerBound].lowercased().components(separatedBy: "\r\n")
        let length = lines.compactMap { $0.hasPrefix("content-length: ") ? Int($0.dropFirst(16)) : nil }.first ?? 0
        return text[head.upperBound...].utf8.count >= length
    }
}
