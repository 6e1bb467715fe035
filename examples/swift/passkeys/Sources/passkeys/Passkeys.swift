import Foundation
import Keymoor
import KeymoorLinux

/// Binds passkeys to a folder of this machine, lists them, signs in with them and deletes them.
@main
enum Passkeys {
    static func main() async {
        do {
            try await run(Array(CommandLine.arguments.dropFirst()))
        } catch let error as KeymoorError {
            fail("\(error.code.rawValue): \(error.message)")
        } catch {
            fail("\(error)")
        }
    }

    private static func run(_ arguments: [String]) async throws {
        guard arguments.count >= 3 else { fail(usage) }
        let folder = URL(fileURLWithPath: arguments[0], isDirectory: true)
        try Embedded.initialize(folder: folder, allowedDomains: [arguments[1]])
        let embedded = Embedded.shared
        switch (arguments[2], Array(arguments.dropFirst(3))) {
        case ("bind", let rest) where rest.count == 1:
            let response = try await embedded.bindPasskey(url: try url(rest[0]))
            print(response.passkey.id.value)
        case ("list", []):
            for passkey in try await embedded.getPasskeys() {
                print(passkey.id.value, passkey.passkeyId.value, passkey.keyLevel.rawValue, passkey.identity.username)
            }
        case ("ask", let rest) where rest.count == 1:
            let context = try await embedded.getAuthenticationContext(url: try url(rest[0]))
            print(context.application.displayName ?? context.application.id)
        case ("sign-in", let rest) where rest.count == 2:
            let response = try await embedded.authenticate(url: try url(rest[0]), id: Passkey.Id(rest[1]))
            print(response.redirectUrl.absoluteString)
        case ("delete", let rest) where rest.count == 1:
            try await embedded.deletePasskey(for: Passkey.Id(rest[0]))
        default: fail(usage)
        }
    }

    private static func url(_ text: String) throws -> URL {
        guard let url = URL(string: text) else { throw KeymoorError(.invalidUrl, "this is no URL") }
        return url
    }

    private static let usage = """
        usage: passkeys FOLDER HOST bind LINK
               passkeys FOLDER HOST list
               passkeys FOLDER HOST ask SIGN-IN-URL
               passkeys FOLDER HOST sign-in SIGN-IN-URL ID
               passkeys FOLDER HOST delete ID
        """

    private static func fail(_ message: String) -> Never {
        FileHandle.standardError.write(Data("\(message)\n".utf8))
        exit(1)
    }
}
