//! Outbox jobs that mail links.

use keymoor_types::{BindingJobId, IdentityId, Timestamp};
use serde::{Deserialize, Serialize};

use super::model::State;
use super::{link, steps, store};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::refs::JobRef;
use crate::db::Tx;
use crate::infra::mail::Mail;
use crate::infra::mail::job::MailJob;
use crate::infra::mail::letters::{self, Addressee};
use crate::infra::outbox::{Claim, Ending, Verdict};
use crate::slices::events::mail::MailStatus;
use crate::slices::events::{self, Event};
use crate::slices::identities;
use crate::slices::realms;

/// Mails the link of a binding job to the address that the job was created with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename = "binding_link")]
pub struct BindingLinkMail {
    pub identity_id: IdentityId,
    pub binding_job_id: BindingJobId,
    /// Which of the job's links. Older versions mailed only the first.
    #[serde(default = "first")]
    pub link_number: i64,
}

const fn first() -> i64 {
    1
}

impl BindingLinkMail {
    const fn job(&self, claim: &Claim) -> JobRef {
        let identity = claim.realm().identity_id(self.identity_id);
        identity.job_id(self.binding_job_id)
    }
}

impl MailJob for BindingLinkMail {
    const KIND: &'static str = "binding_link";

    /// Returns the mail, unless the binding job has ended, or its link was already sent or replaced.
    async fn mail(&self, app: &App, claim: &Claim) -> Result<Option<Mail>> {
        let key = self.job(claim);
        let (job, token, identity, realm) = app
            .db
            .read(async |rx| {
                Ok((
                    store::find(rx, key).await?,
                    store::find_sealed_token(rx, key).await?,
                    identities::store::find(rx, key.identity()).await?,
                    realms::store::find(rx, key.identity().realm()).await?,
                ))
            })
            .await?;
        let (Some(job), Some(token), Some(identity), Some(realm)) = (job, token, identity, realm)
        else {
            return Ok(None);
        };
        let Some(address) = job.snapshot.address.clone() else {
            return Ok(None);
        };
        let is_current = job.link_number == self.link_number;
        if !is_current || job.state_at(app.now()).ending().is_some() {
            return Ok(None);
        }
        let token = link::open_token(app, key, &token)?;
        let to = Addressee {
            address,
            username: identity.traits.username,
            realm: realm.display_name,
        };
        let link = link::mailed(app, key, &token);
        letters::binding_link(claim.id, claim.created_at, to, &link, job.expires_at).map(Some)
    }

    fn ending(&self, ctx: &Context, claim: &Claim, verdict: &Verdict) -> impl Ending {
        let key = self.job(claim);
        let failed = || steps::event(ctx, key, State::FailedToSend.as_str());
        LinkEnding {
            key,
            link: self.link_number,
            failed: matches!(verdict, Verdict::Never(_)).then(failed),
            now: ctx.now,
            status: MailStatus::about(ctx, key, claim, verdict),
        }
    }
}

/// Deletes the token, and marks the binding job if its mail was abandoned.
struct LinkEnding {
    key: JobRef,
    link: i64,
    /// The event about an abandoned mail.
    failed: Option<Event>,
    now: Timestamp,
    status: MailStatus,
}

impl Ending for LinkEnding {
    async fn ended(&self, tx: &mut Tx) -> Result<()> {
        store::erase_token(tx, self.key, self.link).await?;
        if let Some(failed) = &self.failed
            && store::mark_failed_to_send(tx, self.key, self.link, self.now).await?
        {
            events::append(tx, failed).await?;
        }
        self.status.ended(tx).await
    }
}
