import Foundation

/// Keeps the records in a file that only its owner can read.
public struct FileStore: Store {
    private let file: URL

    /// - Parameter file: Its folder must exist.
    public init(file: URL) { self.file = file }

    public func read() async throws -> String? {
        do {
            let bytes = try Data(contentsOf: file)
            guard let text = decodeUtf8(Array(bytes)) else { throw CocoaError(.fileReadCorruptFile) }
            return text
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        }
    }

    public func write(_ text: String) async throws { try replaceFile(file, with: Array(text.utf8)) }
}

/// Replaces a file as a whole, by another that is on the disk first.
package func replaceFile(_ file: URL, with bytes: [UInt8]) throws {
    let fresh = file.path + ".\(UUID().uuidString).new"
    do {
        try writeNew(fresh, bytes)
        try check(rename(fresh, file.path))
    } catch {
        unlink(fresh)
        throw error
    }
    // The new name outlives a crash once its folder is on the disk.
    let folder = open(file.deletingLastPathComponent().path, O_RDONLY)
    if folder >= 0 {
        fsync(folder)
        close(folder)
    }
}

private func writeNew(_ path: String, _ bytes: [UInt8]) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    try check(descriptor)
    do {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            try check(Int32(clamping: count))
            written += count
        }
        try check(fsync(descriptor))
    } catch {
        close(descriptor)
        throw error
    }
    try check(close(descriptor))
}

private func check(_ result: Int32) throws {
    if result < 0 { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
