//! The device's side of a job: open its link, ask what to bind, bind.
//!
//! Opening and asking change nothing that the link can do. Binding costs one read, one verification
//! outside any transaction, and one write that claims the job, stores the key and records both.

use keymoor_types::wire::{
    BindRequest, BindingConfig, BindingIdentity, BindingInfo, BindingTraits, Named, Theme,
};
use serde_json::{Value, json};

use super::fido2;
use super::model::{BindingJob, MAX_FAILED_PROOFS, State, VerifiedKey};
use super::ops::ended;
use super::proof::{BadProof, verify};
use super::{steps, store};
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result, with_fresh_ids};
use crate::base::origin::PageOrigin;
use crate::base::reason::Reason;
use crate::base::refs::{JobRef, Ref as _};
use crate::base::secret::Secret;
use crate::db::Rx;
use crate::infra::outbox::{self, Entry};
use crate::slices::authenticator_configs::model::AuthenticationMethod;
use crate::slices::credentials;
use crate::slices::credentials::mailing::PasskeyAddedMail;
use crate::slices::credentials::model::Credential;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities::model::{Identity, Status};

/// A job whose correct token was presented, and whose link works.
struct Opened {
    job: BindingJob,
    identity: Identity,
}

/// Finds the job of a link.
///
/// # Errors
/// `NotFound` alike for an unknown job and a wrong token; `Conflict` for a job that has ended;
/// `Forbidden` for a suspended identity.
fn admit(
    ctx: &Context,
    key: JobRef,
    token: &Secret,
    found: Option<(BindingJob, Identity)>,
) -> Result<Opened> {
    let known = found.is_some().then(|| key.identity());
    let right = found.filter(|(job, _)| job.token_hash.matches(&token.digest()));
    let Some((job, identity)) = right else {
        ctx.app.limits.wrong_link_token(ctx.source.ip, known)?;
        return Err(key.not_found().because(Reason::WrongLinkToken));
    };
    let state = job.state_at(ctx.now);
    if state.ending().is_some() {
        return Err(ended(&job, state));
    }
    match identity.status {
        Status::Active => Ok(Opened { job, identity }),
        Status::Suspended => Err(Error::Forbidden(SUSPENDED)),
    }
}

async fn find(ctx: &Context, key: JobRef) -> Result<Option<(BindingJob, Identity)>> {
    ctx.app
        .db
        .read(async |rx| store::find_with_identity(rx, key).await)
        .await
}

/// Opens a link with a GET. The first opening is recorded. None changes what the link can do.
///
/// # Errors
/// `NotFound` alike for an unknown job and a wrong token; `Conflict` for a job that has ended;
/// `Forbidden` for a suspended identity; `UntrustedOrigin` for a page that the job does not trust.
/// A browser that goes to the link sends no `Origin`.
pub async fn open(
    ctx: &Context,
    origin: &PageOrigin,
    key: JobRef,
    token: &Secret,
) -> Result<BindingJob> {
    let found = find(ctx, key).await?;
    let Opened { job, .. } = admit(ctx, key, token, found)?;
    require_trusted(ctx, origin, &job)?;
    if matches!(job.stored_state, State::LinkSent | State::FailedToSend) {
        let event = steps::event(ctx, key, State::LinkOpened.as_str());
        let (hash, now) = (job.token_hash, ctx.now);
        ctx.app
            .db
            .write(async move |tx| {
                if store::mark_opened(tx, key, &hash, now).await? {
                    events::append(tx, &event).await?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(job)
}

/// Returns what a device is to bind.
pub async fn info(
    ctx: &Context,
    origin: &PageOrigin,
    key: JobRef,
    token: &Secret,
) -> Result<BindingInfo> {
    let (found, registrable) = ctx
        .app
        .db
        .read(async |rx| {
            let found = store::find_with_owners(rx, key).await?;
            let registrable = match &found {
                Some((job, ..)) => registrable(rx, job, origin).await?,
                None => None,
            };
            Ok((found, registrable))
        })
        .await?;
    let (found, owners) = match found {
        Some((job, identity, tenant, realm)) => (Some((job, identity)), Some((tenant, realm))),
        None => (None, None),
    };
    let Opened { job, identity } = admit(ctx, key, token, found)?;
    let (tenant, realm) = owners.ok_or_else(|| key.not_found())?;
    require_trusted(ctx, origin, &job)?;
    let fido2 = registrable.map(|(rp_id, known)| {
        fido2::options(ctx, &job, &identity, &realm.display_name, rp_id, &known)
    });
    if job.stored_state != State::RequestDelivered {
        let event = steps::event(ctx, key, State::RequestDelivered.as_str());
        let (hash, now) = (job.token_hash, ctx.now);
        ctx.app
            .db
            .write(async move |tx| {
                if store::mark_delivered(tx, key, &hash, now).await? {
                    events::append(tx, &event).await?;
                }
                Ok(())
            })
            .await?;
    }
    let traits = identity.traits;
    Ok(BindingInfo {
        tenant: Named {
            display_name: tenant.display_name,
        },
        realm: Named {
            display_name: realm.display_name,
        },
        identity: BindingIdentity {
            display_name: identity.display_name,
            traits: BindingTraits {
                kind: "traits_v0".to_owned(),
                username: traits.username,
                external_id: traits.external_id,
                primary_email_address: traits.primary_email_address,
            },
        },
        theme: Theme::default(),
        authenticator_config: BindingConfig {
            id: job.authenticator_config_id.map(|id| id.to_string()),
            tenant_id: key.tenant_id,
            realm_id: key.realm_id,
            config: device_config(&job),
        },
        post_binding_redirect_uri: job.post_binding_redirect_uri,
        fido2,
    })
}

/// Returns the RP ID for which the job accepts a WebAuthn credential from the requesting page, and
/// the identity's credentials for it. `None`: it accepts none.
async fn registrable(
    rx: &mut Rx,
    job: &BindingJob,
    origin: &PageOrigin,
) -> Result<Option<(String, Vec<Vec<u8>>)>> {
    let rp_id = fido2::rp_id(job, origin).filter(|_| job.snapshot.permits_webauthn());
    let Some(rp_id) = rp_id else {
        return Ok(None);
    };
    let known = credentials::store::list_webauthn_ids(rx, job.at().identity(), &rp_id).await?;
    Ok(Some((rp_id, known)))
}

/// Returns the config as a device reads it. SDKs read the methods of hosted configs only, so a
/// config that enforces its methods is returned in that form.
fn device_config(job: &BindingJob) -> Value {
    match &job.snapshot.methods {
        Some(methods) => {
            json!({ "type": "hosted_web", "authentication_methods": AuthenticationMethod::working(methods) })
        }
        None => json!({ "type": "embedded" }),
    }
}

const SUSPENDED: &str = "identity is suspended";
const KIND_NOT_ALLOWED: &str = "this kind of passkey is not allowed";

/// Binds the key that `request` proves.
///
/// # Errors
/// As [`open`], and: `Forbidden` for a kind of key that the config does not list; `Invalid` for a
/// proof that fails; `Conflict` for a key that is bound already; the error of `request`. Each of
/// these counts as a failed proof, and so does an untrusted origin. A request that repeats the one
/// that completed the job gets its credential again.
pub async fn bind(
    ctx: &Context,
    origin: &PageOrigin,
    key: JobRef,
    token: &Secret,
    request: Result<BindRequest>,
) -> Result<Credential> {
    let found = find(ctx, key).await?;
    if let Ok(request) = &request
        && let Some(credential) = repeated(ctx, origin, token, request, found.as_ref()).await?
    {
        return Ok(credential);
    }
    let opened = admit(ctx, key, token, found)?;
    let bound = bind_opened(ctx, origin, &opened, token, request).await;
    if let Err(error) = &bound
        && let Some(reason) = refusal(error)
    {
        count_failed_proof(ctx, &opened.job, reason).await?;
    }
    bound
}

async fn bind_opened(
    ctx: &Context,
    origin: &PageOrigin,
    Opened { job, identity }: &Opened,
    token: &Secret,
    request: Result<BindRequest>,
) -> Result<Credential> {
    require_trusted(ctx, origin, job)?;
    let proved = match verify(ctx, job, token, &request?, ctx.now) {
        Ok(proved) => proved,
        Err(BadProof(why)) => {
            let error = Error::invalid("raw", "the proof does not verify");
            return Err(error.because_of(Reason::WrongProof, why));
        }
    };
    if !job.snapshot.permits(&proved.origin()) {
        return Err(Error::Forbidden(KIND_NOT_ALLOWED));
    }
    with_fresh_ids!(store_key(ctx, job, identity, &proved).await)
}

/// Returns why `error` counts as a failed proof: the request can't be right for this job, whoever
/// repeats it. `None`: the server failed, or the job ended or was suspended meanwhile.
fn refusal(error: &Error) -> Option<&'static str> {
    match error {
        Error::Because(because) => refusal(&because.error),
        Error::UntrustedOrigin => Some("untrusted origin"),
        Error::Malformed(_) | Error::UnsupportedMediaType => Some("malformed request"),
        Error::Invalid(_) => Some("invalid proof"),
        Error::Forbidden(why) if *why == KIND_NOT_ALLOWED => Some("kind of passkey not allowed"),
        Error::Conflict { resource, .. } if resource.kind == Kind::CREDENTIAL => {
            Some("key already bound")
        }
        _ => None,
    }
}

/// Returns the credential that an earlier request with this key bound by the job, for a device that
/// lost the response. Nothing is written. A proof of another key counts for the rate limits.
async fn repeated(
    ctx: &Context,
    origin: &PageOrigin,
    token: &Secret,
    request: &BindRequest,
    found: Option<&(BindingJob, Identity)>,
) -> Result<Option<Credential>> {
    let complete = found.filter(|(job, _)| {
        job.stored_state == State::Complete && job.token_hash.matches(&token.digest())
    });
    let Some((job, identity)) = complete else {
        return Ok(None);
    };
    if identity.status == Status::Suspended {
        // A suspension may be lifted. A device gives up its key at any other refusal.
        return Err(Error::Forbidden(SUSPENDED));
    }
    require_trusted(ctx, origin, job)?;
    // At the time of the first request, because the challenge may have expired since.
    let bound = match verify(ctx, job, token, request, job.updated_at) {
        Ok(proved) => bound_by(ctx, job, &proved).await?,
        Err(BadProof(_)) => None,
    };
    if bound.is_none() {
        let identity = job.at().identity();
        ctx.app
            .limits
            .wrong_proof(ctx.source.ip, identity.tenant_id, Some(identity))?;
    }
    Ok(bound)
}

/// Returns the credential that completed `job`, if its key is the one that `proved` names.
async fn bound_by(
    ctx: &Context,
    job: &BindingJob,
    proved: &VerifiedKey,
) -> Result<Option<Credential>> {
    let Some(id) = job.credential_id else {
        return Ok(None);
    };
    let at = job.at().identity().credential_id(id);
    let read = ctx
        .app
        .db
        .read(async |rx| credentials::store::find(rx, at).await);
    Ok(read.await?.filter(|bound| proved.became(bound)))
}

fn require_trusted(ctx: &Context, origin: &PageOrigin, job: &BindingJob) -> Result<()> {
    origin.require_trusted(
        || &job.snapshot.trusted_origins,
        ctx.app.config.auth_url.origin(),
    )
}

async fn count_failed_proof(ctx: &Context, job: &BindingJob, reason: &str) -> Result<()> {
    let key = job.at();
    let event = steps::event(ctx, key, State::Revoked.as_str());
    let failed = steps::event(ctx, key, steps::PROOF_REFUSED)
        .detail("failed_proofs_allowed", MAX_FAILED_PROOFS)
        .detail("reason", reason);
    let (hash, now) = (job.token_hash, ctx.now);
    ctx.app
        .db
        .write(async move |tx| {
            let Some(state) = store::count_failed_proof(tx, key, &hash, now).await? else {
                return Ok(());
            };
            events::append(tx, &failed).await?;
            if state == State::Revoked {
                events::append(tx, &event).await?;
            }
            Ok(())
        })
        .await
}

/// Claims the job and stores the key, together or not at all.
async fn store_key(
    ctx: &Context,
    job: &BindingJob,
    identity: &Identity,
    proved: &VerifiedKey,
) -> Result<Credential> {
    let key = job.at();
    let credential = credentials::ops::new(ctx, key, proved.public_key().clone(), proved.origin());
    let complete = steps::event(ctx, key, State::Complete.as_str());
    let bound = Event::about(ctx, credential.at(), EventKind::CREDENTIAL_CHANGE, "BOUND")
        .detail("csr_type", credential.origin.csr_type().as_str())
        .detail(
            "attestation",
            credential.origin.attestation_level().as_str(),
        );
    let notice = identity
        .traits
        .primary_email_address
        .as_ref()
        .filter(|_| ctx.app.mailer.is_configured())
        .map(|address| {
            let mail = PasskeyAddedMail {
                identity_id: key.identity_id,
                credential_id: credential.id,
                address: address.clone(),
            };
            Entry::new(ctx, key.identity().realm(), mail)
        });
    let (hash, now) = (job.token_hash, ctx.now);
    let outcome = ctx
        .app
        .db
        .write(async move |tx| {
            if !store::claim(tx, key, &hash, credential.id, now).await? {
                return Ok(None);
            }
            credentials::store::insert(tx, &credential).await?;
            events::append(tx, &complete).await?;
            events::append(tx, &bound).await?;
            if let Some(notice) = &notice {
                outbox::store::enqueue(tx, notice).await?;
            }
            Ok(Some(credential.clone()))
        })
        .await?;
    match outcome {
        Some(credential) => Ok(credential),
        None => not_claimed(ctx, job, proved).await,
    }
}

/// Reads once more how a concurrent request changed the state. It may have bound the same key, or
/// replaced the link.
async fn not_claimed(
    ctx: &Context,
    before: &BindingJob,
    proved: &VerifiedKey,
) -> Result<Credential> {
    let key = before.at();
    let found = find(ctx, key).await?;
    match found {
        None => Err(key.not_found()),
        Some((job, _)) if job.token_hash != before.token_hash => {
            Err(key.not_found().because(Reason::WrongLinkToken))
        }
        Some((_, identity)) if identity.status == Status::Suspended => {
            Err(Error::Forbidden(SUSPENDED))
        }
        Some((job, _)) => bound_by(ctx, &job, proved)
            .await?
            .ok_or_else(|| ended(&job, job.state_at(ctx.now))),
    }
}
