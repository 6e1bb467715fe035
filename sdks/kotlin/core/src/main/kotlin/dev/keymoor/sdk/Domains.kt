package dev.keymoor.sdk

/** The hosts that may be called. */
internal class Domains(entries: List<String>) {
    private val allowed: List<Host> = entries.map { entry ->
        val expected = "\"host\" or \"host:port\", other alphabets as \"xn--…\""
        parseHost(entry) ?: fail(ErrorCode.INVALID_CONFIG, "allowedDomains takes $expected, not \"$entry\"")
    }

    /** Returns what to call, written anew from what was checked. */
    fun requireAllowed(text: String): String {
        val address = parseAddress(text) ?: fail(ErrorCode.INVALID_URL, "an address to call is no absolute URL")
        if (!isEncryptedOrLocal(address)) {
            fail(ErrorCode.DISALLOWED_DOMAIN, "${address.origin} must use https. Plain http is for localhost only")
        }
        if (allowed.none { covers(it, address) }) {
            val host = address.origin.substringAfter("://")
            val list = allowed.joinToString().ifEmpty { "none" }
            val fix = "Add it to the allowedDomains of EmbeddedSdk.init"
            fail(ErrorCode.DISALLOWED_DOMAIN, "$host is not one of the allowed domains ($list). $fix")
        }
        return address.href
    }

    private fun covers(domain: Host, address: Address): Boolean =
        (address.host.name == domain.name || address.host.name.endsWith(".${domain.name}")) &&
            (domain.port == null || domain.port == address.port)

    // RFC 6761 section 6.3: names under localhost never leave the machine.
    private fun isEncryptedOrLocal(address: Address): Boolean = address.scheme == "https" ||
        (address.scheme == "http" && (address.host.name == "localhost" || address.host.name.endsWith(".localhost")))
}
