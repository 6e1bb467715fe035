//! A new link for a job, in place of the old one.

use keymoor_types::{Seconds, Timestamp};

use super::mailing::BindingLinkMail;
use super::model::{BindingJob, CreatedJob, DeliveryMethod, Event as Step, State};
use super::ops::{ended, identity, require_entitled, require_mailable, unprocessable};
use super::store::NewLink;
use super::{link, steps, store};
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result};
use crate::base::refs::{JobRef, Ref as _};
use crate::base::secret::{Digest, Secret};
use crate::db::Tx;
use crate::infra::outbox::{self, Entry};
use crate::slices::events::{self, Event};
use crate::slices::identities::model::Identity;

/// The wait between two mails of a job after its second link.
const MAIL_INTERVAL: Seconds = Seconds::MINUTE;

/// Replaces the link of a job. The old one stops working. For EMAIL, the same transaction inserts
/// the mail with the new one.
///
/// # Errors
/// `NotFound`; `Conflict` if the state is not LINK_SENT, LINK_OPENED, FAILED_TO_SEND or EXPIRED, or
/// the identity is suspended; `Unprocessable` for EMAIL if the address has changed or no mail server
/// is configured; `TooManyRequests` for EMAIL within a minute after the last time; `Forbidden` as for
/// creating a job.
pub async fn resend(ctx: &Context, key: JobRef) -> Result<CreatedJob> {
    let app = &ctx.app;
    let token = Secret::random::<48>(&*app.rng);
    let resend = Resend {
        key,
        now: ctx.now,
        may_do_anything: ctx.may_do_anything(),
        is_mail_configured: app.mailer.is_configured(),
        bounds: (
            app.config.binding.min_lifetime,
            app.config.binding.max_lifetime,
        ),
        token_hash: token.digest(),
        sealed_token: link::seal_token(app, key, &token),
        mail: Entry::new(
            ctx,
            key.identity().realm(),
            BindingLinkMail {
                identity_id: key.identity_id,
                binding_job_id: key.job_id,
                link_number: 0,
            },
        ),
        event: steps::event(ctx, key, steps::RESENT),
    };
    let job = app.db.write(async move |tx| resend.run(tx).await).await?;
    let link = link::of(app, key, &token);
    Ok(CreatedJob { job, link })
}

/// A replacement, prepared before its transaction.
struct Resend {
    key: JobRef,
    now: Timestamp,
    may_do_anything: bool,
    is_mail_configured: bool,
    /// The shortest and the longest lifetime that links may have.
    bounds: (Seconds, Seconds),
    token_hash: Digest,
    sealed_token: Vec<u8>,
    mail: Entry<BindingLinkMail>,
    event: Event,
}

impl Resend {
    async fn run(&self, tx: &mut Tx) -> Result<BindingJob> {
        let Self { key, now, .. } = *self;
        let job = store::find(tx, key).await?.ok_or_else(|| key.not_found())?;
        require_entitled(tx, key.identity().realm(), self.may_do_anything).await?;
        require_resendable(&job, now)?;
        let identity = identity(tx, key.identity()).await?;
        let is_mailed = job.delivery_method == DeliveryMethod::Email;
        if is_mailed {
            require_mailable(&job, self.is_mail_configured)?;
            require_on_record(&job, &identity)?;
        }
        let (min, max) = self.bounds;
        let link = NewLink {
            token_hash: self.token_hash,
            sealed_token: is_mailed.then(|| self.sealed_token.clone()),
            expires_at: now + job.lifetime().clamp(min, max),
            not_after: is_mailed.then(|| now - MAIL_INTERVAL),
        };
        let Some(job) = store::replace_link(tx, key, &link, now).await? else {
            let job = store::find(tx, key).await?.ok_or_else(|| key.not_found())?;
            require_resendable(&job, now)?;
            let retry_after = 60;
            return Err(Error::TooManyRequests { retry_after });
        };
        if is_mailed {
            let mail = BindingLinkMail {
                link_number: job.link_number,
                ..self.mail.job.clone()
            };
            let mail = Entry {
                job: mail,
                ..self.mail.clone()
            };
            outbox::store::enqueue(tx, &mail).await?;
        }
        let event = self.event.clone();
        events::append(tx, &event.detail("delivery_method", job.delivery_method)).await?;
        Ok(job)
    }
}

fn require_resendable(job: &BindingJob, now: Timestamp) -> Result<()> {
    let state = job.state_at(now);
    if state.after(Step::Resent).is_some() {
        return Ok(());
    }
    Err(match state {
        State::RequestDelivered => Error::conflict_on(
            "credential binding job is in progress on a device",
            Kind::CREDENTIAL_BINDING_JOB,
            job.id,
            "request_delivered",
        ),
        state => ended(job, state),
    })
}

/// A link must not go to an address that the identity no longer has, since it may be somebody
/// else's.
fn require_on_record(job: &BindingJob, identity: &Identity) -> Result<()> {
    if job.snapshot.address == identity.traits.primary_email_address {
        return Ok(());
    }
    Err(unprocessable(
        job.at().identity(),
        "the identity's email address has changed since the job was created: create a new job",
    ))
}
