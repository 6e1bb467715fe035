/// What the server wants next: a proof, or nothing more.
enum Step: Sendable {
    case prove(Transaction)
    case allow(Allowed)
    case deny(message: String?)

    /// A one-time code was sent, or another try is allowed.
    case challenge(Transaction)

    struct Transaction: Sendable {
        let id: String
        let nonce: String
    }

    struct Allowed: Sendable {
        let code: String
        let message: String?
        let bindingToken: String?
    }
}

/// The only way of proving that this SDK speaks.
let policyVersion = "v3"

/// A verified request to sign in.
struct SignInRequest: Sendable {
    let redirectUri: String
    let baseUrl: String
    let tenantId: String
    let realmId: String
    let applicationId: String
    let applicationName: String?
    let state: String?
    let correlationId: String
    let firstStep: Step
    let methods: [String]?
    let origin: AuthenticationContext.Origin

    init(_ claims: Fields) throws {
        let authn = try claims.object("authn")
        redirectUri = try authn.string("redirect_uri")
        let base = try authn.string("base_url")
        baseUrl = base.hasSuffix("/") ? String(base.dropLast()) : base
        tenantId = try authn.string("tid")
        realmId = try authn.string("rid")
        applicationId = try authn.string("aid")
        let hasApplication = authn.has("application")
        applicationName = hasApplication ? try authn.object("application").optionalString("display_name") : nil
        state = try authn.optionalString("state")
        correlationId = try claims.string("cid")
        firstStep = try readAction(try authn.object("action"))
        methods = try readMethods(authn)
        origin = try readOrigin(claims)
        if !isPrintable(correlationId) { throw refused("has a cid that is no header") }
        if !isSafeDestination(redirectUri) { throw refused("leads to no address an application may go to") }
    }

    var endpoint: String {
        let realm = "\(baseUrl)/v1/tenants/\(segment(tenantId))/realms/\(segment(realmId))"
        return "\(realm)/applications/\(segment(applicationId))/bi-authenticate"
    }

    /// The registered address stays letter for letter as it is.
    func redirectUrl(code: String) -> String {
        var query = "code=\(formEncode(code))"
        if let state { query += "&state=\(formEncode(state))" }
        return "\(redirectUri)\(redirectUri.utf8.contains(UInt8(ascii: "?")) ? "&" : "?")\(query)"
    }
}

private func segment(_ text: String) -> String {
    formEncode(text).split(separator: "+", omittingEmptySubsequences: false).joined(separator: "%20")
}

private func readMethods(_ authn: Fields) throws -> [String]? {
    guard authn.has("authenticator_config") else { return nil }
    let config = try authn.object("authenticator_config").object("config")
    guard config.has("authentication_methods") else { return nil }
    return try config.objects("authentication_methods").map { method in
        let type = try method.string("type")
        // The older name of the same kind.
        return type == "subtle_crypto_passkey" ? "software_passkey" : type
    }
}

private func readOrigin(_ claims: Fields) throws -> AuthenticationContext.Origin {
    let origin = claims.has("origin") ? try claims.object("origin") : nil
    return AuthenticationContext.Origin(
        sourceIp: try origin?.optionalString("ip"),
        userAgent: try origin?.optionalString("ua"),
        geolocation: try origin?.optionalString("geo"),
        referer: try origin?.optionalString("ref")
    )
}

/// An action is an object with one member, named after the step.
private func readAction(_ action: Fields) throws -> Step {
    let type = action.members.first?.name ?? "none"
    return try readStep(type, try action.object(type), .invalidRequest)
}

/// Reads the members of one step. Fails with `code` if it is none that this SDK can take.
func readStep(_ type: String, _ step: Fields, _ code: ErrorCode) throws -> Step {
    let transaction = {
        Step.Transaction(id: try step.string("transaction_id"), nonce: try step.string("nonce"))
    }
    switch type {
    case "prove":
        if try step.string("bi_pol_ver") == policyVersion { return .prove(try transaction()) }
    case "allow":
        let token = try step.optionalString("passkey_binding_token")
        let message = try step.optionalString("message")
        return .allow(Step.Allowed(code: try step.string("code"), message: message, bindingToken: token))
    case "deny": return .deny(message: try step.optionalString("message"))
    case "continue": return .challenge(try transaction())
    default: break
    }
    throw KeymoorError(code, "the server asks for a step this SDK doesn't know")
}

private func refused(_ reason: String, _ underlying: (any Error)? = nil) -> KeymoorError {
    KeymoorError(.invalidRequest, "the sign-in request \(reason)", underlying: underlying)
}

/// Seconds by which a request may be late or early.
///
/// The request is judged by the device's clock, which may be a little off; the server judges again by its own, so this
/// only decides who says no first.
private let clockLeewayS = 60.0

/// Verifies request JWTs (RFC 7515 section 5.2, RFC 7519 section 7.2).
actor RequestVerifier {
    /// A `kid` says nothing outside its own key set, so all three name a key here, as bytes.
    private struct KeyName: Hashable {
        let jku: [UInt8]
        let kid: [UInt8]
        let alg: RequestAlgorithm
    }

    private let server: Server
    private let cryptography: any Cryptography
    private var keys: [KeyName: any VerifyingKey] = [:]

    init(_ server: Server, _ cryptography: any Cryptography) {
        self.server = server
        self.cryptography = cryptography
    }

    func verify(_ jwt: String, nowMs: Int64) async throws -> SignInRequest {
        let parts = jwt.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map {
            String($0) ?? ""
        }
        if parts.count != 3 || parts.contains("") { throw refused("is no signed JWT") }
        let header = try decode(parts[0], "request header")
        let claims = try decode(parts[1], "request")
        guard let signature = fromBase64Url(parts[2]) else { throw refused("is malformed") }
        guard let alg = RequestAlgorithm(rawValue: try header.string("alg")) else {
            throw refused("is signed with an algorithm that this SDK does not know")
        }
        if header.has("crit") { throw refused("has a critical header this SDK does not know") }
        let key = try await find(try header.string("jku"), try header.string("kid"), alg)
        if !key.verify(signature, of: Array("\(parts[0]).\(parts[1])".utf8)) { throw refused("has a wrong signature") }
        let nowS = Double(nowMs) / 1_000
        if try claims.number("exp") + clockLeewayS <= nowS { throw refused("has expired") }
        if try claims.number("nbf") - clockLeewayS > nowS { throw refused("is not valid yet") }
        let request = try SignInRequest(claims)
        try server.domains.requireAllowed(request.baseUrl)
        return request
    }

    private func decode(_ part: String, _ path: String) throws -> Fields {
        guard let bytes = fromBase64Url(part) else { throw refused("is malformed") }
        do {
            return try Fields(try parseJson(bytes), path, .invalidRequest)
        } catch let error as JsonError {
            throw refused("is malformed", error)
        }
    }

    private func find(_ jku: String, _ kid: String, _ alg: RequestAlgorithm) async throws -> any VerifyingKey {
        let name = KeyName(jku: Array(jku.utf8), kid: Array(kid.utf8), alg: alg)
        if let key = keys[name] { return key }
        let set = try await server.get(jku, .signIn).objects("keys")
        let isNamed = { (key: Fields) in key.value["kid"]?.text.map { isSame($0, kid) } ?? false }
        guard let found = set.first(where: isNamed) else { throw refused("is signed by an unknown key") }
        let key = try alg.importKey(try Fields(found.value, "key", .invalidRequest), cryptography)
        keys[name] = key
        return key
    }
}
