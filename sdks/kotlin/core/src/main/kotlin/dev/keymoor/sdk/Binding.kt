package dev.keymoor.sdk

import java.time.Instant
import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext

/** Longer than any link is good for. */
private const val ATTEMPT_LIFE_MS = 30L * 24 * 3_600_000

/** Makes a key, binds it by a link and stores it as its owner's passkey on this device. */
internal class Binding(
    private val platform: Platform,
    private val server: Server,
    private val records: RecordStore,
    private val newLocalId: () -> String,
    /** How long to wait before a proof is sent again whose answer was lost. */
    private val retryAfterMs: List<Long>,
) {
    /**
     * The key is stored before the server gets to know it. If the server's answer is lost, a later call with the same
     * link sends the same key again, which the server accepts, whether or not it did before.
     */
    suspend fun bind(job: BindingJob): BindPasskeyResponse {
        val link = base64Url(sha256(job.token.toByteArray()))
        val known = records.load()
        // A store that can't be written must fail here, not after a key was made.
        records.save(known)
        val unfinished = known.attempts.find { it.link == link && it.owner == job.owner }
        return unfinished?.let { resume(job, it) } ?: begin(job, link)
    }

    /** Sends a key again whose answer was lost; nothing if the server had not accepted it and now doesn't. */
    private suspend fun resume(job: BindingJob, attempt: Attempt): BindPasskeyResponse? = try {
        finish(job, attempt, isRepeat = true)
    } catch (error: KeymoorException) {
        // The link is still good for another key.
        if (error.code == ErrorCode.INVALID_REQUEST) null else throw error
    }

    private suspend fun begin(job: BindingJob, link: String): BindPasskeyResponse {
        val info = server.post(jobUrl(job, "getInfo"), Subject.LINK, bearer(job), "")
        requireSoftwareKeys(info.obj("authenticator_config").obj("config"))
        val redirect = info.optionalString("post_binding_redirect_uri")
        if (redirect != null && !isSafeDestination(redirect)) {
            fail(ErrorCode.INVALID_RESPONSE, "the binding job leads to no address an application may go to")
        }
        // Everything is read before a key is made.
        val draft = draft(job, info)
        // Cancelled from here on, it would leave a key without a record, or one that only the server knows.
        coroutineContext.ensureActive()
        return withContext(NonCancellable) {
            val key = platform.keys.create()
            val attempt = try {
                val made = Attempt(
                    link,
                    platform.clock.nowMs(),
                    draft.copy(keyHandle = key.handle, keyLevel = key.level),
                    key.publicKey.thumbprint(),
                    redirect,
                    proof(job, key),
                )
                made.also { remember(it) }
            } catch (error: Throwable) {
                forget(key.handle)
                throw error
            }
            finish(job, attempt, isRepeat = false)
        }
    }

    private suspend fun proof(job: BindingJob, key: CreatedKey): String {
        val header = linkedMapOf("alg" to "ES256", "jwk" to key.publicKey.members())
        val claims = linkedMapOf("sub" to job.owner.distinguishedName, "token" to job.token)
        return compactJws(platform.keys, key.handle, header, claims)
    }

    private suspend fun remember(attempt: Attempt) {
        val known = records.load()
        val young = known.attempts.filter { it.startedAtMs >= attempt.startedAtMs - ATTEMPT_LIFE_MS && it.link != attempt.link }
        records.save(known.with(attempts = young + attempt))
        for (old in known.attempts - young.toSet()) forget(old.draft.keyHandle)
    }

    private suspend fun finish(job: BindingJob, attempt: Attempt, isRepeat: Boolean): BindPasskeyResponse =
        withContext(NonCancellable) {
            val credential = offer(job, attempt, isRepeat)
            val now = Instant.ofEpochMilli(platform.clock.nowMs()).toString()
            val created = credential.string("create_time")
            val passkey = attempt.draft.copy(
                id = newLocalId(),
                passkeyId = credential.string("id"),
                localCreated = now,
                localUpdated = now,
                state = if (credential.string("state") == "ACTIVE") State.ACTIVE else State.REVOKED,
                created = created,
                updated = credential.optionalString("update_time") ?: created,
            )
            replace(StoredPasskey(passkey, attempt.kid), attempt)
            BindPasskeyResponse(passkey, attempt.postBindingRedirectUri)
        }

    /** Offers a key to the server, several times if its answers are lost. */
    private suspend fun offer(job: BindingJob, attempt: Attempt, isRepeat: Boolean): Fields {
        val body = writeJson(linkedMapOf("type" to "JWT", "raw" to attempt.proof))
        val headers = bearer(job) + ("content-type" to "application/json")
        var tries = 0
        while (true) {
            try {
                return server.post(jobUrl(job, "bind"), Subject.LINK, headers, body)
            } catch (error: KeymoorException) {
                if (isRefusal(error, isRepeat || tries > 0)) {
                    giveUp(attempt)
                    throw error
                }
                // After any other failure the server may have accepted the key.
                val delayMs = retryAfterMs.getOrNull(tries++)
                if (delayMs == null || !isLost(error)) throw error
                delay(delayMs)
            }
        }
    }

    /** Stores a passkey in place of its owner's former one, and ends its attempt and others of its owner. */
    private suspend fun replace(fresh: StoredPasskey, attempt: Attempt) {
        val known = records.load()
        val (former, others) = known.passkeys.partition { it.owner == fresh.owner }
        val (ended, unfinished) = known.attempts.partition { it.owner == fresh.owner }
        records.save(known.with(others + fresh, unfinished))
        // Keys go after the record that does without them is safe.
        for (stored in former) forget(stored.passkey.keyHandle)
        for (other in ended.filter { it.link != attempt.link }) forget(other.draft.keyHandle)
    }

    private suspend fun giveUp(attempt: Attempt) {
        try {
            val known = records.load()
            records.save(known.with(attempts = known.attempts.filter { it.link != attempt.link }))
        } catch (_: KeymoorException) {
            // What can't be removed is refused once more when the link is used again.
        }
        forget(attempt.draft.keyHandle)
    }

    private suspend fun forget(handle: KeyHandle) {
        try {
            platform.keys.delete(handle)
        } catch (_: KeymoorException) {
            // A key without a record is of no use to anybody.
        }
    }
}

private fun bearer(job: BindingJob) = mapOf("authorization" to "Bearer ${job.token}")

// Ids of a link need no escaping.
private fun jobUrl(job: BindingJob, verb: String): String = "${job.apiBaseUrl.removeSuffix("/")}/v1/tenants/${job.tenantId}" +
    "/realms/${job.realmId}/identities/${job.identityId}/credential-binding-jobs/${job.jobId}:$verb"

/** Native keys are bound by the proof of software keys, which a config may rule out. */
private fun requireSoftwareKeys(config: Fields) {
    val methods = if (config.has("authentication_methods")) config.objects("authentication_methods").map { it.string("type") } else emptyList()
    val software = "software_passkey" in methods || "subtle_crypto_passkey" in methods
    val isHosted = config.string("type").startsWith("hosted_")
    if (!software && ("webauthn_passkey" in methods || isHosted)) {
        fail(ErrorCode.UNSUPPORTED, "the authentication_methods of the authenticator config don't allow software_passkey")
    }
}

private fun draft(job: BindingJob, info: Fields): Passkey {
    val identity = info.obj("identity")
    val traits = identity.obj("traits")
    val theme = info.obj("theme")
    return Passkey(
        id = "",
        passkeyId = "",
        localCreated = "",
        localUpdated = "",
        apiBaseUrl = job.apiBaseUrl,
        keyHandle = "",
        keyLevel = KeyLevel.SOFTWARE,
        state = State.ACTIVE,
        created = "",
        updated = "",
        tenant = Tenant(job.tenantId, info.obj("tenant").string("display_name")),
        realm = Realm(job.realmId, info.obj("realm").string("display_name")),
        identity = Identity(
            job.identityId,
            identity.string("display_name"),
            traits.string("username"),
            traits.optionalString("primary_email_address")?.ifEmpty { null },
        ),
        theme = Theme(theme.string("logo_url_light"), theme.string("logo_url_dark"), theme.optionalString("support_url").orEmpty()),
    )
}
