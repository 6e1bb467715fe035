//! The use cases of resource servers: list and read.

use super::model::{ResourceServer, ResourceServerRef};
use super::store;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{RealmRef, Ref as _};
use crate::slices::realms;

/// Returns a page of a realm's resource servers.
///
/// # Errors
/// `NotFound` for the realm.
pub async fn list(
    ctx: &Context,
    realm: RealmRef,
    page: &PageRequest,
) -> Result<Page<ResourceServer>> {
    let asked = page.clone();
    ctx.page(realm.tenant_id, page, async move |rx| {
        realms::ops::require(rx, realm).await?;
        store::list(rx, realm, &asked).await
    })
    .await
}

pub async fn get(ctx: &Context, at: ResourceServerRef) -> Result<ResourceServer> {
    ctx.app
        .db
        .read(async |rx| store::find(rx, at).await)
        .await?
        .ok_or_else(|| at.not_found())
}
