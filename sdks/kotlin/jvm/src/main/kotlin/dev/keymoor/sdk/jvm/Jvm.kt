package dev.keymoor.sdk.jvm

import dev.keymoor.sdk.EmbeddedSdk
import dev.keymoor.sdk.Platform
import java.nio.file.Files
import java.nio.file.Path

/** Keeps keys and records in a folder, which is made if it is missing. */
public fun jvmPlatform(folder: Path, password: CharArray): Platform {
    Files.createDirectories(folder)
    return Platform(Pkcs12KeyStore(folder.resolve("keys.p12"), password), FileStore(folder.resolve("passkeys.json")))
}

/**
 * Makes the SDK ready on the JVM.
 *
 * @param folder Where keys and records are kept.
 * @param password Protects the keys.
 */
public fun EmbeddedSdk.init(folder: Path, password: CharArray, allowedDomains: List<String>, logger: (String) -> Unit = {}): Unit =
    init(jvmPlatform(folder, password), allowedDomains, logger)
