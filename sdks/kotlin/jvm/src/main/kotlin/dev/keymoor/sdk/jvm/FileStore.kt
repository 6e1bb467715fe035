package dev.keymoor.sdk.jvm

import dev.keymoor.sdk.Store
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardOpenOption.READ
import java.nio.file.StandardOpenOption.WRITE
import java.nio.file.attribute.FileAttribute
import java.nio.file.attribute.PosixFilePermissions
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** Keeps the records in a file that only its owner can read. */
public class FileStore(private val file: Path) : Store {
    override suspend fun read(): String? = withContext(Dispatchers.IO) {
        try {
            String(Files.readAllBytes(file))
        } catch (_: NoSuchFileException) {
            null
        }
    }

    override suspend fun write(text: String): Unit = withContext(Dispatchers.IO) {
        replaceFile(file) { Files.write(it, text.toByteArray()) }
    }
}

/** Replaces a file as a whole, by another that is on the disk first. */
internal fun replaceFile(file: Path, write: (Path) -> Unit) {
    val folder = file.toAbsolutePath().parent
    val fresh = Files.createTempFile(folder, "${file.fileName}.", ".new", *ownerOnly(folder))
    try {
        write(fresh)
        FileChannel.open(fresh, WRITE).use { it.force(true) }
        Files.move(fresh, file, ATOMIC_MOVE)
    } finally {
        Files.deleteIfExists(fresh)
    }
    // The move itself outlives a crash once its folder is on the disk. Windows can't open folders.
    runCatching { FileChannel.open(folder, READ).use { it.force(true) } }
}

private fun ownerOnly(folder: Path): Array<FileAttribute<*>> {
    val isPosix = "posix" in folder.fileSystem.supportedFileAttributeViews()
    return if (isPosix) arrayOf(PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))) else emptyArray()
}
