//! The use cases of the tenant: read and rename. Provisioning creates it.

use super::model::{Tenant, TenantPatch};
use super::store;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::refs::{Ref as _, TenantRef};
use crate::slices::events::{self, Event, EventKind};

pub async fn get(ctx: &Context, at: TenantRef) -> Result<Tenant> {
    ctx.app
        .db
        .read(async |rx| store::find(rx, at).await)
        .await?
        .ok_or_else(|| at.not_found())
}

/// Updates a tenant. A patch without changes writes nothing: no event, the same `updated_at`.
pub async fn update(ctx: &Context, at: TenantRef, patch: TenantPatch) -> Result<Tenant> {
    if patch == TenantPatch::default() {
        return get(ctx, at).await;
    }
    let event = Event::about(ctx, at, EventKind::TENANT_CHANGE, "UPDATED");
    let now = ctx.now;
    ctx.app
        .db
        .write(async move |tx| {
            let tenant = store::update(tx, at, &patch, now)
                .await?
                .ok_or_else(|| at.not_found())?;
            events::append(tx, &event).await?;
            Ok(tenant)
        })
        .await
}
