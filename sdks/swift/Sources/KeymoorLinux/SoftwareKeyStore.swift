#if os(Linux)
import Foundation
import Keymoor

/// Keeps keys in files that only their owner can read, unencrypted: for tests, and servers whose disk is protected.
public struct SoftwareKeyStore: KeyStore {
    private let folder: URL

    /// - Parameter folder: Where keys are kept.
    public init(folder: URL) { self.folder = folder }

    public func create() async throws -> CreatedKey {
        guard let key = LibCryptoKey.generate() else { throw KeymoorError(.unsupported, "libcrypto made no key") }
        let handle = KeyHandle(UUID().uuidString.lowercased())
        do {
            try replaceFile(try file(handle), with: key.privateKey)
        } catch {
            throw KeymoorError(.unsupported, "this device could not store a key", underlying: error)
        }
        return CreatedKey(handle: handle, publicKey: key.publicJwk, level: .software)
    }

    public func sign(_ handle: KeyHandle, data: [UInt8]) async throws -> [UInt8] {
        guard let bytes = try? Data(contentsOf: try file(handle)), let key = LibCryptoKey.read(Array(bytes)) else {
            throw KeymoorError(.passkeyNotFound, "the passkey's key is gone")
        }
        guard let signature = key.sign(data) else { throw KeymoorError(.unsupported, "libcrypto made no signature") }
        return signature
    }

    public func delete(_ handle: KeyHandle) async throws {
        let path = try file(handle)
        guard FileManager.default.fileExists(atPath: path.path) else { return }
        do {
            try FileManager.default.removeItem(at: path)
        } catch {
            throw KeymoorError(.unsupported, "this device could not delete a key", underlying: error)
        }
    }

    /// Handles are read from the records, and must not lead out of the folder.
    private func file(_ handle: KeyHandle) throws -> URL {
        guard UUID(uuidString: handle.value) != nil else {
            throw KeymoorError(.passkeyNotFound, "the passkey's key is gone")
        }
        return folder.appendingPathComponent("\(handle.value).der")
    }
}

extension Platform {
    /// Keeps keys and records in a folder, which is made if it is missing.
    ///
    /// - Throws: `storage` if the folder can't be made.
    public static func linux(folder: URL) throws -> Platform {
        do {
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw KeymoorError(.storage, "\(folder.path) can't be made", underlying: error)
        }
        return Platform(
            keys: SoftwareKeyStore(folder: folder),
            store: FileStore(file: folder.appendingPathComponent("passkeys.json")),
            cryptography: LibCrypto()
        )
    }
}

extension Embedded {
    /// Makes the SDK ready on Linux.
    ///
    /// - Parameters:
    ///   - folder: Where keys and records are kept.
    ///   - allowedDomains: Hosts that may be called, each as `host` (any port) or `host:port`. Subdomains are included.
    ///   - logger: Receives what the SDK does, step by step and without secrets.
    public static func initialize(
        folder: URL,
        allowedDomains: [String],
        logger: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        try initialize(platform: try .linux(folder: folder), allowedDomains: allowedDomains, logger: logger)
    }
}
#endif
