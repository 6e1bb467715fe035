import Keymoor
import SwiftUI

/// Lists the passkeys of this device, binds by the links that open the app, and answers requests to sign in.
///
/// Initialize the SDK in the app's `init`, before this view appears:
/// `Embedded.initialize(allowedDomains: ["auth.example.com"], biometricAskPrompt: "Sign in to Acme") { _ in }`.
struct PasskeysView: View {
    @State private var passkeys: [Passkey] = []
    @State private var message = ""
    @State private var request: URL?
    @Environment(\.openURL) private var openURL

    var body: some View {
        NavigationView {
            List {
                ForEach(passkeys, id: \.id) { passkey in
                    Button {
                        act { try await use(passkey) }
                    } label: {
                        VStack(alignment: .leading) {
                            Text(passkey.identity.displayName)
                            Text(passkey.realm.displayName).font(.caption)
                        }
                    }
                }
                .onDelete { indexes in
                    let ids = indexes.map { passkeys[$0].id }
                    act { for id in ids { try await Embedded.shared.deletePasskey(for: id) } }
                }
                Text(message).foregroundColor(.secondary)
            }
            .navigationTitle(request == nil ? "Passkeys" : "Sign in with")
        }
        .task { act {} }
        .onOpenURL(perform: open)
    }

    private func open(_ url: URL) {
        if Embedded.shared.isBindPasskeyUrl(url) {
            act {
                let response = try await Embedded.shared.bindPasskey(url: url)
                if let next = response.postBindingRedirectUri { openURL(next) }
            }
        } else if Embedded.shared.isAuthenticateUrl(url) {
            request = url
        }
    }

    private func use(_ passkey: Passkey) async throws {
        guard let url = request else { return }
        let response = try await Embedded.shared.authenticate(url: url, id: passkey.id)
        request = nil
        openURL(response.redirectUrl)
    }

    /// Does something, and shows what came of it.
    private func act(_ work: @escaping @MainActor () async throws -> Void) {
        Task { @MainActor in
            do {
                try await work()
                message = ""
            } catch let error as KeymoorError where error.code == .cancelled {
                message = ""
            } catch {
                message = error.localizedDescription
            }
            passkeys = (try? await Embedded.shared.getPasskeys()) ?? []
        }
    }
}
