package dev.keymoor.sdk

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction

// The grammar of docs/reference/links.md. No URL class decides what a link is.

private const val MAX_LENGTH = 16_384
private val PARTS = Regex("""([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#([^#]*))?""")
private val HOST = Regex("""(\[[0-9A-Fa-f:.]+]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::([0-9]{1,5}))?""")
private val NUMBER = Regex("""(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)""")
private val OCTET = Regex("25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]")
private val ADDED_BY_HOSTS = Regex("""(/index\.html?|\.html?|/)$""")
private const val ID = "([A-Za-z0-9_-][A-Za-z0-9_.-]{0,127})"
private val ONE_ID = Regex(ID)
private val API_PATH =
    Regex("/v1/tenants/$ID/realms/$ID/identities/$ID/credential-binding-jobs/$ID:invokeAuthenticator")
private val USUAL_PORTS = mapOf("http" to 80, "https" to 443)

private class Parts(val scheme: String, val authority: String, val path: String, val query: String, val fragment: String?)

private fun partsOf(text: String): Parts? {
    if (text.length > MAX_LENGTH || text.any { it !in '!'..'~' || it == '\\' }) return null
    val found = PARTS.matchEntire(text) ?: return null
    val (scheme, authority, path, query) = found.destructured
    return Parts(scheme.lowercase(), authority, path, query, found.groups[5]?.value)
}

/** A host, comparable as text, and a port, if any. */
internal data class Host(val name: String, val port: Int?) {
    override fun toString(): String = if (port == null) name else "$name:$port"
}

internal fun parseHost(text: String): Host? {
    val found = HOST.matchEntire(text) ?: return null
    val name = found.groupValues[1].lowercase()
    val port = found.groups[2]?.value?.toInt()
    if (".." in name || (port != null && port !in 1..65_535)) return null
    if (NUMBER.matches(name) && !isIpv4(name)) return null
    return Host(name, port)
}

private fun isIpv4(name: String): Boolean {
    val parts = name.split('.')
    return parts.size == 4 && parts.all(OCTET::matches)
}

/** Something that can be called, once its host is known to be allowed. */
internal class Address(val scheme: String, val host: Host, path: String, query: String) {
    val port: Int? = host.port ?: USUAL_PORTS[scheme]
    val origin: String = "$scheme://${host.name}${if (port == USUAL_PORTS[scheme]) "" else ":$port"}"

    /** Written anew, so that what is called is what was checked. */
    val href: String = origin + path.ifEmpty { "/" } + if (query.isEmpty()) "" else "?$query"
}

internal fun parseAddress(text: String): Address? {
    val parts = partsOf(text) ?: return null
    if (parts.fragment != null) return null
    val host = parseHost(parts.authority) ?: return null
    return Address(parts.scheme, host, parts.path, parts.query)
}

/** A binding job and the token that lets a device work on it. */
internal data class BindingJob(
    val apiBaseUrl: String,
    val tenantId: String,
    val realmId: String,
    val identityId: String,
    val jobId: String,
    val token: String,
) {
    val owner: Owner get() = Owner(tenantId, realmId, identityId)

    // Data classes print their members.
    override fun toString(): String = "BindingJob($jobId)"
}

/** Reads either form of a binding link, the API's and the application's. */
internal fun parseBindLink(text: String): BindingJob? = parseApiLink(text) ?: parseAppLink(text)

private fun parseApiLink(text: String): BindingJob? {
    val parts = partsOf(text) ?: return null
    val (tenant, realm, identity, job) = API_PATH.matchEntire(parts.path)?.destructured ?: return null
    val host = parseHost(parts.authority) ?: return null
    val token = readQuery(parts.query, listOf("token"))?.get("token") ?: return null
    return BindingJob(Address(parts.scheme, host, "", "").origin, tenant, realm, identity, job, token)
}

private val PARAMETERS = listOf("api_base_url", "tenant_id", "realm_id", "identity_id", "job_id", "token")

private fun parseAppLink(text: String): BindingJob? {
    val found = parametersOf(text, "bind", PARAMETERS) ?: return null
    val (base, tenant, realm, identity, job) = PARAMETERS.map(found::getValue)
    if (!listOf(tenant, realm, identity, job).all(ONE_ID::matches)) return null
    return BindingJob(base, tenant, realm, identity, job, found.getValue("token"))
}

/** The request JWT that a sign-in URL carries, unverified. */
internal fun parseAuthenticateUrl(text: String): String? =
    parametersOf(text, "bi-authenticate", listOf("request"))?.get("request")

/** The state of a one-time code, in the URL that `authenticateOtp` made. */
internal fun parseResumeUrl(text: String): String? = parametersOf(text, "resume", listOf("state"))?.get("state")

private fun parametersOf(text: String, name: String, wanted: List<String>): Map<String, String>? {
    val parts = partsOf(text) ?: return null
    val isWeb = parts.scheme in USUAL_PORTS
    if (isWeb && parseHost(parts.authority) == null) return null
    val path = if (isWeb) parts.path else parts.authority + parts.path
    if (isRoute(path, name)) return readQuery(parts.query, wanted)
    val fragment = parts.fragment.orEmpty()
    if (!isRoute(fragment.substringBefore('?'), name)) return null
    return readQuery(fragment.substringAfter('?', ""), wanted)
}

private fun isRoute(path: String, name: String): Boolean = path.replace(ADDED_BY_HOSTS, "").substringAfterLast('/') == name

/** Whether a text is printable ASCII without spaces at its ends, and can be the value of a header. */
internal fun isPrintable(text: String): Boolean =
    text.isNotEmpty() && text.all { it in ' '..'~' } && text.first() != ' ' && text.last() != ' '

private fun readQuery(query: String, wanted: List<String>): Map<String, String>? {
    val found = HashMap<String, String>()
    for (pair in query.split('&')) {
        val name = formDecode(pair.substringBefore('=')) ?: return null
        val value = formDecode(pair.substringAfter('=', "")) ?: return null
        if (name !in wanted) continue
        if (!isPrintable(value) || found.put(name, value) != null) return null
    }
    return found.takeIf { it.size == wanted.size }
}

private fun formDecode(text: String): String? {
    val bytes = ByteBuffer.allocate(text.length)
    var at = 0
    while (at < text.length) {
        when (val char = text[at]) {
            '+' -> bytes.put(' '.code.toByte())
            '%' -> {
                val digits = text.drop(at + 1).take(2)
                if (digits.length != 2 || digits.any { it !in '0'..'9' && it.lowercaseChar() !in 'a'..'f' }) return null
                bytes.put(digits.toInt(16).toByte())
                at += 2
            }
            else -> bytes.put(char.code.toByte())
        }
        at++
    }
    bytes.flip()
    return decodeUtf8(bytes)
}

/** Strict UTF-8: nothing where the bytes are something else. */
internal fun decodeUtf8(bytes: ByteBuffer): String? {
    val decoder = Charsets.UTF_8.newDecoder()
    decoder.onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT)
    return try {
        decoder.decode(bytes).toString()
    } catch (_: CharacterCodingException) {
        null
    }
}

/** The form encoding of browsers, by which redirect URIs get their parameters. */
internal fun formEncode(text: String): String = buildString {
    for (byte in text.toByteArray()) {
        val char = byte.toInt().toChar()
        when {
            byte > 0 && (char.isLetterOrDigit() || char in "*-._") -> append(char)
            char == ' ' -> append('+')
            else -> append('%').append("%02X".format(byte))
        }
    }
}

private val DESTINATION = Regex("""([A-Za-z][A-Za-z0-9+.-]*):[^\u0000- \u007f-\u009f\\]+""")
private val WEB_AUTHORITY = Regex("""https?://([^/?#]*).*""", RegexOption.IGNORE_CASE)

/** Whether an application may be sent there: an absolute URL whose scheme is a website's or an app's. */
internal fun isSafeDestination(text: String): Boolean {
    val scheme = DESTINATION.matchEntire(text)?.groupValues?.get(1)?.lowercase() ?: return false
    if (scheme.startsWith("ms-") || scheme.startsWith("vnd.") || scheme in REFUSED_SCHEMES) return false
    if (scheme !in USUAL_PORTS) return true
    val authority = WEB_AUTHORITY.matchEntire(text)?.groupValues?.get(1) ?: return false
    return parseHost(authority) != null
}

/** The schemes that the server refuses too. */
private val REFUSED_SCHEMES = setOf(
    "javascript", "livescript", "mocha", "vbscript", "data", "blob", "filesystem", "file", "content", "jar", "feed",
    "mhtml", "view-source", "wyciwyg", "cid", "mid", "urn", "about", "resource", "res", "chrome", "chrome-devtools",
    "chrome-error", "chrome-extension", "chrome-native", "chrome-search", "chrome-untrusted", "devtools", "edge",
    "brave", "opera", "vivaldi", "extension", "moz-extension", "moz-icon", "moz-page-thumb", "moz-safe-about",
    "safari-extension", "safari-resource", "safari-web-extension", "x-safari-http", "x-safari-https", "googlechrome",
    "googlechromes", "microsoft-edge", "intent", "android-app", "market", "itms", "itms-apps", "itms-appss",
    "itms-beta", "itms-books", "itms-services", "itmss", "prefs", "app-prefs", "x-apple.systempreferences",
    "x-man-page", "applescript", "shell", "search", "search-ms", "hcp", "its", "mk", "apt", "snap", "steam",
    "windowsdefender", "mailto", "tel", "callto", "fax", "sms", "smsto", "mms", "mmsto", "sip", "sips", "facetime",
    "facetime-audio", "xmpp", "geo", "maps", "webcal", "webcals", "ws", "wss", "ftp", "ftps", "sftp", "tftp", "ssh",
    "telnet", "rlogin", "git", "svn", "rsync", "ldap", "ldaps", "gopher", "finger", "news", "nntp", "imap", "smtp",
    "nfs", "smb", "cifs", "afp", "rtsp", "rdp", "vnc", "irc", "magnet",
)
