//! An event as the API shows it.

use keymoor_types::{EventId, IdentityId, RealmId, TenantId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::model::Recorded;

/// An audit event. Events never change.
#[derive(Serialize, ToSchema)]
#[schema(as = Event, examples(json!({"details": {"job_id": "19cade22cd4a6a3a"}})))]
pub(super) struct EventView {
    id: EventId,
    tenant_id: TenantId,
    realm_id: RealmId,
    /// The kind of event.
    #[schema(examples("CredentialBindingJobChange"))]
    kind: String,
    /// What came of it, or the new state.
    #[schema(examples("COMPLETE"))]
    outcome: String,
    /// `anonymous`, `system`, or the path of the application or identity.
    #[schema(examples("anonymous"))]
    actor: String,
    /// The identity that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_id: Option<IdentityId>,
    /// The resource that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("19cade22cd4a6a3a"))]
    resource_id: Option<String>,
    /// Shared by the events of one flow.
    #[schema(examples("3l0mQ5tU9yA2bXcd"))]
    correlation_id: String,
    /// More facts. They depend on the kind.
    #[schema(value_type = Object)]
    details: Value,
    create_time: Timestamp,
}

impl From<Recorded> for EventView {
    fn from(event: Recorded) -> Self {
        Self {
            id: event.id,
            tenant_id: event.tenant_id,
            realm_id: event.realm_id,
            kind: event.kind,
            outcome: event.outcome,
            actor: event.actor,
            identity_id: event.identity_id,
            resource_id: event.resource_id,
            correlation_id: event.correlation_id,
            details: event.details,
            create_time: event.created_at,
        }
    }
}
