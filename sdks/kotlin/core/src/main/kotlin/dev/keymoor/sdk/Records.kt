package dev.keymoor.sdk

import java.time.Instant
import kotlinx.coroutines.CancellationException

/** Whose a passkey is: one for each on a device. */
internal data class Owner(val tenantId: String, val realmId: String, val identityId: String) {
    /** The name of an identity in proofs. The parts are not escaped; the server compares the whole. */
    val distinguishedName: String get() = "CN=$identityId, OU=$realmId, O=$tenantId"
}

/** A passkey with what is needed to use it. */
internal class StoredPasskey(val passkey: Passkey, val kid: String) {
    val owner: Owner get() = Owner(passkey.tenant.id, passkey.realm.id, passkey.identity.id)
}

/** A binding whose outcome this device doesn't know yet. */
internal class Attempt(
    /** SHA-256 of the link's token. */
    val link: String,
    val startedAtMs: Long,
    /** The passkey that it would become, without what the server adds. */
    val draft: Passkey,
    val kid: String,
    val postBindingRedirectUri: String?,
    /** The proof that binds it, which holds the link's token until the link is used. */
    val proof: String,
) {
    val owner: Owner get() = Owner(draft.tenant.id, draft.realm.id, draft.identity.id)
}

/** All that this device remembers. */
internal class Records(val instanceId: String, val passkeys: List<StoredPasskey>, val attempts: List<Attempt>) {
    fun with(passkeys: List<StoredPasskey> = this.passkeys, attempts: List<Attempt> = this.attempts): Records =
        Records(instanceId, passkeys, attempts)
}

private const val VERSION = 1.0

/** Far above what any device holds. */
private const val MAX_RECORD_BYTES = 16 * 1_048_576

/** Reads and writes [Records] as one JSON text. */
internal class RecordStore(private val store: Store, private val newId: () -> String) {
    suspend fun load(): Records = reporting {
        val text = store.read() ?: return@reporting Records(newId(), emptyList(), emptyList())
        val value = Fields(parseJson(text.toByteArray(), MAX_RECORD_BYTES), "records", ErrorCode.STORAGE)
        if (value.number("version") != VERSION) fail(ErrorCode.STORAGE, "the records are of a newer version of this SDK")
        Records(value.string("instance"), value.objects("passkeys").map(::readStored), value.objects("attempts").map(::readAttempt))
    }

    suspend fun save(records: Records): Unit = reporting {
        val value = mapOf(
            "version" to 1,
            "instance" to records.instanceId,
            "passkeys" to records.passkeys.map { mapOf("passkey" to writePasskey(it.passkey), "kid" to it.kid) },
            "attempts" to records.attempts.map(::writeAttempt),
        )
        store.write(writeJson(value))
    }

    private inline fun <T> reporting(work: () -> T): T = try {
        work()
    } catch (error: CancellationException) {
        throw error
    } catch (error: KeymoorException) {
        throw error
    } catch (error: Exception) {
        fail(ErrorCode.STORAGE, "this device could not store or read passkeys", error)
    }
}

private fun readStored(value: Fields) = StoredPasskey(readPasskey(value.obj("passkey")), value.string("kid"))

private fun readAttempt(value: Fields) = Attempt(
    link = value.string("link"),
    startedAtMs = Instant.parse(value.string("started_at")).toEpochMilli(),
    draft = readPasskey(value.obj("draft")),
    kid = value.string("kid"),
    postBindingRedirectUri = value.optionalString("post_binding_redirect_uri"),
    proof = value.string("proof"),
)

private fun writeAttempt(attempt: Attempt): Map<String, Any?> = mapOf(
    "link" to attempt.link,
    "started_at" to Instant.ofEpochMilli(attempt.startedAtMs).toString(),
    "draft" to writePasskey(attempt.draft),
    "kid" to attempt.kid,
    "post_binding_redirect_uri" to attempt.postBindingRedirectUri,
    "proof" to attempt.proof,
)

internal fun writePasskey(passkey: Passkey): Map<String, Any?> = with(passkey) {
    mapOf(
        "id" to id,
        "passkeyId" to passkeyId,
        "localCreated" to localCreated,
        "localUpdated" to localUpdated,
        "apiBaseUrl" to apiBaseUrl,
        "keyHandle" to keyHandle,
        "keyLevel" to keyLevel.name,
        "state" to state.name,
        "created" to created,
        "updated" to updated,
        "tenant" to mapOf("id" to tenant.id, "displayName" to tenant.displayName),
        "realm" to mapOf("id" to realm.id, "displayName" to realm.displayName),
        "identity" to mapOf(
            "id" to identity.id,
            "displayName" to identity.displayName,
            "username" to identity.username,
            "primaryEmailAddress" to identity.primaryEmailAddress,
        ),
        "theme" to mapOf(
            "logoLightUrl" to theme.logoLightUrl,
            "logoDarkUrl" to theme.logoDarkUrl,
            "supportUrl" to theme.supportUrl,
        ),
    )
}

private fun readPasskey(value: Fields) = Passkey(
    id = value.string("id"),
    passkeyId = value.string("passkeyId"),
    localCreated = value.string("localCreated"),
    localUpdated = value.string("localUpdated"),
    apiBaseUrl = value.string("apiBaseUrl"),
    keyHandle = value.string("keyHandle"),
    keyLevel = KeyLevel.valueOf(value.string("keyLevel")),
    state = State.valueOf(value.string("state")),
    created = value.string("created"),
    updated = value.string("updated"),
    tenant = value.obj("tenant").run { Tenant(string("id"), string("displayName")) },
    realm = value.obj("realm").run { Realm(string("id"), string("displayName")) },
    identity = value.obj("identity").run {
        Identity(string("id"), string("displayName"), string("username"), optionalString("primaryEmailAddress"))
    },
    theme = value.obj("theme").run { Theme(string("logoLightUrl"), string("logoDarkUrl"), string("supportUrl")) },
)
