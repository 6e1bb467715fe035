// The grammar of docs/reference/links.md. No URL class decides what a link is.

private let maxLength = 16_384
private let usualPorts = ["http": 80, "https": 443]

private struct Parts {
    let scheme: String
    let authority: String
    let path: String
    let query: String
    let fragment: String?
}

/// Splits a text that is visible ASCII throughout, in which every byte is one character.
private func parts(of text: String) -> Parts? {
    let bytes = text.utf8
    guard bytes.count <= maxLength, bytes.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "\\") }),
        let colon = text.firstIndex(of: ":"), isScheme(text[..<colon]), text[colon...].hasPrefix("://")
    else { return nil }
    var rest = text[text.index(colon, offsetBy: 3)...]
    var fragment: String?
    if let hash = rest.firstIndex(of: "#") {
        let after = rest[rest.index(after: hash)...]
        if after.contains("#") { return nil }
        fragment = String(after)
        rest = rest[..<hash]
    }
    let beforeQuery = before("?", in: rest)
    let authority = beforeQuery.prefix { $0 != "/" }
    return Parts(
        scheme: text[..<colon].lowercased(),
        authority: String(authority),
        path: String(beforeQuery[authority.endIndex...]),
        query: String(after("?", in: rest) ?? ""),
        fragment: fragment
    )
}

private func isScheme(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, isLetter(first) else { return false }
    return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E }
}

private func isLetter(_ byte: UInt8) -> Bool { 0x41...0x5A ~= byte || 0x61...0x7A ~= byte }

private func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: return byte - 0x30
    case 0x41...0x46: return byte - 0x41 + 10
    case 0x61...0x66: return byte - 0x61 + 10
    default: return nil
    }
}

private func before(_ separator: Character, in text: Substring) -> Substring { text.prefix { $0 != separator } }

private func after(_ separator: Character, in text: Substring) -> Substring? {
    text.firstIndex(of: separator).map { text[text.index(after: $0)...] }
}

/// A host, comparable as text, and a port, if any.
struct Host: Equatable, Sendable, CustomStringConvertible {
    let name: String
    let port: Int?

    var description: String { port.map { "\(name):\($0)" } ?? name }
}

func parseHost(_ text: String) -> Host? {
    guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { return nil }
    let name: Substring
    if text.hasPrefix("[") {
        guard let end = text.firstIndex(of: "]") else { return nil }
        let inside = text[..<end].dropFirst()
        guard !inside.isEmpty, inside.utf8.allSatisfy({ hexValue($0) != nil || $0 == 0x3A || $0 == 0x2E }) else {
            return nil
        }
        name = text[...end]
    } else {
        name = before(":", in: text[...])
        guard isName(name) else { return nil }
    }
    let rest = text[name.endIndex...]
    let lowered = name.lowercased()
    if lastLabelIsNumber(lowered) && !isIPv4(lowered) { return nil }
    if rest.isEmpty { return Host(name: lowered, port: nil) }
    let digits = rest.dropFirst()
    guard rest.first == ":", 1...5 ~= digits.utf8.count, digits.utf8.allSatisfy(isDigit), let port = Int(digits),
        1...65_535 ~= port
    else { return nil }
    return Host(name: lowered, port: port)
}

private func isName(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last else { return false }
    guard isLetter(first) || isDigit(first), isLetter(last) || isDigit(last) else { return false }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    return labels.allSatisfy { label in
        !label.isEmpty && label.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x2D }
    }
}

private func lastLabelIsNumber(_ name: String) -> Bool {
    let label = name.split(separator: ".").last ?? ""
    if label.utf8.allSatisfy(isDigit) { return true }
    return label.hasPrefix("0x") && label.dropFirst(2).utf8.allSatisfy { hexValue($0) != nil }
}

private func isIPv4(_ name: String) -> Bool {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    return labels.count == 4
        && labels.allSatisfy { label in
            guard 1...3 ~= label.utf8.count, label.utf8.allSatisfy(isDigit), let value = Int(label) else {
                return false
            }
            return value <= 255 && String(value) == label
        }
}

/// Something that can be called, once its host is known to be allowed.
struct Address: Sendable {
    let scheme: String
    let host: Host
    let origin: String
    let port: Int?

    /// Written anew, so that what is called is what was checked.
    let href: String

    init(scheme: String, host: Host, path: String, query: String) {
        self.scheme = scheme
        self.host = host
        port = host.port ?? usualPorts[scheme]
        let shownPort = port == usualPorts[scheme] ? "" : port.map { ":\($0)" } ?? ""
        origin = "\(scheme)://\(host.name)\(shownPort)"
        href = origin + (path.isEmpty ? "/" : path) + (query.isEmpty ? "" : "?\(query)")
    }
}

func parseAddress(_ text: String) -> Address? {
    guard let parts = parts(of: text), parts.fragment == nil, let host = parseHost(parts.authority) else { return nil }
    return Address(scheme: parts.scheme, host: host, path: parts.path, query: parts.query)
}

/// A binding job and the token that lets a device work on it.
struct BindingJob: Sendable, CustomStringConvertible {
    let apiBaseUrl: String
    let tenantId: String
    let realmId: String
    let identityId: String
    let jobId: String
    let token: String

    var owner: Owner { Owner(tenantId: tenantId, realmId: realmId, identityId: identityId) }

    // Structures print their members.
    var description: String { "BindingJob(\(jobId))" }
}

/// Reads either form of a binding link, the API's and the application's.
func parseBindLink(_ text: String) -> BindingJob? { parseApiLink(text) ?? parseAppLink(text) }

private let apiPath = ["", "v1", "tenants", nil, "realms", nil, "identities", nil, "credential-binding-jobs", nil]
private let invoke = ":invokeAuthenticator"

private func parseApiLink(_ text: String) -> BindingJob? {
    guard let parts = parts(of: text), parts.path.hasSuffix(invoke), let host = parseHost(parts.authority) else {
        return nil
    }
    let segments = parts.path.dropLast(invoke.count).split(separator: "/", omittingEmptySubsequences: false)
    guard segments.count == apiPath.count else { return nil }
    var ids: [String] = []
    for (segment, wanted) in zip(segments, apiPath) {
        if let wanted {
            guard segment == wanted else { return nil }
        } else {
            guard isId(segment) else { return nil }
            ids.append(String(segment))
        }
    }
    guard let token = readQuery(parts.query[...], wanted: ["token"])?["token"] else { return nil }
    let base = Address(scheme: parts.scheme, host: host, path: "", query: "").origin
    return BindingJob(
        apiBaseUrl: base,
        tenantId: ids[0],
        realmId: ids[1],
        identityId: ids[2],
        jobId: ids[3],
        token: token
    )
}

private func isId(_ text: Substring) -> Bool {
    1...128 ~= text.utf8.count && text.first != "."
        && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }
}

private let parameters = ["api_base_url", "tenant_id", "realm_id", "identity_id", "job_id", "token"]

private func parseAppLink(_ text: String) -> BindingJob? {
    guard let found = parametersOf(text, route: "bind", wanted: parameters) else { return nil }
    let values = parameters.compactMap { found[$0] }
    guard values.count == parameters.count, values[1...4].allSatisfy({ isId($0[...]) }) else { return nil }
    return BindingJob(
        apiBaseUrl: values[0],
        tenantId: values[1],
        realmId: values[2],
        identityId: values[3],
        jobId: values[4],
        token: values[5]
    )
}

/// The request JWT that a sign-in URL carries, unverified.
func parseAuthenticateUrl(_ text: String) -> String? {
    parametersOf(text, route: "bi-authenticate", wanted: ["request"])?["request"]
}

/// The state of a one-time code, in the URL that `authenticateOtp` made.
func parseResumeUrl(_ text: String) -> String? {
    parametersOf(text, route: "resume", wanted: ["state"])?["state"]
}

private func parametersOf(_ text: String, route: String, wanted: [String]) -> [String: String]? {
    guard let parts = parts(of: text) else { return nil }
    let isWeb = usualPorts[parts.scheme] != nil
    if isWeb && parseHost(parts.authority) == nil { return nil }
    let path = isWeb ? parts.path : parts.authority + parts.path
    if leads(path[...], to: route) { return readQuery(parts.query[...], wanted: wanted) }
    let fragment = (parts.fragment ?? "")[...]
    guard leads(before("?", in: fragment), to: route) else { return nil }
    return readQuery(after("?", in: fragment) ?? "", wanted: wanted)
}

private let addedByHosts = ["/index.html", "/index.htm", ".html", ".htm", "/"]

private func leads(_ path: Substring, to route: String) -> Bool {
    let ending = addedByHosts.first { path.hasSuffix($0) } ?? ""
    let bare = path.dropLast(ending.count)
    let start = bare.lastIndex(of: "/").map { bare.index(after: $0) } ?? bare.startIndex
    return bare[start...] == route
}

/// Whether a text is printable ASCII without spaces at its ends, and can be the value of a header.
func isPrintable(_ text: String) -> Bool {
    let bytes = text.utf8
    return !bytes.isEmpty && bytes.allSatisfy { 0x20...0x7E ~= $0 } && bytes.first != 0x20 && bytes.last != 0x20
}

private func readQuery(_ query: Substring, wanted: [String]) -> [String: String]? {
    var found: [String: String] = [:]
    for pair in query.split(separator: "&", omittingEmptySubsequences: false) {
        guard let name = formDecode(before("=", in: pair)), let value = formDecode(after("=", in: pair) ?? "") else {
            return nil
        }
        guard let name = wanted.first(where: { isSame($0, name) }) else { continue }
        guard isPrintable(value), found.updateValue(value, forKey: name) == nil else { return nil }
    }
    return found.count == wanted.count ? found : nil
}

private func formDecode(_ text: Substring) -> String? {
    let source = Array(text.utf8)
    var bytes: [UInt8] = []
    var at = 0
    while at < source.count {
        switch source[at] {
        case UInt8(ascii: "+"): bytes.append(0x20)
        case UInt8(ascii: "%"):
            guard at + 2 < source.count, let high = hexValue(source[at + 1]), let low = hexValue(source[at + 2]) else {
                return nil
            }
            bytes.append(high << 4 | low)
            at += 2
        case let byte: bytes.append(byte)
        }
        at += 1
    }
    return decodeUtf8(bytes)
}

/// Strict UTF-8: nothing where the bytes are something else.
func decodeUtf8(_ bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    // What is no UTF-8 was replaced.
    return text.utf8.elementsEqual(bytes) ? text : nil
}

/// Whether two texts are the same characters. `==` also takes texts that only look the same.
func isSame(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }

/// The form encoding of browsers, by which redirect URIs get their parameters.
func formEncode(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        if isLetter(byte) || isDigit(byte) || "*-._".utf8.contains(byte) {
            bytes.append(byte)
        } else if byte == 0x20 {
            bytes.append(UInt8(ascii: "+"))
        } else {
            bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Whether an application may be sent there: an absolute URL whose scheme is a website's or an app's.
func isSafeDestination(_ text: String) -> Bool {
    let scalars = text.unicodeScalars
    let isVisible = { (scalar: Unicode.Scalar) in
        scalar.value > 0x20 && !(0x7F...0x9F ~= scalar.value) && scalar != "\\"
    }
    guard scalars.allSatisfy(isVisible), let colon = scalars.firstIndex(of: ":"), isScheme(text[..<colon]) else {
        return false
    }
    let rest = Substring(scalars[scalars.index(after: colon)...])
    let scheme = text[..<colon].lowercased()
    if rest.isEmpty || scheme.hasPrefix("ms-") || scheme.hasPrefix("vnd.") || refusedSchemes.contains(scheme) {
        return false
    }
    if usualPorts[scheme] == nil { return true }
    guard rest.utf8.starts(with: "//".utf8) else { return false }
    let authority = rest.unicodeScalars.dropFirst(2).prefix { !["/", "?", "#"].contains($0) }
    return parseHost(String(authority)) != nil
}

/// The schemes that the server refuses too.
private let refusedSchemes: Set<String> = [
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
]
