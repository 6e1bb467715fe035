//! Work that must happen after a write is durable, written down by that same write.
//!
//! A task is claimed with a lease, so that it survives a crash of the worker, and may therefore
//! run more than once: what it does must be safe to repeat. That it is done is recorded in one
//! transaction with the end of the task, and it is never taken up after that.
//!
//! - [`store`]: the SQL. [`worker`]: who claims, runs and retries.

pub mod store;
pub mod worker;

#[cfg(test)]
mod tests;

use keymoor_types::{
    BindingJobId, CredentialId, IdentityId, OutboxId, RealmId, Seconds, TenantId, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::base::context::Context;
use crate::base::refs::RealmRef;

/// What is to be done. Stored as JSON: what a released version wrote must stay readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Mail the link of a binding job to the address that the job was created with.
    BindingLink {
        identity_id: IdentityId,
        binding_job_id: BindingJobId,
    },
    /// Tell the owner of an identity that it has a new passkey.
    PasskeyAdded {
        identity_id: IdentityId,
        credential_id: CredentialId,
        /// The owner's when the passkey was added: a thief of the account who changes it does not
        /// silence this.
        address: String,
    },
}

impl Task {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::BindingLink { .. } => "binding_link",
            Self::PasskeyAdded { .. } => "passkey_added",
        }
    }
}

/// A task on its way into the outbox.
#[derive(Clone, Debug)]
pub struct NewTask {
    pub id: OutboxId,
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub task: Task,
    pub created_at: Timestamp,
}

impl NewTask {
    pub fn new(ctx: &Context, realm: RealmRef, task: Task) -> Self {
        Self {
            id: OutboxId::generate(ctx.now, &*ctx.app.rng),
            tenant_id: realm.tenant_id,
            realm_id: realm.realm_id,
            task,
            created_at: ctx.now,
        }
    }
}

/// The wait after failed attempt number `attempt`, counted from 1: `first`, doubled for each
/// attempt before, and up to a quarter more, so that what failed together is not tried together.
fn back_off(first: Seconds, attempt: i64, random: u16) -> Seconds {
    let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 16)).unwrap_or(16);
    let wait = first.0.saturating_mul(1 << doublings);
    let jitter = wait / 4 * i64::from(random) / i64::from(u16::MAX);
    Seconds(wait.saturating_add(jitter))
}
