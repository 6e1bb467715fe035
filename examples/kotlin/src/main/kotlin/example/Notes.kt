package example

import dev.keymoor.sdk.EmbeddedSdk
import dev.keymoor.sdk.KeymoorException
import dev.keymoor.sdk.jvm.init
import java.nio.file.Path
import kotlin.system.exitProcess
import kotlinx.coroutines.runBlocking

private const val USAGE = """usage:
  notes bind LINK                     bind a passkey by a link from the API, or by the URL a mailed link led to
  notes list                          list the passkeys of this device
  notes sign-in ISSUER CLIENT_ID ID   sign in with the passkey that `list` calls ID
  notes delete ID                     delete that passkey from this device

environment:
  NOTES_HOME       folder for keys and passkeys
  NOTES_PASSWORD   protects the keys in it
  NOTES_SERVER     host of the Keymoor server, such as auth.example.com or localhost:8021"""

fun main(args: Array<String>) {
    try {
        EmbeddedSdk.init(Path.of(setting("NOTES_HOME")), setting("NOTES_PASSWORD").toCharArray(), listOf(setting("NOTES_SERVER")))
        runBlocking { run(args.toList()) }
    } catch (error: KeymoorException) {
        // The code is for programs, such as one that offers a new link after LINK_EXPIRED.
        stop("${error.code.text}: ${error.message}", status = 1)
    }
}

private suspend fun run(args: List<String>) {
    val sdk = EmbeddedSdk.client
    when {
        args.size == 2 && args[0] == "bind" -> {
            val (passkey, redirectUri) = sdk.bindPasskey(args[1])
            println("bound ${passkey.id} for ${passkey.identity.username}")
            redirectUri?.let { println("continue at $it") }
        }
        args == listOf("list") -> for (passkey in sdk.getPasskeys()) {
            println("${passkey.id} ${passkey.identity.username} in ${passkey.realm.displayName}")
        }
        args.size == 4 && args[0] == "sign-in" -> {
            val signIn = SignIn(issuer = args[1], clientId = args[2])
            val answer = sdk.authenticate(signIn.begin(), args[3])
            println("signed in as ${signIn.redeem(answer.redirectUrl)}")
        }
        args.size == 2 && args[0] == "delete" -> {
            sdk.deletePasskey(args[1])
            println("deleted ${args[1]}")
        }
        else -> stop(USAGE, status = 2)
    }
}

private fun setting(name: String): String = System.getenv(name) ?: stop("set $name\n$USAGE", status = 2)

private fun stop(message: String, status: Int): Nothing {
    System.err.println(message)
    exitProcess(status)
}
