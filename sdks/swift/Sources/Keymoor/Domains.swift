/// The hosts that may be called.
struct Domains: Sendable {
    private let allowed: [Host]

    init(_ entries: [String]) throws {
        allowed = try entries.map { entry in
            guard let host = parseHost(entry) else {
                let expected = "\"host\" or \"host:port\", other alphabets as \"xn--…\""
                throw KeymoorError(.invalidConfig, "allowedDomains takes \(expected), not \"\(entry)\"")
            }
            return host
        }
    }

    /// Returns what to call, written anew from what was checked.
    @discardableResult
    func requireAllowed(_ text: String) throws -> String {
        guard let address = parseAddress(text) else {
            throw KeymoorError(.invalidUrl, "an address to call is no absolute URL")
        }
        if !isEncryptedOrLocal(address) {
            let fix = "must use https. Plain http is for localhost only"
            throw KeymoorError(.disallowedDomain, "\(address.origin) \(fix)")
        }
        if !allowed.contains(where: { covers($0, address) }) {
            let list = allowed.isEmpty ? "none" : allowed.map(\.description).joined(separator: ", ")
            let fix = "Add it to the allowedDomains of Embedded.initialize"
            let called = "\(address.host) is not one of the allowed domains (\(list))"
            throw KeymoorError(.disallowedDomain, "\(called). \(fix)")
        }
        return address.href
    }

    private func covers(_ domain: Host, _ address: Address) -> Bool {
        (address.host.name == domain.name || address.host.name.hasSuffix(".\(domain.name)"))
            && (domain.port == nil || domain.port == address.port)
    }

    // RFC 6761 section 6.3: names under localhost never leave the machine.
    private func isEncryptedOrLocal(_ address: Address) -> Bool {
        let name = address.host.name
        return address.scheme == "https"
            || (address.scheme == "http" && (name == "localhost" || name.hasSuffix(".localhost")))
    }
}
