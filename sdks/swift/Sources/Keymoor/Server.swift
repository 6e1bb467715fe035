/// What a call is about: the same status means other things for a binding link than for a sign-in.
enum Subject: Sendable {
    case link
    case signIn
}

/// An answer other than 2xx.
struct Refused: Error {
    let status: Int
    let isInServersWords: Bool
}

/// Calls the server and reads its JSON object. Nothing outside the allowed domains is ever called.
struct Server: Sendable {
    let http: any Http
    let domains: Domains

    func get(_ url: String, _ subject: Subject) async throws -> Fields {
        try await call(subject, "GET", url, [:], nil)
    }

    func post(_ url: String, _ subject: Subject, headers: [String: String], body: String) async throws -> Fields {
        try await call(subject, "POST", url, headers, Array(body.utf8))
    }

    private func call(
        _ subject: Subject,
        _ method: String,
        _ url: String,
        _ headers: [String: String],
        _ body: [UInt8]?
    ) async throws -> Fields {
        let address = try domains.requireAllowed(url)
        let all = headers.merging(["accept": "application/json"]) { $1 }
        let response = try await send(HttpRequest(method: method, url: address, headers: all, body: body))
        let json = Result { try parseJson(response.body) }
        if !(200...299 ~= response.status) { throw serverError(subject, response.status, try? json.get()) }
        switch json {
        case .success(let value): return try Fields(value, "answer", .invalidResponse)
        case .failure(let error):
            let reason = (error as? JsonError)?.reason ?? ""
            throw KeymoorError(.invalidResponse, "\(place(address)) didn't answer with JSON: \(reason)")
        }
    }

    private func send(_ request: HttpRequest) async throws -> HttpResponse {
        let response: HttpResponse
        do {
            response = try await http.call(request, maxBytes: maxJsonBytes)
        } catch {
            if error is CancellationError || Task.isCancelled { throw CancellationError() }
            throw KeymoorError(.network, "no answer from \(place(request.url))", underlying: error)
        }
        if 300...399 ~= response.status {
            // A redirect would leave the hosts that were checked.
            throw KeymoorError(.network, "\(place(request.url)) answered with a redirect")
        }
        return response
    }
}

/// The query may be a secret.
private func place(_ address: String) -> Substring { address.prefix { $0 != "?" } }

private let linkStates: [String: ErrorCode] = [
    "complete": .linkComplete, "expired": .linkExpired, "revoked": .linkRevoked,
]

/// What an answer other than 2xx means.
///
/// - Parameter body: Whatever JSON came with it, if any. None of its words are shown.
func serverError(_ subject: Subject, _ status: Int, _ body: Json?) -> KeymoorError {
    var details: [Json] = []
    if case .array(let items)? = body?["details"] { details = items }
    let code: ErrorCode
    switch (status, subject) {
    case (500..., _): code = .server
    case (429, _): code = .rateLimited
    case (403, .signIn): code = .untrustedOrigin
    case (_, .signIn): code = .invalidRequest
    case (404, .link): code = .linkNotFound
    case (409, .link):
        code = details.lazy.compactMap { $0["description"]?.text.flatMap { linkStates[$0] } }.first ?? .invalidRequest
    case (403, .link):
        let isOrigin = details.contains { $0["resource_type"]?.text == "Origin" }
        code = isOrigin ? .untrustedOrigin : .userSuspended
    case (_, .link): code = .invalidRequest
    }
    let cause = Refused(status: status, isInServersWords: body?["code"]?.text != nil)
    return KeymoorError(code, "the server answered \(status) (\(code.rawValue))", underlying: cause)
}

extension KeymoorError {
    /// Whether the server has said that it did not accept the key that a call offered.
    ///
    /// - Parameter isRepeat: Whether an earlier call with the same key may have arrived. What stands in the way of the
    ///   later one then says nothing about the key, unless it is about the proof or the link's state.
    func isRefusal(isRepeat: Bool) -> Bool {
        guard let refused = underlying as? Refused else { return false }
        // What stands between may refuse an answer, but not in the server's words.
        if refused.status >= 500 || !refused.isInServersWords { return false }
        return !isRepeat || refused.status == 400 || refused.status == 409
    }

    /// Whether the server may have done what a call asked for, although its answer did not arrive.
    var isLost: Bool { code == .network || code == .server || code == .invalidResponse }
}
