import Foundation

/// Whose a passkey is: one for each on a device. Its ids are ASCII.
struct Owner: Equatable, Sendable {
    let tenantId: String
    let realmId: String
    let identityId: String

    /// The name of an identity in proofs. The parts are not escaped; the server compares the whole.
    var distinguishedName: String { "CN=\(identityId), OU=\(realmId), O=\(tenantId)" }
}

/// A passkey as it is stored and handed over bridges: texts only, as the server and the clock gave them.
struct PasskeyRecord: Sendable {
    var id = ""
    var passkeyId = ""
    var localCreated = ""
    var localUpdated = ""
    var apiBaseUrl: String
    var keyHandle = KeyHandle("")
    var keyLevel = KeyLevel.software
    var state = Passkey.State.active
    var created = ""
    var updated = ""
    var tenant: Tenant
    var realm: Realm
    var identity: Identity

    /// Logos for light and dark, and a page for support. May be empty.
    var theme: (logoLightUrl: String, logoDarkUrl: String, supportUrl: String)

    var owner: Owner { Owner(tenantId: tenant.id, realmId: realm.id, identityId: identity.id) }
}

/// A passkey with what is needed to use it.
struct StoredPasskey: Sendable {
    let passkey: PasskeyRecord
    let kid: String
}

/// A binding whose outcome this device doesn't know yet.
struct Attempt: Sendable {
    /// SHA-256 of the link's token.
    let link: String

    let startedAtMs: Int64

    /// The passkey that it would become, without what the server adds.
    let draft: PasskeyRecord

    let kid: String
    let postBindingRedirectUri: String?

    /// The proof that binds it, which holds the link's token until the link is used.
    let proof: String
}

/// All that this device remembers.
struct Records: Sendable {
    let instanceId: String
    var passkeys: [StoredPasskey] = []
    var attempts: [Attempt] = []
}

private let version = 1

/// Far above what any device holds.
private let maxRecordBytes = 16 * 1_048_576

/// Reads and writes ``Records`` as one JSON text.
struct RecordStore: Sendable {
    let store: any Store

    func load() async throws -> Records {
        try await reporting {
            guard let text = try await store.read() else { return Records(instanceId: newId()) }
            let json = try parseJson(Array(text.utf8), maxBytes: maxRecordBytes)
            let value = try Fields(json, "records", .storage)
            if try value.number("version") != Double(version) {
                throw KeymoorError(.storage, "the records are of a newer version of this SDK")
            }
            return Records(
                instanceId: try value.string("instance"),
                passkeys: try value.objects("passkeys").map(readStored),
                attempts: try value.objects("attempts").map(readAttempt)
            )
        }
    }

    func save(_ records: Records) async throws {
        let stored = records.passkeys.map { stored -> Json in
            ["passkey": stored.passkey.json, "kid": .string(stored.kid)]
        }
        let value: Json = [
            "version": .number(Double(version)),
            "instance": .string(records.instanceId),
            "passkeys": .array(stored),
            "attempts": .array(records.attempts.map(write)),
        ]
        try await reporting { try await store.write(writeJson(value)) }
    }

    private func reporting<T: Sendable>(_ work: () async throws -> T) async throws -> T {
        do {
            return try await work()
        } catch let error as KeymoorError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw KeymoorError(.storage, "this device could not store or read passkeys", underlying: error)
        }
    }
}

func newId() -> String { UUID().uuidString.lowercased() }

private func readStored(_ value: Fields) throws -> StoredPasskey {
    StoredPasskey(passkey: try PasskeyRecord(try value.object("passkey")), kid: try value.string("kid"))
}

private func readAttempt(_ value: Fields) throws -> Attempt {
    guard let startedAtMs = milliseconds(try value.string("started_at")) else {
        throw KeymoorError(.storage, "an attempt's started_at is no time")
    }
    return Attempt(
        link: try value.string("link"),
        startedAtMs: startedAtMs,
        draft: try PasskeyRecord(try value.object("draft")),
        kid: try value.string("kid"),
        postBindingRedirectUri: try value.optionalString("post_binding_redirect_uri"),
        proof: try value.string("proof")
    )
}

private func write(_ attempt: Attempt) -> Json {
    [
        "link": .string(attempt.link),
        "started_at": .string(timestamp(attempt.startedAtMs)),
        "draft": attempt.draft.json,
        "kid": .string(attempt.kid),
        "post_binding_redirect_uri": Json(attempt.postBindingRedirectUri),
        "proof": .string(attempt.proof),
    ]
}

extension PasskeyRecord {
    var json: Json {
        [
            "id": .string(id),
            "passkeyId": .string(passkeyId),
            "localCreated": .string(localCreated),
            "localUpdated": .string(localUpdated),
            "apiBaseUrl": .string(apiBaseUrl),
            "keyHandle": .string(keyHandle.value),
            "keyLevel": .string(keyLevel.rawValue),
            "state": .string(state.rawValue),
            "created": .string(created),
            "updated": .string(updated),
            "tenant": ["id": .string(tenant.id), "displayName": .string(tenant.displayName)],
            "realm": ["id": .string(realm.id), "displayName": .string(realm.displayName)],
            "identity": [
                "id": .string(identity.id),
                "displayName": .string(identity.displayName),
                "username": .string(identity.username),
                "primaryEmailAddress": Json(identity.primaryEmailAddress),
            ],
            "theme": [
                "logoLightUrl": .string(theme.logoLightUrl),
                "logoDarkUrl": .string(theme.logoDarkUrl),
                "supportUrl": .string(theme.supportUrl),
            ],
        ]
    }

    init(_ value: Fields) throws {
        guard let level = KeyLevel(rawValue: try value.string("keyLevel")),
            let state = Passkey.State(rawValue: try value.string("state"))
        else { throw KeymoorError(.storage, "a passkey's keyLevel or state is unknown") }
        let (tenant, realm) = (try value.object("tenant"), try value.object("realm"))
        let (identity, theme) = (try value.object("identity"), try value.object("theme"))
        self.init(
            id: try value.string("id"),
            passkeyId: try value.string("passkeyId"),
            localCreated: try value.string("localCreated"),
            localUpdated: try value.string("localUpdated"),
            apiBaseUrl: try value.string("apiBaseUrl"),
            keyHandle: KeyHandle(try value.string("keyHandle")),
            keyLevel: level,
            state: state,
            created: try value.string("created"),
            updated: try value.string("updated"),
            tenant: Tenant(id: try tenant.string("id"), displayName: try tenant.string("displayName")),
            realm: Realm(id: try realm.string("id"), displayName: try realm.string("displayName")),
            identity: Identity(
                id: try identity.string("id"),
                displayName: try identity.string("displayName"),
                username: try identity.string("username"),
                primaryEmailAddress: try identity.optionalString("primaryEmailAddress")
            ),
            theme: (
                try theme.string("logoLightUrl"), try theme.string("logoDarkUrl"), try theme.string("supportUrl")
            )
        )
    }

    /// As applications see it. A time of the server that is none is the device's own.
    func opened() throws -> Passkey {
        guard let localCreated = milliseconds(localCreated), let localUpdated = milliseconds(localUpdated),
            let apiBaseUrl = URL(string: apiBaseUrl)
        else { throw KeymoorError(.storage, "a stored passkey has a malformed time or address") }
        return Passkey(
            id: Passkey.Id(id),
            passkeyId: Passkey.PasskeyId(passkeyId),
            localCreated: date(localCreated),
            localUpdated: date(localUpdated),
            apiBaseUrl: apiBaseUrl,
            keyHandle: keyHandle,
            keyLevel: keyLevel,
            state: state,
            created: date(milliseconds(created) ?? localCreated),
            updated: date(milliseconds(updated) ?? localUpdated),
            tenant: tenant,
            realm: realm,
            identity: identity,
            theme: Theme(
                logoLightUrl: url(theme.logoLightUrl),
                logoDarkUrl: url(theme.logoDarkUrl),
                supportUrl: url(theme.supportUrl)
            )
        )
    }
}

/// Not all releases of Foundation say that an empty text is no URL.
private func url(_ text: String) -> URL? { text.isEmpty ? nil : URL(string: text) }
