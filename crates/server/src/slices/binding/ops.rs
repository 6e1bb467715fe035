//! The use cases of binding jobs for applications: create, list, read, revoke.

use keymoor_types::{AuthenticatorConfigId, BindingJobId, Seconds, Timestamp};

use super::mailing::BindingLinkMail;
use super::model::{
    BindingJob, ConfigChoice, CreatedJob, DeliveryMethod, NO_SUCH_CONFIG, NewJob, Snapshot, State,
};
use super::{link, steps, store};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Resource, Result, with_fresh_ids};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{IdentitiesRef, IdentityRef, JobRef, RealmRef, Ref as _};
use crate::base::secret::{Digest, Secret};
use crate::db::Tx;
use crate::infra::outbox::{self, Entry};
use crate::slices::authenticator_configs;
use crate::slices::events::{self, Event};
use crate::slices::identities;
use crate::slices::identities::model::{Identity, Status};
use crate::slices::realms;

/// Creates a job. For EMAIL, the same transaction inserts its mail.
///
/// # Errors
/// `NotFound` for the identity; `Invalid` for the config, the lifetime or the redirect;
/// `Unprocessable` for EMAIL without an address or a mail server; `Conflict` for a suspended identity;
/// `Forbidden` in the admin realm for a caller that could not do what the identity can.
pub async fn create(ctx: &Context, at: IdentityRef, new: NewJob) -> Result<CreatedJob> {
    with_fresh_ids!(create_once(ctx, at, &new, Beside::Others).await)
}

/// Like [`create`], for an identity without a pending job. Of several concurrent calls, one creates
/// a job.
///
/// # Errors
/// As [`create`], and `Conflict` while a job of the identity is pending.
pub async fn create_only(ctx: &Context, at: IdentityRef, new: NewJob) -> Result<CreatedJob> {
    with_fresh_ids!(create_once(ctx, at, &new, Beside::None).await)
}

/// Which pending jobs of its identity a new one may join.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Others,
    None,
}

async fn create_once(
    ctx: &Context,
    at: IdentityRef,
    new: &NewJob,
    beside: Beside,
) -> Result<CreatedJob> {
    let app = &ctx.app;
    let lifetime = lifetime(app, new.expires_in)?;
    let token = Secret::random::<48>(&*app.rng);
    let id = BindingJobId::generate(ctx.now, &*app.rng);
    let key = at.job_id(id);
    let sealed_token =
        (new.delivery_method == DeliveryMethod::Email).then(|| link::seal_token(app, key, &token));
    let mail = BindingLinkMail {
        identity_id: at.identity_id,
        binding_job_id: id,
        link_number: 1,
    };
    let mail = Entry::new(ctx, at.realm(), mail);
    let event = steps::event(ctx, key, State::LinkSent.as_str())
        .detail("delivery_method", new.delivery_method);
    let (new, token_hash, now) = (new.clone(), token.digest(), ctx.now);
    let may_do_anything = ctx.may_do_anything();
    let is_mail_configured = app.mailer.is_configured();
    let job = app
        .db
        .write(async move |tx| {
            if beside == Beside::None {
                refuse_second(tx, at, now).await?;
            }
            let identity = identity(tx, at).await?;
            require_entitled(tx, at.realm(), may_do_anything).await?;
            let (config_id, mut snapshot) = snapshot(tx, at.realm(), &new.config, "job").await?;
            snapshot.address = identity.traits.primary_email_address;
            let job = BindingJob {
                tenant_id: at.tenant_id,
                realm_id: at.realm_id,
                identity_id: at.identity_id,
                id,
                delivery_method: new.delivery_method,
                stored_state: State::LinkSent,
                token_hash,
                authenticator_config_id: config_id,
                snapshot,
                post_binding_redirect_uri: new.post_binding_redirect_uri.clone(),
                failed_proofs: 0,
                credential_id: None,
                expires_at: now + lifetime,
                created_at: now,
                updated_at: now,
                link_number: 1,
                link_created_at: now,
                batch_id: None,
            };
            if job.delivery_method == DeliveryMethod::Email {
                require_mailable(&job, is_mail_configured)?;
                outbox::store::enqueue(tx, &mail).await?;
            }
            store::insert(tx, &job, sealed_token.as_deref()).await?;
            events::append(tx, &event).await?;
            Ok(job)
        })
        .await?;
    let link = link::of(app, key, &token);
    Ok(CreatedJob { job, link })
}

fn lifetime(app: &App, asked: Option<Seconds>) -> Result<Seconds> {
    let bounds = app.config.binding;
    let lifetime = asked.unwrap_or(bounds.default_lifetime);
    if (bounds.min_lifetime..=bounds.max_lifetime).contains(&lifetime) {
        Ok(lifetime)
    } else {
        let (min, max) = (bounds.min_lifetime.0, bounds.max_lifetime.0);
        Err(Error::invalid(
            "job.expires_in",
            format!("must be from {min} to {max} seconds"),
        ))
    }
}

/// Fails if a job is pending. Otherwise none can be created until the transaction ends.
async fn refuse_second(tx: &mut Tx, at: IdentityRef, now: Timestamp) -> Result<()> {
    identities::store::find_locked(tx, at).await?;
    let pending = store::list_pending(tx, at, now).await?;
    if pending.is_empty() {
        return Ok(());
    }
    Err(Error::conflict_on(
        "identity has a pending binding job",
        Kind::IDENTITY,
        at.identity_id,
        "pending",
    ))
}

/// Copies the config of new jobs, without an address. Returns it with the id of a stored one.
///
/// # Errors
/// `Invalid` for an unknown config. `envelope` is the member of the request that names it.
pub async fn snapshot(
    tx: &mut Tx,
    realm: RealmRef,
    choice: &ConfigChoice,
    envelope: &str,
) -> Result<(Option<AuthenticatorConfigId>, Snapshot)> {
    match choice {
        ConfigChoice::Stored(id) => {
            let config = realm.authenticator_config_id(*id);
            let config = authenticator_configs::store::find(tx, config).await?;
            let config = config.ok_or_else(|| {
                let field = format!("{envelope}.authenticator_config_id");
                Error::invalid(field, NO_SUCH_CONFIG)
            })?;
            Ok((Some(config.id), Snapshot::of(&config.config, None)))
        }
        ConfigChoice::Inline(config) => {
            let snapshot = Snapshot {
                inline: Some(config.clone()),
                ..Snapshot::of(config, None)
            };
            Ok((None, snapshot))
        }
    }
}

/// A mailed job, prepared before the transaction that creates it.
#[derive(Clone)]
pub struct Mailed {
    pub key: JobRef,
    pub token_hash: Digest,
    pub sealed_token: Vec<u8>,
    pub mail: Entry<BindingLinkMail>,
    pub event: Event,
}

impl Mailed {
    pub fn prepare(ctx: &Context, at: IdentityRef) -> Self {
        let token = Secret::random::<48>(&*ctx.app.rng);
        let key = at.job_id(BindingJobId::generate(ctx.now, &*ctx.app.rng));
        let mail = BindingLinkMail {
            identity_id: at.identity_id,
            binding_job_id: key.job_id,
            link_number: 1,
        };
        Self {
            key,
            token_hash: token.digest(),
            sealed_token: link::seal_token(&ctx.app, key, &token),
            mail: Entry::new(ctx, at.realm(), mail),
            event: steps::event(ctx, key, State::LinkSent.as_str())
                .detail("delivery_method", DeliveryMethod::Email),
        }
    }

    /// Inserts the job, its mail and its event.
    pub async fn insert(&self, tx: &mut Tx, job: &BindingJob) -> Result<()> {
        store::insert(tx, job, Some(&self.sealed_token)).await?;
        outbox::store::enqueue(tx, &self.mail).await?;
        events::append(tx, &self.event).await
    }
}

/// A link grants access as the identity, and an administrator can do everything.
pub async fn require_entitled(tx: &mut Tx, realm: RealmRef, may_do_anything: bool) -> Result<()> {
    let realm = realms::store::find(tx, realm).await?;
    if realm.is_some_and(|realm| realm.is_admin) && !may_do_anything {
        return Err(Error::Forbidden(
            "an administrator's link needs every scope",
        ));
    }
    Ok(())
}

pub(super) async fn identity(tx: &mut Tx, at: IdentityRef) -> Result<Identity> {
    let identity = identities::store::find(tx, at)
        .await?
        .ok_or_else(|| at.not_found())?;
    match identity.status {
        Status::Active => Ok(identity),
        Status::Suspended => Err(Error::conflict_on(
            "identity is suspended",
            Kind::IDENTITY,
            at.identity_id,
            "suspended",
        )),
    }
}

pub(super) fn unprocessable(at: IdentityRef, message: &str) -> Error {
    Error::Unprocessable {
        message: message.to_owned(),
        resource: Resource {
            description: message.to_owned(),
            ..Resource::new(Kind::IDENTITY, at.identity_id)
        },
    }
}

pub(super) fn require_mailable(job: &BindingJob, is_mail_configured: bool) -> Result<()> {
    if job.snapshot.address.is_none() {
        return Err(unprocessable(
            job.at().identity(),
            "Identity missing email address",
        ));
    }
    if job.snapshot.invoke_url.is_none() {
        return Err(Error::invalid(
            "job.authenticator_config_id",
            "a link can be mailed only for a config with an invoke_url",
        ));
    }
    if !is_mail_configured {
        let at = job.at().identity();
        return Err(unprocessable(at, "no mail server is configured"));
    }
    Ok(())
}

/// Deletes sealed tokens that are a day old. Mails still unsent by then are never sent.
pub async fn erase_old_tokens(app: &App) -> Result<()> {
    let before = app.now() - Seconds::DAY;
    while app
        .db
        .write(async move |tx| store::erase_tokens_before(tx, before).await)
        .await?
        > 0
    {}
    Ok(())
}

/// How many jobs a write of the sweep ends.
const SWEPT_TOGETHER: i64 = 50;

/// Stores the end of jobs that have expired, with an event for each.
pub async fn sweep_expired(app: &App) -> Result<()> {
    loop {
        let ctx = Context::system(app);
        let now = ctx.now;
        let unswept = app
            .db
            .read(async |rx| store::list_unswept(rx, now, SWEPT_TOGETHER).await)
            .await?;
        if unswept.is_empty() {
            return Ok(());
        }
        let about = |key| (key, steps::event(&ctx, key, State::Expired.as_str()));
        let unswept: Vec<_> = unswept.into_iter().map(about).collect();
        app.db
            .write(async move |tx| {
                for (key, event) in &unswept {
                    if store::mark_expired(tx, *key, now).await? {
                        events::append(tx, event).await?;
                    }
                }
                Ok(())
            })
            .await?;
    }
}

/// Returns a page of the jobs of one identity, or of every identity of the realm.
///
/// # Errors
/// `NotFound` for the identity or the realm.
pub async fn list(
    ctx: &Context,
    of: IdentitiesRef,
    page: &PageRequest,
) -> Result<Page<BindingJob>> {
    let (now, page) = (ctx.now, page.clone());
    // A scan, since the total is counted.
    ctx.scan(of.realm().tenant_id, async move |rx| {
        identities::ops::require_all(rx, of).await?;
        store::list(rx, of, &page, now).await
    })
    .await
}

pub async fn get(ctx: &Context, key: JobRef) -> Result<BindingJob> {
    ctx.app
        .db
        .read(async |rx| store::find(rx, key).await)
        .await?
        .ok_or_else(|| key.not_found())
}

/// Revokes a job: its link stops working at once.
///
/// # Errors
/// `NotFound`; `Conflict` if the job is complete, expired or revoked already.
pub async fn revoke(ctx: &Context, key: JobRef) -> Result<BindingJob> {
    let event = steps::event(ctx, key, State::Revoked.as_str());
    let now = ctx.now;
    ctx.app
        .db
        .write(async move |tx| {
            if let Some(job) = store::revoke(tx, key, now).await? {
                events::append(tx, &event).await?;
                return Ok(job);
            }
            let job = store::find(tx, key).await?.ok_or_else(|| key.not_found())?;
            Err(ended(&job, job.state_at(now)))
        })
        .await
}

/// Returns the error for using a job that ended in `state`.
pub fn ended(job: &BindingJob, state: State) -> Error {
    match state.ending() {
        Some(ending) => Error::Ended {
            kind: Kind::CREDENTIAL_BINDING_JOB,
            id: job.id.to_string(),
            ending,
        },
        // It could not be claimed a moment ago, for example while its identity was suspended.
        None => Error::conflict_on(
            "credential binding job is unavailable",
            Kind::CREDENTIAL_BINDING_JOB,
            job.id,
            "unavailable",
        ),
    }
}
