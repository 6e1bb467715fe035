//! The device's side of a job: open its link, ask what to bind, bind.
//!
//! Opening and asking change nothing that the link can do. Binding costs one read, one verification
//! outside any transaction, and one write that claims the job, stores the key and records both.

use keymoor_types::CredentialId;
use keymoor_types::wire::{
    BindRequest, BindingConfig, BindingIdentity, BindingInfo, BindingTraits, Named, ProofKind,
    Theme,
};
use keymoor_webauthn::AttestationTrust;
use keymoor_webauthn::fido2::{Fido2RegistrationExpectation, verify_registration};
use keymoor_webauthn::proof::{BindingSubject, verify_binding_jws};
use keymoor_webauthn::registration::{self, RegistrationExpectation};
use serde_json::{Value, json};

use super::fido2;
use super::model::{BindingJob, MAX_FAILED_PROOFS, State, VerifiedKey};
use super::ops::ended;
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Result, with_fresh_ids};
use crate::base::origin::PageOrigin;
use crate::base::reason::Reason;
use crate::base::refs::{JobRef, Ref as _};
use crate::base::secret::Secret;
use crate::db::Rx;
use crate::infra::outbox::{self, Entry};
use crate::slices::authenticator_configs::model::AuthenticationMethod;
use crate::slices::credentials;
use crate::slices::credentials::mailing::PasskeyAddedMail;
use crate::slices::credentials::model::{Credential, Mechanism, State as CredentialState};
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities;
use crate::slices::identities::model::{Identity, Status};
use crate::slices::realms;
use crate::slices::tenants;

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
    let right = found.filter(|(job, _)| job.token_hash.matches(&token.digest()));
    let Some((job, identity)) = right else {
        ctx.app.limits.wrong_link_token(ctx.source.ip)?;
        return Err(key.not_found().because(Reason::WrongLinkToken));
    };
    let state = job.state_at(ctx.now);
    if state.ending().is_some() {
        return Err(ended(&job, state));
    }
    match identity.status {
        Status::Active => Ok(Opened { job, identity }),
        Status::Suspended => Err(Error::Forbidden("identity is suspended")),
    }
}

async fn find(rx: &mut Rx, key: JobRef) -> Result<Option<(BindingJob, Identity)>> {
    let Some(job) = store::find(rx, key).await? else {
        return Ok(None);
    };
    let identity = identities::store::find(rx, key.identity()).await?;
    Ok(identity.map(|identity| (job, identity)))
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
    let found = ctx.app.db.read(async |rx| find(rx, key).await).await?;
    let Opened { job, .. } = admit(ctx, key, token, found)?;
    require_trusted(ctx, origin, &job)?;
    if matches!(job.stored_state, State::LinkSent | State::FailedToSend) {
        let event = step_event(ctx, key, State::LinkOpened);
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
    let (found, tenant, realm, registrable) = ctx
        .app
        .db
        .read(async |rx| {
            let found = find(rx, key).await?;
            let tenant = tenants::store::find(rx, key.identity().realm().tenant()).await?;
            let realm = realms::store::find(rx, key.identity().realm()).await?;
            let registrable = match &found {
                Some((job, _)) => registrable(rx, job, origin).await?,
                None => None,
            };
            Ok((found, tenant, realm, registrable))
        })
        .await?;
    let Opened { job, identity } = admit(ctx, key, token, found)?;
    let (Some(tenant), Some(realm)) = (tenant, realm) else {
        return Err(key.not_found());
    };
    require_trusted(ctx, origin, &job)?;
    let fido2 = registrable.map(|(rp_id, known)| {
        fido2::options(ctx, &job, &identity, &realm.display_name, rp_id, &known)
    });
    if job.stored_state != State::RequestDelivered {
        let event = step_event(ctx, key, State::RequestDelivered);
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
                primary_email_address: traits.primary_email_address,
            },
        },
        theme: Theme::default(),
        authenticator_config: BindingConfig {
            id: Some(job.authenticator_config_id.to_string()),
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
    let method = AuthenticationMethod::WebauthnPasskey;
    let rp_id = fido2::rp_id(job, origin).filter(|_| job.snapshot.permits_method(method));
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
        Some(methods) => json!({ "type": "hosted_web", "authentication_methods": methods }),
        None => json!({ "type": "embedded" }),
    }
}

/// Binds the key that `request` proves.
///
/// # Errors
/// As [`open`], and: `Forbidden` for an untrusted origin or a kind of key that the config does
/// not list; `Invalid` for a proof that fails, which is counted; `Conflict` for a key that is
/// bound already.
pub async fn bind(
    ctx: &Context,
    origin: &PageOrigin,
    key: JobRef,
    token: &Secret,
    request: &BindRequest,
) -> Result<Credential> {
    let found = ctx.app.db.read(async |rx| find(rx, key).await).await?;
    let Opened { job, identity } = admit(ctx, key, token, found)?;
    require_trusted(ctx, origin, &job)?;
    let proved = match verify(ctx, &job, token, request) {
        Ok(proved) => proved,
        Err(BadProof(why)) => {
            count_failed_proof(ctx, &job).await?;
            let error = Error::invalid("raw", "the proof does not verify");
            return Err(error.because_of(Reason::WrongProof, why));
        }
    };
    if !job.snapshot.permits(&proved.origin()) {
        return Err(Error::Forbidden("this kind of passkey is not allowed"));
    }
    with_fresh_ids!(store_key(ctx, &job, &identity, &proved).await)
}

fn require_trusted(ctx: &Context, origin: &PageOrigin, job: &BindingJob) -> Result<()> {
    origin.require_trusted(
        || &job.snapshot.trusted_origins,
        ctx.app.config.auth_url.origin(),
    )
}

/// Why a proof failed verification. Only logged, since it would help a forger.
struct BadProof(String);

fn verify(
    ctx: &Context,
    job: &BindingJob,
    token: &Secret,
    request: &BindRequest,
) -> Result<VerifiedKey, BadProof> {
    let (subject, token) = (job.subject(), token.expose());
    let trusted_origins = &job.snapshot.trusted_origins;
    let attestation = AttestationTrust {
        roots: &ctx.app.attestation_roots,
        now: ctx.now,
    };
    match request.kind {
        ProofKind::Jwt => verify_binding_jws(
            &request.raw,
            &BindingSubject {
                subject: &subject,
                token,
            },
        )
        .map(VerifiedKey::Software)
        .map_err(|error| refused(&error)),
        ProofKind::Webauthn => {
            let expected = RegistrationExpectation {
                subject: &subject,
                token,
                trusted_origins,
                attestation,
            };
            registration::verify(&request.raw, &expected)
                .map(|verified| VerifiedKey::WebAuthn(Mechanism::WebAuthn, verified))
                .map_err(|error| refused(&error))
        }
        ProofKind::Fido2 => {
            let terms = |challenge: &[u8]| fido2::terms(&ctx.app.vault, job, challenge, ctx.now);
            let expected = Fido2RegistrationExpectation {
                trusted_origins,
                attestation,
            };
            verify_registration(&request.raw, &expected, terms)
                .map(|verified| VerifiedKey::WebAuthn(Mechanism::Fido2, verified))
                .map_err(|error| refused(&error))
        }
    }
}

fn refused(error: &impl std::error::Error) -> BadProof {
    BadProof(error.to_string())
}

async fn count_failed_proof(ctx: &Context, job: &BindingJob) -> Result<()> {
    let key = job.at();
    let event = step_event(ctx, key, State::Revoked);
    let failed = Event::about(
        ctx,
        key,
        EventKind::CREDENTIAL_BINDING_JOB_CHANGE,
        "PROOF_REFUSED",
    )
    .detail("failed_proofs_allowed", MAX_FAILED_PROOFS);
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
    let credential = Credential {
        tenant_id: key.tenant_id,
        realm_id: key.realm_id,
        identity_id: key.identity_id,
        id: CredentialId::generate(ctx.now, &*ctx.app.rng),
        binding_job_id: key.job_id,
        state: CredentialState::Active,
        key: proved.public_key().clone(),
        origin: proved.origin(),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let complete = step_event(ctx, key, State::Complete);
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
        None => Err(why_not_claimed(ctx, key).await?),
    }
}

/// Reads once more how a concurrent request changed the state.
async fn why_not_claimed(ctx: &Context, key: JobRef) -> Result<Error> {
    let found = ctx.app.db.read(async |rx| find(rx, key).await).await?;
    Ok(match found {
        None => key.not_found(),
        Some((_, identity)) if identity.status == Status::Suspended => {
            Error::Forbidden("identity is suspended")
        }
        Some((job, _)) => ended(&job, job.state_at(ctx.now)),
    })
}

fn step_event(ctx: &Context, key: JobRef, state: State) -> Event {
    Event::about(
        ctx,
        key,
        EventKind::CREDENTIAL_BINDING_JOB_CHANGE,
        state.as_str(),
    )
}
