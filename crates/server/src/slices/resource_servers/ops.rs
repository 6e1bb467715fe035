//! What an administrator does with resource servers: list and read.

use keymoor_types::ResourceServerId;

use super::model::ResourceServer;
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{List, ListQuery, Page, Sizes};
use crate::base::refs::RealmRef;
use crate::slices::realms;

/// A page of a realm's resource servers.
///
/// # Errors
/// `NotFound` for the realm.
pub async fn list(ctx: &Context, at: RealmRef, query: &ListQuery) -> Result<Page<ResourceServer>> {
    let RealmRef {
        tenant_id,
        realm_id,
    } = at;
    let list = List {
        name: &format!("tenants/{tenant_id}/realms/{realm_id}/resource-servers"),
        sizes: Sizes::CONFIGURATION,
        attributes: &[],
    };
    let page = query.read(ctx, &list)?;
    let (servers, total) = ctx
        .app
        .db
        .read(async |rx| {
            realms::ops::require(rx, tenant_id, realm_id).await?;
            store::list(rx, tenant_id, realm_id, &page).await
        })
        .await?;
    Ok(Page::new(ctx, &list, page, servers, total, |server| {
        server.id
    }))
}

pub async fn get(ctx: &Context, at: RealmRef, id: ResourceServerId) -> Result<ResourceServer> {
    ctx.app
        .db
        .read(async |rx| store::find(rx, at.tenant_id, at.realm_id, id).await)
        .await?
        .ok_or_else(|| Error::not_found(Kind::ResourceServer, id))
}
