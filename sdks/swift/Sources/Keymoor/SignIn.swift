import Foundation

/// A server that always asks again must not keep a person at the prompt for ever.
private let maxProofs = 5

/// Covers a device clock that is an hour off, as it is after a missed change to summer time.
private let proofLifeS: Int64 = 4_200

/// base64 of `[]`: this SDK has no facts about the device to report.
private let noFacts: Json = "W10="

let sdkVersion = "0.1.0"

/// Answers sign-in requests.
struct SignIn: Sendable {
    let platform: Platform
    let server: Server
    let records: RecordStore

    /// Signs in to a verified request with a passkey of this device.
    func authenticate(_ request: SignInRequest, id: String) async throws -> AuthenticateResponse {
        guard let stored = try await records.load().passkeys.first(where: { isSame($0.passkey.id, id) }) else {
            throw KeymoorError(.passkeyNotFound, "this device holds no passkey with that id")
        }
        let owner = stored.passkey.owner
        if !isSame(owner.tenantId, request.tenantId) || !isSame(owner.realmId, request.realmId) {
            throw KeymoorError(.invalidRequest, "the sign-in request is for another realm than the passkey")
        }
        let step = try await run(request, request.firstStep) { transaction in
            let header: Json = ["alg": "ES256", "kid": .string(stored.kid)]
            let claims = try await claims(request, owner.distinguishedName, transaction)
            return try await compactJws(
                platform.keys,
                stored.passkey.keyHandle,
                header: header,
                claims: .object(claims)
            )
        }
        guard case .allow(let answer) = step else {
            throw KeymoorError(.invalidResponse, "the server asks for a one-time code")
        }
        return try allowed(request, answer)
    }

    /// Has a one-time code mailed.
    func beginOtp(_ request: SignInRequest, email: String) async throws -> Step.Transaction {
        let control: Json = ["control": "email_otp_initiate"]
        let step = try await run(request, request.firstStep) { try await unsigned(request, email, $0, control) }
        guard case .challenge(let transaction) = step else {
            throw KeymoorError(.invalidResponse, "the server sent no one-time code")
        }
        return transaction
    }

    /// Redeems a one-time code.
    func redeemOtp(
        _ request: SignInRequest,
        email: String,
        _ challenge: Step.Transaction,
        otp: String
    ) async throws -> Step {
        let control: Json = ["control": "otp_redeem", "otp": .string(otp)]
        return try await run(request, .prove(challenge)) { try await unsigned(request, email, $0, control) }
    }

    func allowed(_ request: SignInRequest, _ answer: Step.Allowed) throws -> AuthenticateResponse {
        guard let url = URL(string: request.redirectUrl(code: answer.code)) else {
            throw KeymoorError(.invalidRequest, "the sign-in request leads to no address an application may go to")
        }
        return AuthenticateResponse(
            redirectUrl: url,
            message: answer.message,
            passkeyBindingToken: answer.bindingToken
        )
    }

    /// Proves as often as the server asks, and returns what it says then. A denial is a failure.
    private func run(
        _ request: SignInRequest,
        _ first: Step,
        prove: (Step.Transaction) async throws -> String
    ) async throws -> Step {
        var step = first
        var proofs = 0
        while case .prove(let transaction) = step {
            if proofs == maxProofs { throw KeymoorError(.invalidResponse, "the server keeps asking for proofs") }
            proofs += 1
            let headers = [
                "content-type": "application/x-www-form-urlencoded",
                "x-correlation-id": request.correlationId,
            ]
            let proof = writeJson(["Jwt": .string(try await prove(transaction))])
            let body = "claims=\(formEncode(proof))"
            let answer = try await server.post(request.endpoint, .signIn, headers: headers, body: body)
            step = try readStep(try answer.string("type"), answer, .invalidResponse)
        }
        if case .deny(let message) = step {
            let text = message ?? ""
            throw KeymoorError(.policyDenied, text.isEmpty ? "sign-in was refused" : text)
        }
        return step
    }

    private func claims(
        _ request: SignInRequest,
        _ sub: String,
        _ transaction: Step.Transaction
    ) async throws -> [Json.Member] {
        let nowS = floorDivide(platform.now(), 1_000)
        let claims: KeyValuePairs<String, Json> = [
            "iss": .string("\(try await records.load().instanceId):\(sdkVersion)"),
            "sub": .string(sub),
            "aud": [.string(request.endpoint)],
            "iat": .number(Double(nowS)),
            "exp": .number(Double(nowS + proofLifeS)),
            "nbf": .number(Double(nowS - proofLifeS)),
            "jti": .string(newId()),
            "bi_tid": .string(transaction.id),
            "bi_non": .string(transaction.nonce),
            "bi_prf": noFacts,
            "bi_pol_ver": .string(policyVersion),
            "flow_type": "embedded",
        ]
        return claims.map { Json.Member(name: $0.key, value: $0.value) }
    }

    /// Proves nothing: the code does.
    private func unsigned(
        _ request: SignInRequest,
        _ email: String,
        _ transaction: Step.Transaction,
        _ control: Json
    ) async throws -> String {
        let sub = "MAIL=\(email), OU=\(request.realmId), O=\(request.tenantId)"
        let control = Json.Member(name: "authentication_control", value: control)
        let claims = Json.object(try await claims(request, sub, transaction) + [control])
        let header: Json = ["alg": "none"]
        return [header, claims].map { base64Url(Array(writeJson($0).utf8)) + "." }.joined()
    }
}
