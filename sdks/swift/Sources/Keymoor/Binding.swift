import Foundation

/// Longer than any link is good for.
private let attemptLifeMs: Int64 = 30 * 24 * 3_600_000

/// Makes a key, binds it by a link and stores it as its owner's passkey on this device.
struct Binding: Sendable {
    let platform: Platform
    let server: Server
    let records: RecordStore
    let newLocalId: @Sendable () -> String

    /// How long to wait before a proof is sent again whose answer was lost.
    let retryAfterMs: [UInt64]

    /// Binds a key.
    ///
    /// The key is stored before the server gets to know it. If the server's answer is lost, a later call with the same
    /// link sends the same key again, which the server accepts, whether or not it did before.
    func bind(_ job: BindingJob) async throws -> (PasskeyRecord, String?) {
        let link = base64Url(platform.cryptography.sha256(Array(job.token.utf8)))
        let known = try await records.load()
        // A store that can't be written must fail here, not after a key was made.
        try await records.save(known)
        if let unfinished = known.attempts.first(where: { $0.link == link && $0.draft.owner == job.owner }),
            let bound = try await resume(job, unfinished)
        {
            return bound
        }
        return try await begin(job, link)
    }

    /// Sends a key again whose answer was lost; nothing if the server had not accepted it and now doesn't.
    private func resume(_ job: BindingJob, _ attempt: Attempt) async throws -> (PasskeyRecord, String?)? {
        do {
            return try await uncancelled { try await finish(job, attempt, isRepeat: true) }
        } catch let error as KeymoorError where error.code == .invalidRequest {
            // The link is still good for another key.
            return nil
        }
    }

    private func begin(_ job: BindingJob, _ link: String) async throws -> (PasskeyRecord, String?) {
        let url = jobUrl(job, "getInfo")
        let info = try await server.post(url, .link, headers: bearer(job), body: "")
        try requireSoftwareKeys(try info.object("authenticator_config").object("config"))
        let redirect = try info.optionalString("post_binding_redirect_uri")
        if let redirect, !isSafeDestination(redirect) || URL(string: redirect) == nil {
            throw KeymoorError(.invalidResponse, "the binding job leads to no address an application may go to")
        }
        // Everything is read before a key is made.
        let draft = try draft(job, info)
        try Task.checkCancellation()
        // What follows is not cancelled: it would leave a key that nobody knows, or that only the server knows.
        return try await uncancelled {
            let key = try await platform.keys.create()
            let attempt: Attempt
            do {
                var passkey = draft
                passkey.keyHandle = key.handle
                passkey.keyLevel = key.level
                attempt = Attempt(
                    link: link,
                    startedAtMs: platform.now(),
                    draft: passkey,
                    kid: key.publicKey.thumbprint(platform.cryptography),
                    postBindingRedirectUri: redirect,
                    proof: try await proof(job, key)
                )
                try await remember(attempt)
            } catch {
                await forget(key.handle)
                throw error
            }
            return try await finish(job, attempt, isRepeat: false)
        }
    }

    private func proof(_ job: BindingJob, _ key: CreatedKey) async throws -> String {
        let header: Json = ["alg": "ES256", "jwk": key.publicKey.members]
        let claims: Json = ["sub": .string(job.owner.distinguishedName), "token": .string(job.token)]
        return try await compactJws(platform.keys, key.handle, header: header, claims: claims)
    }

    private func remember(_ attempt: Attempt) async throws {
        var known = try await records.load()
        let isYoung = { (other: Attempt) in
            other.startedAtMs >= attempt.startedAtMs - attemptLifeMs && other.link != attempt.link
        }
        let old = known.attempts.filter { !isYoung($0) }
        known.attempts = known.attempts.filter(isYoung) + [attempt]
        try await records.save(known)
        for other in old { await forget(other.draft.keyHandle) }
    }

    private func finish(
        _ job: BindingJob,
        _ attempt: Attempt,
        isRepeat: Bool
    ) async throws -> (PasskeyRecord, String?) {
        let credential = try await offer(job, attempt, isRepeat: isRepeat)
        let now = timestamp(platform.now())
        var passkey = attempt.draft
        passkey.id = newLocalId()
        passkey.passkeyId = try credential.string("id")
        passkey.localCreated = now
        passkey.localUpdated = now
        passkey.state = try credential.string("state") == "ACTIVE" ? .active : .revoked
        passkey.created = try credential.string("create_time")
        passkey.updated = try credential.optionalString("update_time") ?? passkey.created
        try await replace(with: StoredPasskey(passkey: passkey, kid: attempt.kid), attempt)
        return (passkey, attempt.postBindingRedirectUri)
    }

    /// Offers a key to the server, several times if its answers are lost.
    private func offer(_ job: BindingJob, _ attempt: Attempt, isRepeat: Bool) async throws -> Fields {
        let body = writeJson(["type": "JWT", "raw": .string(attempt.proof)])
        let headers = bearer(job).merging(["content-type": "application/json"]) { $1 }
        var tries = 0
        while true {
            do {
                return try await server.post(jobUrl(job, "bind"), .link, headers: headers, body: body)
            } catch let error as KeymoorError {
                if error.isRefusal(isRepeat: isRepeat || tries > 0) {
                    await giveUp(attempt)
                    throw error
                }
                // After any other failure the server may have accepted the key.
                guard error.isLost, tries < retryAfterMs.count else { throw error }
                try await Task.sleep(nanoseconds: retryAfterMs[tries] * 1_000_000)
                tries += 1
            }
        }
    }

    /// Stores a passkey in place of its owner's former one, and ends its attempt and others of its owner.
    private func replace(with fresh: StoredPasskey, _ attempt: Attempt) async throws {
        var known = try await records.load()
        let owner = fresh.passkey.owner
        let former = known.passkeys.filter { $0.passkey.owner == owner }
        let ended = known.attempts.filter { $0.draft.owner == owner && $0.link != attempt.link }
        known.passkeys = known.passkeys.filter { $0.passkey.owner != owner } + [fresh]
        known.attempts = known.attempts.filter { $0.draft.owner != owner }
        try await records.save(known)
        // Keys go after the record that does without them is safe.
        for handle in former.map(\.passkey.keyHandle) + ended.map(\.draft.keyHandle) { await forget(handle) }
    }

    private func giveUp(_ attempt: Attempt) async {
        // What can't be removed is refused once more when the link is used again.
        if var known = try? await records.load() {
            known.attempts = known.attempts.filter { $0.link != attempt.link }
            try? await records.save(known)
        }
        await forget(attempt.draft.keyHandle)
    }

    /// A key without a record is of no use to anybody, so nobody is told if it can't be deleted.
    private func forget(_ handle: KeyHandle) async { try? await platform.keys.delete(handle) }
}

private func bearer(_ job: BindingJob) -> [String: String] { ["authorization": "Bearer \(job.token)"] }

// Ids of a link need no escaping.
private func jobUrl(_ job: BindingJob, _ verb: String) -> String {
    let base = job.apiBaseUrl.hasSuffix("/") ? String(job.apiBaseUrl.dropLast()) : job.apiBaseUrl
    let identity = "\(base)/v1/tenants/\(job.tenantId)/realms/\(job.realmId)/identities/\(job.identityId)"
    return "\(identity)/credential-binding-jobs/\(job.jobId):\(verb)"
}

/// Native keys are bound by the proof of software keys, which a config may rule out.
private func requireSoftwareKeys(_ config: Fields) throws {
    let list = "authentication_methods"
    let methods = config.has(list) ? try config.objects(list).map { try $0.string("type") } : []
    let takesSoftware = methods.contains("software_passkey") || methods.contains("subtle_crypto_passkey")
    let isHosted = try config.string("type").hasPrefix("hosted_")
    if !takesSoftware && (methods.contains("webauthn_passkey") || isHosted) {
        let config = "the \(list) of the authenticator config don't allow software_passkey"
        throw KeymoorError(.unsupported, config)
    }
}

private func draft(_ job: BindingJob, _ info: Fields) throws -> PasskeyRecord {
    let identity = try info.object("identity")
    let traits = try identity.object("traits")
    let theme = try info.object("theme")
    let email = try traits.optionalString("primary_email_address") ?? ""
    return PasskeyRecord(
        apiBaseUrl: job.apiBaseUrl,
        tenant: Tenant(id: job.tenantId, displayName: try info.object("tenant").string("display_name")),
        realm: Realm(id: job.realmId, displayName: try info.object("realm").string("display_name")),
        identity: Identity(
            id: job.identityId,
            displayName: try identity.string("display_name"),
            username: try traits.string("username"),
            primaryEmailAddress: email.isEmpty ? nil : email
        ),
        theme: (
            try theme.string("logo_url_light"), try theme.string("logo_url_dark"),
            try theme.optionalString("support_url") ?? ""
        )
    )
}
