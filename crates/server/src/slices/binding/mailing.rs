//! Links on their way by mail.

use crate::base::refs::JobRef;
use keymoor_types::{BindingJobId, IdentityId, Timestamp};

use super::model::State;
use super::{ops, store};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::db::Tx;
use crate::infra::mail::letters::{self, Addressee};
use crate::infra::outbox::Task;
use crate::infra::outbox::store::Claim;
use crate::infra::outbox::worker::Errand;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities;
use crate::slices::realms;

/// The mail with a job's link, unless the job has ended or its link went out already.
pub async fn errand(
    app: &App,
    claim: &Claim,
    identity_id: IdentityId,
    id: BindingJobId,
) -> Result<Errand> {
    let (tenant_id, realm_id) = (claim.tenant_id, claim.realm_id);
    let key = JobRef {
        tenant_id,
        realm_id,
        identity_id,
        job_id: id,
    };
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
        return Ok(Errand::Moot);
    };
    let Some(address) = job.snapshot.address.clone() else {
        return Ok(Errand::Moot);
    };
    if job.state_at(app.now()).ending().is_some() {
        return Ok(Errand::Moot);
    }
    let token = ops::open_token(app, key, &token)?;
    let to = Addressee {
        address,
        username: identity.traits.username,
        realm: realm.display_name,
    };
    let link = ops::link(app, key, &token);
    letters::binding_link(claim.id, claim.created_at, to, &link, job.expires_at).map(Errand::Send)
}

/// The job of a task that mails a link, when that task ends.
pub struct LinkTask {
    key: JobRef,
    failed: Event,
}

impl LinkTask {
    pub fn of(ctx: &Context, claim: &Claim, task: &Task) -> Option<Self> {
        let Task::BindingLink {
            identity_id,
            binding_job_id,
        } = *task
        else {
            return None;
        };
        let key = JobRef {
            tenant_id: claim.tenant_id,
            realm_id: claim.realm_id,
            identity_id,
            job_id: binding_job_id,
        };
        let failed = Event::about(
            ctx,
            key,
            EventKind::CREDENTIAL_BINDING_JOB_CHANGE,
            State::FailedToSend.as_str(),
        );
        Some(Self { key, failed })
    }

    /// Forgets the token, and says so in the job if its mail was given up.
    pub async fn end(&self, tx: &mut Tx, given_up: bool, now: Timestamp) -> Result<()> {
        store::erase_token(tx, self.key).await?;
        if given_up && store::mark_failed_to_send(tx, self.key, now).await? {
            events::append(tx, &self.failed).await?;
        }
        Ok(())
    }
}
