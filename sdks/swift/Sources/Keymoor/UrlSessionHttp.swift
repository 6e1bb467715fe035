import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

private let timeoutS = 30.0

/// Calls by `URLSession`, with a session for each call: a connection that was kept could break, and the system would
/// send a POST a second time on its own.
public struct UrlSessionHttp: Http {
    public init() {}

    public func call(_ request: HttpRequest, maxBytes: Int) async throws -> HttpResponse {
        // What is connected to must be what was checked, whatever `URL` makes of the text.
        guard let url = URL(string: request.url), let checked = parseAddress(request.url)?.origin,
            parseAddress(url.absoluteString)?.origin == checked
        else { throw URLError(.badURL) }
        var call = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: timeoutS)
        call.httpMethod = request.method
        call.httpShouldHandleCookies = false
        call.httpBody = request.body.map { Data($0) }
        for (name, value) in request.headers { call.setValue(value, forHTTPHeaderField: name) }
        let exchange = Exchange(maxBytes: maxBytes)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { exchange.start(call, $0) }
        } onCancel: {
            exchange.cancel()
        }
    }
}

/// One request and its answer, whose parts arrive on a queue of the system.
private final class Exchange: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let maxBytes: Int
    private let lock = NSLock()
    private var continuation: CheckedContinuation<HttpResponse, any Error>?
    private var session: URLSession?
    private var status = 0
    private var body: [UInt8] = []
    private var isCancelled = false

    init(maxBytes: Int) { self.maxBytes = maxBytes }

    func start(_ request: URLRequest, _ continuation: CheckedContinuation<HttpResponse, any Error>) {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpCookieStorage = nil
        configuration.urlCache = nil
        configuration.timeoutIntervalForResource = timeoutS
        let session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
        lock.lock()
        self.continuation = continuation
        self.session = session
        let isCancelled = self.isCancelled
        lock.unlock()
        if isCancelled { return finish(.failure(CancellationError())) }
        session.dataTask(with: request).resume()
    }

    func cancel() {
        lock.lock()
        isCancelled = true
        lock.unlock()
        finish(.failure(CancellationError()))
    }

    /// Hands over what came, once, and ends the session. What comes later is dropped.
    private func finish(_ result: Result<HttpResponse, any Error>) {
        lock.lock()
        let (continuation, session) = (self.continuation, self.session)
        self.continuation = nil
        lock.unlock()
        guard let continuation else { return }
        session?.invalidateAndCancel()
        continuation.resume(with: result)
    }

    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest,
        completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
        finish(.success(HttpResponse(status: response.statusCode, body: [])))
    }

    func urlSession(
        _ session: URLSession,
        dataTask: URLSessionDataTask,
        didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        status = (response as? HTTPURLResponse)?.statusCode ?? 0
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        // One byte more than allowed, so that the caller sees that there is more.
        body += data.prefix(maxBytes + 1 - body.count)
        if body.count > maxBytes { finish(.success(HttpResponse(status: status, body: body))) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        finish(error.map { .failure($0) } ?? .success(HttpResponse(status: status, body: body)))
    }
}
