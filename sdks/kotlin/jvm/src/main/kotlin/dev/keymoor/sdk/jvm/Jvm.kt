package dev.keymoor.sdk.jvm

import dev.keymoor.sdk.EmbeddedSdk
import dev.keymoor.sdk.ErrorCode
import dev.keymoor.sdk.KeymoorException
import dev.keymoor.sdk.Platform
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path

/**
 * Stores keys and records in a folder, which is created if it is missing.
 *
 * @throws KeymoorException `STORAGE` if the folder can't be created.
 */
public fun jvmPlatform(folder: Path, password: CharArray): Platform {
    try {
        Files.createDirectories(folder)
    } catch (error: IOException) {
        throw KeymoorException(ErrorCode.STORAGE, "the folder $folder can't be created", error)
    }
    return Platform(Pkcs12KeyStore(folder.resolve("keys.p12"), password), FileStore(folder.resolve("passkeys.json")))
}

/**
 * Initializes the SDK on the JVM.
 *
 * @param folder Where keys and records are stored.
 * @param password Protects the keys.
 */
public fun EmbeddedSdk.init(folder: Path, password: CharArray, allowedDomains: List<String>, logger: (String) -> Unit = {}): Unit =
    init(jvmPlatform(folder, password), allowedDomains, logger)
