//! What a batch is.

use std::collections::BTreeSet;

use keymoor_types::{
    AuthenticatorConfigId, BatchId, BindingJobId, IdentityId, RealmId, TenantId, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::base::error::Kind;
use crate::base::names::named;
use crate::base::refs::{RealmRef, Segment, reference};
use crate::slices::binding::model::Snapshot;

/// The maximum number of pending items of a realm, and of the items of a batch.
pub const MAX_QUEUE: usize = 1_000;

impl Segment for BatchId {
    const KIND: Kind = Kind::new("BatchCredentialBindingJob", "batch credential binding job");
}

reference! {
    /// A batch of a realm.
    BatchRef = realm: RealmRef { tenant_id: TenantId, realm_id: RealmId }
    / batch_id: BatchId, "batch_credential_binding_job_id"
}

#[derive(Clone, Debug)]
pub struct Batch {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub id: BatchId,
    pub template: Template,
    pub origin: Origin,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Batch {
    /// Returns its reference.
    pub const fn at(&self) -> BatchRef {
        BatchRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
            batch_id: self.id,
        }
    }
}

/// What the jobs of a batch have in common. The config is copied when the batch is created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Template {
    pub authenticator_config_id: Option<AuthenticatorConfigId>,
    pub snapshot: Snapshot,
    pub post_binding_redirect_uri: Option<String>,
}

/// Who asked for the batch, and from where. The events of its jobs name them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Origin {
    pub actor: String,
    pub correlation_id: String,
    pub ip: String,
    pub user_agent: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub n: i64,
    /// As it was listed, in lower case if it is an id.
    pub identity: String,
    pub state: ItemState,
    pub binding_job_id: Option<BindingJobId>,
    pub error: Option<RowError>,
}

named! {
    pub enum ItemState {
        Pending = "PENDING",
        Created = "CREATED",
        Failed = "FAILED",
    }
}

named! {
    /// Why an identity was not invited.
    pub enum RowError {
        Duplicate = "DUPLICATE",
        NotFound = "NOT_FOUND",
        Suspended = "SUSPENDED",
        NoAddress = "NO_ADDRESS",
        NoMailServer = "NO_MAIL_SERVER",
        Cancelled = "CANCELLED",
    }
}

impl RowError {
    pub const fn message(self) -> &'static str {
        match self {
            Self::Duplicate => "identity is listed more than once",
            Self::NotFound => "identity not found",
            Self::Suspended => "identity is suspended",
            Self::NoAddress => "Identity missing email address",
            Self::NoMailServer => "no mail server is configured",
            Self::Cancelled => "the batch was cancelled",
        }
    }
}

named! {
    #[schema(as = BatchCredentialBindingJobState)]
    pub enum BatchState {
        /// Some identities are still to be invited.
        Running = "RUNNING",
        /// No identity was invited.
        Failed = "FAILED",
        /// Some identities were invited.
        PartialSuccess = "PARTIAL_SUCCESS",
        /// Every identity was invited.
        Success = "SUCCESS",
    }
}

impl BatchState {
    pub fn of(items: &[Item]) -> Self {
        let has = |state| items.iter().any(|item| item.state == state);
        if has(ItemState::Pending) {
            return Self::Running;
        }
        match (has(ItemState::Created), has(ItemState::Failed)) {
            (true, true) => Self::PartialSuccess,
            (true, false) => Self::Success,
            (false, _) => Self::Failed,
        }
    }
}

/// An item to be inserted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewItem {
    pub identity: String,
    pub error: Option<RowError>,
}

/// Returns an item for each listed identity. What is no id and what is repeated has failed already.
pub fn items(listed: &[String]) -> Vec<NewItem> {
    let mut seen = BTreeSet::new();
    let item = |listed: &String| match listed.parse::<IdentityId>() {
        Err(_) => NewItem {
            identity: listed.clone(),
            error: Some(RowError::NotFound),
        },
        Ok(id) => NewItem {
            identity: id.to_string(),
            error: (!seen.insert(id.as_i64())).then_some(RowError::Duplicate),
        },
    };
    listed.iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::ItemState::{Created, Failed, Pending};
    use super::*;

    #[test]
    fn what_is_repeated_or_no_id_is_an_error_of_its_row() {
        let listed = [
            "19cade21f4a269e0",
            "x",
            "19CADE21F4A269E0",
            "19cade21f4a269e1",
        ];
        let items = items(&listed.map(str::to_owned));
        let errors: Vec<_> = items.iter().map(|item| item.error).collect();
        assert_eq!(
            errors,
            [
                None,
                Some(RowError::NotFound),
                Some(RowError::Duplicate),
                None
            ]
        );
        assert_eq!(items[2].identity, "19cade21f4a269e0");
    }

    #[test]
    fn a_batch_runs_until_no_item_is_pending() {
        let state = |states: &[ItemState]| {
            let items: Vec<_> = states
                .iter()
                .map(|&state| Item {
                    n: 0,
                    identity: String::new(),
                    state,
                    binding_job_id: None,
                    error: None,
                })
                .collect();
            BatchState::of(&items)
        };
        assert_eq!(state(&[Created, Failed, Pending]), BatchState::Running);
        assert_eq!(state(&[Created, Failed]), BatchState::PartialSuccess);
        assert_eq!(state(&[Created, Created]), BatchState::Success);
        assert_eq!(state(&[Failed, Failed]), BatchState::Failed);
    }
}
