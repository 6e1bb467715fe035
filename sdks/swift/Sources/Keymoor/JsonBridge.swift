import Foundation

/// Calls by name, one JSON text in and one out, for other languages on the same device.
///
/// The answer is `{"value": …}` or `{"error": {"code", "message"}}`. sdks/vectors/bridge.json has examples.
public struct JsonBridge: Sendable {
    private let client: KeymoorClient

    public init(_ client: KeymoorClient) { self.client = client }

    /// Makes one call. Throws nothing but `CancellationError`.
    public func call(method: String, arguments: String) async throws -> String {
        do {
            guard let json = try? parseJson(Array(arguments.utf8)) else {
                throw KeymoorError(.invalidRequest, "the arguments are no JSON")
            }
            let value = try await run(method, try Fields(json, "arguments", .invalidRequest))
            return writeJson(["value": value])
        } catch let error as KeymoorError {
            let failure: Json = ["code": .string(error.code.rawValue), "message": .string(error.message)]
            return writeJson(["error": failure])
        }
    }

    private func run(_ method: String, _ arguments: Fields) async throws -> Json {
        switch method {
        case "isBindPasskeyUrl": return .bool(client.isBindPasskeyUrl(try arguments.string("url")))
        case "isAuthenticateUrl": return .bool(client.isAuthenticateUrl(try arguments.string("url")))
        case "bindPasskey":
            let (passkey, redirect) = try await client.bind(try arguments.string("url"))
            return ["passkey": passkey.json, "postBindingRedirectUri": Json(redirect)]
        case "authenticate":
            let id = Passkey.Id(try arguments.string("id"))
            return signedIn(try await client.authenticate(url: try arguments.string("url"), id: id))
        case "getAuthenticationContext":
            return context(try await client.getAuthenticationContext(url: try arguments.string("url")))
        case "getPasskeys": return .array(try await client.passkeyRecords().map(\.json))
        case "deletePasskey":
            try await client.deletePasskey(for: Passkey.Id(try arguments.string("id")))
            return .null
        case "authenticateOtp":
            let (url, email) = (try arguments.string("url"), try arguments.string("email"))
            return ["url": .string(try await client.authenticateOtp(url: url, email: email).url.absoluteString)]
        case "redeemOtp":
            let (url, otp) = (try arguments.string("url"), try arguments.string("otp"))
            switch try await client.redeemOtp(url: url, otp: otp) {
            case .success(let answer): return signedIn(answer)
            case .failedOtp(let answer): return ["url": .string(answer.url.absoluteString)]
            }
        default: throw KeymoorError(.invalidRequest, "this SDK has no such method")
        }
    }

    private func signedIn(_ answer: AuthenticateResponse) -> Json {
        [
            "redirectUrl": .string(answer.redirectUrl.absoluteString),
            "message": Json(answer.message),
            "passkeyBindingToken": Json(answer.passkeyBindingToken),
        ]
    }

    private func context(_ context: AuthenticationContext) -> Json {
        [
            "authUrl": .string(context.authUrl.absoluteString),
            "application": [
                "id": .string(context.application.id), "displayName": Json(context.application.displayName),
            ],
            "origin": [
                "sourceIp": Json(context.origin.sourceIp),
                "userAgent": Json(context.origin.userAgent),
                "geolocation": Json(context.origin.geolocation),
                "referer": Json(context.origin.referer),
            ],
            "authMethods": context.authMethods.map { .array($0.map(Json.string)) } ?? .null,
        ]
    }
}
