//! Rows of `events`.

use super::event::Event;
use crate::base::error::Result;
use crate::db::{Json, Tx};

/// The key's placeholder for "no realm": events of the whole tenant.
const TENANT_WIDE: i64 = 0;

pub async fn append(tx: &mut Tx, event: &Event) -> Result<()> {
    const SQL: &str = "INSERT INTO events
        (tenant_id, realm_id, event_id, kind, outcome, actor, identity_id, resource_id, correlation_id, details, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let realm = event
        .subject
        .realm_id
        .map_or(TENANT_WIDE, keymoor_types::RealmId::as_i64);
    let details = Json(&event.details);
    tx.post(
        SQL,
        &(
            event.subject.tenant_id,
            realm,
            event.id,
            event.kind.as_str(),
            event.outcome,
            &event.actor,
            event.subject.identity_id,
            &event.subject.resource,
            &event.correlation_id,
            details,
            event.at,
        ),
    )
    .await?;
    Ok(())
}
