//! What an administrator does with the tenant: read and rename. Making one is provisioning.

use crate::base::refs::TenantRef;
use keymoor_types::TenantId;

use super::model::Tenant;
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result};
use crate::slices::events::{self, Event, EventKind};

/// Changes to a tenant: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantPatch {
    pub display_name: Option<String>,
}

pub async fn get(ctx: &Context, id: TenantId) -> Result<Tenant> {
    ctx.app
        .db
        .read(async |rx| store::find(rx, id).await)
        .await?
        .ok_or_else(|| not_found(id))
}

/// Changes a tenant. A patch without changes is no change: no event, the same `updated_at`.
pub async fn update(ctx: &Context, id: TenantId, patch: TenantPatch) -> Result<Tenant> {
    let Some(display_name) = patch.display_name else {
        return get(ctx, id).await;
    };
    let event = Event::about(
        ctx,
        TenantRef { tenant_id: id },
        EventKind::TENANT_CHANGE,
        "UPDATED",
    );
    let now = ctx.now;
    ctx.app
        .db
        .write(async move |tx| {
            let tenant = store::rename(tx, id, &display_name, now)
                .await?
                .ok_or_else(|| not_found(id))?;
            events::append(tx, &event).await?;
            Ok(tenant)
        })
        .await
}

fn not_found(id: TenantId) -> Error {
    Error::not_found(Kind::TENANT, id)
}
