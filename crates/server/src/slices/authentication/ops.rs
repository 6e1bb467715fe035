//! The device's side of a sign-in: it proves its passkey and receives a code.

use keymoor_oauth::scope::ScopeSet;
use keymoor_types::wire::{AuthenticationAnswer, AuthenticationProof};
use keymoor_types::{IdentityId, Timestamp};
use keymoor_webauthn::assertion::WebAuthnFacts;
use keymoor_webauthn::proof::ProofError;

use super::challenge::Challenge;
use super::model::{
    CODE_LIFETIME, CodeKey, GrantFacts, KEEP_AFTER_TRANSACTION, Method, Requested, fingerprint,
    subject,
};
use super::proof::Proof;
use super::store::{self, NewCode};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::reason::Reason;
use crate::base::refs::Ref as _;
use crate::db::Rx;
use crate::slices::applications;
use crate::slices::applications::issuer::Issuer;
use crate::slices::applications::model::Application;
use crate::slices::credentials;
use crate::slices::credentials::model::{Credential, KeyOrigin, State, Use, hour};
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities;
use crate::slices::identities::model::{Identity, Status};

/// A proof whose parts agree with each other and with the URL that received it. Only the seal is
/// verified so far.
struct Attempt<'a> {
    issuer: &'a Issuer,
    proof: Proof,
    challenge: Challenge,
}

/// Whom a proof names. The credential may be missing.
struct Found {
    identity: Identity,
    credential: Option<Credential>,
    /// See [`is_ambiguous`].
    is_ambiguous: bool,
}

/// Answers a challenge.
///
/// One read, the verification outside any transaction, and one write: the transaction's row. The
/// row's key is the transaction's id, so only one of several concurrent responses gets a code or a
/// denial.
///
/// # Errors
/// `Invalid` for a proof that is invalid or already used. `TooManyRequests` instead if its network
/// sent too many of these. A valid proof that policy rejects is not an error but a
/// [`AuthenticationAnswer::Deny`].
pub async fn authenticate(
    ctx: &Context,
    issuer: &Issuer,
    proof: &AuthenticationProof,
) -> Result<AuthenticationAnswer> {
    let attempt = Attempt::of(ctx, issuer, proof)?;
    let found = ctx.app.db.read(async |rx| attempt.find(rx).await).await?;
    let Some(Found {
        identity,
        credential,
        is_ambiguous,
    }) = found
    else {
        attempt.count(ctx, None)?;
        return Err(refused("the proof names nobody known"));
    };
    let Some(credential) = credential else {
        let error = attempt.record_error(ctx, identity.id, ProofError::KeyId);
        return Err(error.await?);
    };
    let verified = attempt
        .proof
        .verify(issuer, &identity, &credential, ctx.now);
    let said = match verified {
        Ok(said) => said,
        Err(error) => return Err(attempt.record_error(ctx, identity.id, error).await?),
    };
    if backup_eligibility_changed(&credential, said.as_ref()) {
        let error = "the passkey's backup eligibility changed";
        return Err(attempt.record_error(ctx, identity.id, error).await?);
    }
    match attempt.denial(&identity, &credential, is_ambiguous) {
        Some(message) => attempt.deny(ctx, &credential, message).await,
        None => attempt.allow(ctx, &credential, said.as_ref()).await,
    }
}

/// Returns why what is known of a person forbids a grant, in words for the person. Asked when they
/// sign in and when their code is redeemed, because each of these facts may change in between.
pub fn denial(
    issuer: &Issuer,
    identity: &Identity,
    credential: &Credential,
    is_ambiguous: bool,
) -> Option<&'static str> {
    let settings = &issuer.application.protocol.token_configuration;
    if identity.status == Status::Suspended {
        Some("This account is suspended.")
    } else if credential.state == State::Revoked {
        Some("This passkey was revoked.")
    } else if !issuer.permits(&credential.origin) {
        Some(
            "The app no longer accepts this kind of passkey. Ask the app's support for a link to \
             create a new passkey.",
        )
    } else if subject(identity, settings.subject_field).is_none() {
        Some("This account lacks what the app identifies its users by.")
    } else if is_ambiguous {
        Some("The app can't tell this account from another one. Ask the app's support for help.")
    } else {
        None
    }
}

/// Whether the subject of an identity is, or looks like, that of another identity or of the
/// application itself (RFC 9068, section 5).
pub async fn is_ambiguous(
    rx: &mut Rx,
    application: &Application,
    identity: &Identity,
) -> Result<bool> {
    let field = application.protocol.token_configuration.subject_field;
    let is_application = subject(identity, field).is_some_and(|own| own == application.client_id);
    Ok(is_application || identities::store::shares_subject(rx, identity, field).await?)
}

/// Rejects an invalid proof. The reason is only logged, since it would help a forger.
fn refused(why: impl std::fmt::Display) -> Error {
    Error::invalid("claims", "the proof does not verify").because_of(Reason::WrongProof, why)
}

impl<'a> Attempt<'a> {
    fn of(ctx: &Context, issuer: &'a Issuer, proof: &AuthenticationProof) -> Result<Self> {
        let proof = Proof::read(issuer.at, proof).map_err(refused)?;
        let challenge = Challenge::open(&ctx.app.vault, issuer.at.realm(), proof.nonce())
            .ok_or_else(|| refused("the nonce was not made here, or for another realm"))?;
        check_agreement(issuer, &challenge, &proof)?;
        if ctx.now >= challenge.expires_at {
            let expired = Error::invalid("claims", "the sign-in request has expired");
            return Err(expired.because(Reason::ExpiredRequest));
        }
        Ok(Self {
            issuer,
            proof,
            challenge,
        })
    }

    async fn find(&self, rx: &mut Rx) -> Result<Option<Found>> {
        let found = self.proof.find(rx, self.issuer.at).await?;
        let Some((identity, credential)) = found else {
            return Ok(None);
        };
        Ok(Some(Found {
            is_ambiguous: is_ambiguous(rx, &self.issuer.application, &identity).await?,
            identity,
            credential,
        }))
    }

    /// Returns why policy rejects a user with a valid proof, in words for the user.
    fn denial(
        &self,
        identity: &Identity,
        credential: &Credential,
        is_ambiguous: bool,
    ) -> Option<&'static str> {
        if !self.redirect_uri_is_registered() || self.grantable_scopes().is_none() {
            return Some("The app no longer accepts the sign-in that it asked for.");
        }
        denial(self.issuer, identity, credential, is_ambiguous)
    }

    /// The application may have removed the redirect URI since the request.
    fn redirect_uri_is_registered(&self) -> bool {
        let registered = &self.issuer.application.protocol.redirect_uris;
        registered
            .iter()
            .any(|uri| fingerprint(uri) == self.challenge.answer_uri)
    }

    /// Returns the requested scopes that the application may still have. `None`: none is left.
    fn grantable_scopes(&self) -> Option<ScopeSet> {
        let requested = &self.challenge.requested.scopes;
        if requested.is_empty() {
            return Some(ScopeSet::default());
        }
        let client = self.issuer.application.client();
        client.grantable_scopes(Some(requested)).ok()
    }

    async fn allow(
        &self,
        ctx: &Context,
        credential: &Credential,
        said: Option<&WebAuthnFacts>,
    ) -> Result<AuthenticationAnswer> {
        let (code, key) = CodeKey::generate(self.challenge.transaction_id, &*ctx.app.rng);
        let row = self.new_code(ctx, credential, key, ctx.now + CODE_LIFETIME);
        let usage = Usage::of(credential, said, ctx.now);
        let used = credential.at();
        let requested = self.event(ctx, EventKind::AUTHORIZE_REQUEST, "ACCEPTED");
        let allowed = self
            .outcome(ctx, "COMPLETE:ALLOW", credential)
            .detail("method", row.facts.method)
            .detail("sign_count_regressed", usage.sign_count_regressed);
        let permitted = ctx
            .app
            .db
            .write(async move |tx| {
                if !store::insert_if_permitted(tx, &row).await? {
                    return Ok(false);
                }
                if let Some(usage) = usage.to_record {
                    credentials::store::record_use(tx, used, usage).await?;
                }
                events::append(tx, &requested).await?;
                events::append(tx, &allowed).await?;
                Ok(true)
            })
            .await?;
        if permitted {
            let code = code.expose().to_owned();
            return Ok(AuthenticationAnswer::Allow {
                code,
                message: None,
            });
        }
        self.why_not_permitted(ctx, credential).await
    }

    fn new_code(
        &self,
        ctx: &Context,
        credential: &Credential,
        key: CodeKey,
        expires_at: Timestamp,
    ) -> NewCode {
        NewCode {
            tenant_id: self.issuer.at.tenant_id,
            realm_id: self.issuer.at.realm_id,
            key,
            application_id: self.issuer.at.application_id,
            identity_id: credential.identity_id,
            credential_id: credential.id,
            facts: GrantFacts {
                requested: Requested {
                    scopes: self.grantable_scopes().unwrap_or_default(),
                    ..self.challenge.requested.clone()
                },
                method: Method::of(&credential.origin),
            },
            authenticated_at: ctx.now,
            expires_at,
            keep_until: self.challenge.expires_at + KEEP_AFTER_TRANSACTION,
        }
    }

    /// Reads once more whether a concurrent request used the proof or changed the state.
    async fn why_not_permitted(
        &self,
        ctx: &Context,
        credential: &Credential,
    ) -> Result<AuthenticationAnswer> {
        let at = self.issuer.at;
        let (answered, found, application) = ctx
            .app
            .db
            .read(async |rx| {
                let transaction = self.challenge.transaction_id;
                Ok((
                    store::is_answered(rx, at.realm(), transaction).await?,
                    self.find(rx).await?,
                    applications::store::find(rx, at).await?,
                ))
            })
            .await?;
        if answered {
            self.count(ctx, Some(credential.identity_id))?;
            return Err(self.replayed(ctx, credential).await?);
        }
        if application.is_none() {
            return Err(at.not_found());
        }
        let message = match &found {
            Some(Found {
                identity,
                credential: Some(credential),
                is_ambiguous,
            }) => self.denial(identity, credential, *is_ambiguous),
            _ => None,
        };
        let message = message.unwrap_or("This passkey was removed.");
        self.deny(ctx, credential, message).await
    }

    /// Denies the transaction. Its row is that of an expired code that was never issued, so the
    /// same proof is a replay from now on.
    async fn deny(
        &self,
        ctx: &Context,
        credential: &Credential,
        message: &str,
    ) -> Result<AuthenticationAnswer> {
        ctx.source.note_identity(credential.identity_id);
        self.count(ctx, Some(credential.identity_id))?;
        let (_, key) = CodeKey::generate(self.challenge.transaction_id, &*ctx.app.rng);
        let row = self.new_code(ctx, credential, key, ctx.now);
        let requested = self.event(ctx, EventKind::AUTHORIZE_REQUEST, "ACCEPTED");
        let denied = self
            .outcome(ctx, "COMPLETE:DENY", credential)
            .detail("reason", message);
        let is_first = ctx
            .app
            .db
            .write(async move |tx| {
                if !store::insert_denied(tx, &row).await? {
                    return Ok(false);
                }
                events::append(tx, &requested).await?;
                events::append(tx, &denied).await?;
                Ok(true)
            })
            .await?;
        if !is_first {
            return Err(self.replayed(ctx, credential).await?);
        }
        Ok(AuthenticationAnswer::Deny {
            message: message.to_owned(),
        })
    }

    /// Records that a proof, already counted by the caller, was used again, and returns the
    /// rejection.
    async fn replayed(&self, ctx: &Context, credential: &Credential) -> Result<Error> {
        ctx.source.note_identity(credential.identity_id);
        let event = self
            .outcome(ctx, "ERROR", credential)
            .detail("error", "the transaction was answered before");
        record(ctx, event).await?;
        let why = "the sign-in request was already answered";
        Ok(Error::invalid("claims", why).because(Reason::ReplayedProof))
    }

    /// Records a failed proof for a known identity, and returns the rejection.
    async fn record_error(
        &self,
        ctx: &Context,
        identity: IdentityId,
        error: impl std::fmt::Display,
    ) -> Result<Error> {
        ctx.source.note_identity(identity);
        self.count(ctx, Some(identity))?;
        let event = self
            .event(ctx, EventKind::AUTHENTICATION_TRANSACTION, "ERROR")
            .identity(identity)
            .detail("error", error.to_string());
        record(ctx, event).await?;
        Ok(refused(error))
    }

    /// Counts a rejected proof, of `identity` if that exists.
    fn count(&self, ctx: &Context, identity: Option<IdentityId>) -> Result<()> {
        let realm = self.issuer.at.realm();
        let identity = identity.map(|id| realm.identity_id(id));
        ctx.app
            .limits
            .wrong_proof(ctx.source.ip, realm.tenant_id, identity)
    }

    fn event(&self, ctx: &Context, kind: EventKind, outcome: &'static str) -> Event {
        Event::about(ctx, self.issuer.at, kind, outcome)
    }

    /// Creates an event about an identity whose passkey was verified.
    fn outcome(&self, ctx: &Context, outcome: &'static str, credential: &Credential) -> Event {
        self.event(ctx, EventKind::AUTHENTICATION_TRANSACTION, outcome)
            .by(credential.at().identity().principal())
            .identity(credential.identity_id)
            .detail("credential_id", credential.id)
    }
}

/// Checks that path, seal and proof name the same transaction and application, and that the
/// application still uses the same authenticator config.
fn check_agreement(issuer: &Issuer, challenge: &Challenge, proof: &Proof) -> Result<()> {
    if challenge.application_id != issuer.at.application_id {
        return Err(refused("the challenge is another application's"));
    }
    if issuer.application.authenticator_config_id != Some(challenge.config_id) {
        return Err(refused("the application has another config by now"));
    }
    if challenge.transaction_id.to_string() != proof.transaction_id() {
        return Err(refused("the nonce belongs to another transaction"));
    }
    if proof.is_of_one_time_code() {
        return Err(refused("one-time codes are not enabled"));
    }
    Ok(())
}

/// WebAuthn Level 3, section 7.2: a credential's backup eligibility never changes.
fn backup_eligibility_changed(credential: &Credential, said: Option<&WebAuthnFacts>) -> bool {
    match (said, &credential.origin) {
        (Some(now), KeyOrigin::WebAuthn(known)) => now.backup_eligible() != known.backup_eligible,
        _ => false,
    }
}

/// What an authenticator reported about itself besides the signature.
struct Usage {
    /// A decreasing counter may mean a cloned authenticator, or two proofs that arrived out of
    /// order. It is recorded, and does not fail the sign-in.
    sign_count_regressed: bool,
    /// The use, if it is the first in its hour, or the counter or the backup state changed. Most
    /// authenticators have no counter, so further sign-ins within the hour write nothing here.
    to_record: Option<Use>,
}

impl Usage {
    fn of(credential: &Credential, said: Option<&WebAuthnFacts>, now: Timestamp) -> Self {
        let hour = hour(now);
        let is_first = credential.last_used_at.is_none_or(|last| last < hour);
        let (Some(said), KeyOrigin::WebAuthn(known)) = (said, &credential.origin) else {
            let used = Use {
                hour,
                sign_count: 0,
                backup_state: false,
            };
            return Self {
                sign_count_regressed: false,
                to_record: is_first.then_some(used),
            };
        };
        let used = Use {
            hour,
            sign_count: said.sign_count(),
            backup_state: said.backup_state(),
        };
        let counts = used.sign_count != 0 || known.sign_count != 0;
        let news = used.sign_count > known.sign_count || used.backup_state != known.backup_state;
        Self {
            sign_count_regressed: counts && used.sign_count <= known.sign_count,
            to_record: (news || is_first).then_some(used),
        }
    }
}

async fn record(ctx: &Context, refusal: Event) -> Result<()> {
    let Some(event) = events::repeats::first(&ctx.app, refusal) else {
        return Ok(());
    };
    ctx.app
        .db
        .write(async move |tx| events::append(tx, &event).await)
        .await
}

/// Deletes a batch of codes that are no longer needed, and returns their number.
pub async fn sweep(app: &App) -> Result<u64> {
    let now = app.now();
    let mut swept = 0;
    loop {
        let slice = app
            .db
            .write(async move |tx| store::sweep(tx, now).await)
            .await?;
        if slice == 0 {
            return Ok(swept);
        }
        swept += slice;
    }
}
