//! The worker: turns pending items into binding jobs, a few in each transaction.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use keymoor_oauth::claims::Principal;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{IdentityId, Timestamp};
use tokio::sync::watch;

use super::model::{Batch, BatchRef, Origin, RowError};
use super::store::{self, Pending};
use crate::app::App;
use crate::base::context::{Actor, Context, Source};
use crate::base::error::{Result, with_fresh_ids};
use crate::db::Tx;
use crate::slices::binding::model::{BindingJob, DeliveryMethod, Snapshot, State};
use crate::slices::binding::ops::Mailed;
use crate::slices::identities;
use crate::slices::identities::model::{Identity, Status};

/// The number of items in a transaction.
const TOGETHER: usize = 20;
/// The number of pending items that a node chooses from, so that nodes rarely meet.
const CHOICE: i64 = 200;
/// The longest delay until a batch that another node inserted is noticed.
const POLL: Duration = Duration::from_secs(1);

/// Works on batches until `stop` is true. Stopping interrupts it between two transactions.
pub async fn work(app: App, mut stop: watch::Receiver<bool>) {
    let mut worker = Worker::new(app);
    let working = async {
        loop {
            match worker.run_some().await {
                Ok(0) => tokio::time::sleep(POLL).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a batch of binding jobs could not be continued");
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    };
    tokio::select! {
        _told = stop.wait_for(|&stop| stop) => {}
        () = working => {}
    }
}

/// Works on the batches of all tenants in turn, so that neither a large batch nor one that fails
/// every time keeps the others waiting.
pub struct Worker {
    app: App,
    /// The batch that had its turn.
    last: Option<BatchRef>,
}

impl Worker {
    pub const fn new(app: App) -> Self {
        Self { app, last: None }
    }

    /// Settles a few pending items of the next batch. Returns how many it tried.
    pub async fn run_some(&mut self) -> Result<usize> {
        let (app, last) = (&self.app, self.last);
        let pending = app
            .db
            .read(async move |rx| store::list_pending(rx, last, CHOICE).await)
            .await?;
        let Some((at, ..)) = pending.first() else {
            return Ok(0);
        };
        let at = *at;
        self.last = Some(at);
        let of_batch: Vec<_> = pending.into_iter().filter(|(of, ..)| *of == at).collect();
        let groups = of_batch.chunks(TOGETHER).count();
        let random = usize::from(u16::from_le_bytes(app.rng.bytes()));
        let Some(group) = of_batch.chunks(TOGETHER).nth(random % groups) else {
            return Ok(0);
        };
        let batch = app.db.read(async move |rx| store::find(rx, at).await);
        if let Some(batch) = batch.await? {
            with_fresh_ids!(settle(app, &batch, group).await)?;
        }
        // Otherwise it was deleted with its realm a moment ago.
        Ok(group.len())
    }
}

/// Settles items in one transaction, together with their jobs and mails.
async fn settle(app: &App, batch: &Batch, group: &[Pending]) -> Result<()> {
    let ctx = context(app, &batch.origin);
    let prepared: Vec<Prepared> = group
        .iter()
        .map(|(at, n, identity)| Prepared::new(&ctx, *at, *n, identity))
        .collect();
    let (batch, now) = (batch.clone(), ctx.now);
    let is_mail_configured = app.mailer.is_configured();
    let lifetime = app.config.binding.default_lifetime;
    app.db
        .write(async move |tx| {
            for item in &prepared {
                item.settle(tx, &batch, is_mail_configured, now, now + lifetime)
                    .await?;
            }
            store::touch(tx, batch.at(), now).await
        })
        .await
}

/// Returns the context of the request that created the batch, at the present time.
fn context(app: &App, origin: &Origin) -> Context {
    let actor = origin.actor.parse::<Principal>();
    let ip = origin.ip.parse();
    Context {
        app: app.clone(),
        now: app.now(),
        actor: actor.map_or(Actor::System, Actor::Principal),
        scopes: ScopeSet::default(),
        source: Source::new(
            origin.correlation_id.clone(),
            ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            origin.user_agent.clone(),
        ),
    }
}

/// An item, with everything that its transaction must not create.
struct Prepared {
    at: BatchRef,
    n: i64,
    /// `None`: what is listed is no id.
    mailed: Option<Mailed>,
}

impl Prepared {
    fn new(ctx: &Context, at: BatchRef, n: i64, identity: &str) -> Self {
        let identity: Option<IdentityId> = identity.parse().ok();
        let mailed = identity.map(|id| Mailed::prepare(ctx, at.realm().identity_id(id)));
        Self { at, n, mailed }
    }

    async fn settle(
        &self,
        tx: &mut Tx,
        batch: &Batch,
        is_mail_configured: bool,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        let invitation = self.invitation(tx, is_mail_configured).await?;
        let (mailed, address) = match invitation {
            Ok(invitation) => invitation,
            Err(why) => {
                store::settle(tx, self.at, self.n, Err(why)).await?;
                return Ok(());
            }
        };
        // Another node, or a cancellation, was first.
        if !store::settle(tx, self.at, self.n, Ok(mailed.key.job_id)).await? {
            return Ok(());
        }
        let job = BindingJob {
            tenant_id: mailed.key.tenant_id,
            realm_id: mailed.key.realm_id,
            identity_id: mailed.key.identity_id,
            id: mailed.key.job_id,
            delivery_method: DeliveryMethod::Email,
            stored_state: State::LinkSent,
            token_hash: mailed.token_hash,
            authenticator_config_id: batch.template.authenticator_config_id,
            snapshot: Snapshot {
                address: Some(address),
                ..batch.template.snapshot.clone()
            },
            post_binding_redirect_uri: batch.template.post_binding_redirect_uri.clone(),
            failed_proofs: 0,
            credential_id: None,
            expires_at,
            created_at: now,
            updated_at: now,
            link_number: 1,
            link_created_at: now,
            batch_id: Some(batch.id),
        };
        mailed.insert(tx, &job).await
    }

    /// Returns what is to be mailed and where, or why the identity can't be invited.
    async fn invitation(
        &self,
        tx: &mut Tx,
        is_mail_configured: bool,
    ) -> Result<Result<(&Mailed, String), RowError>> {
        let Some(mailed) = &self.mailed else {
            return Ok(Err(RowError::NotFound));
        };
        let identity: Option<Identity> = identities::store::find(tx, mailed.key.identity()).await?;
        let Some(identity) = identity else {
            return Ok(Err(RowError::NotFound));
        };
        if identity.status == Status::Suspended {
            return Ok(Err(RowError::Suspended));
        }
        let Some(address) = identity.traits.primary_email_address else {
            return Ok(Err(RowError::NoAddress));
        };
        if !is_mail_configured {
            return Ok(Err(RowError::NoMailServer));
        }
        Ok(Ok((mailed, address)))
    }
}
