//! What an administrator does with realms: create, list, read, change, delete.

use keymoor_types::{RealmId, TenantId};

use super::model::{Classification, Realm, RealmPatch};
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result, with_fresh_ids};
use crate::base::paging::{List, ListQuery, Page, Sizes};
use crate::base::refs::RealmRef;
use crate::db::Rx;
use crate::infra::directory::{self, store::Directory};
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities;

/// A realm as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRealm {
    pub display_name: String,
    pub classification: Classification,
}

/// Makes an empty realm.
///
/// # Errors
/// `Conflict` if the tenant has a realm of that name, ignoring case.
pub async fn create(ctx: &Context, tenant: TenantId, new: NewRealm) -> Result<Realm> {
    with_fresh_ids!(create_once(ctx, tenant, &new).await)
}

async fn create_once(ctx: &Context, tenant: TenantId, new: &NewRealm) -> Result<Realm> {
    let realm = Realm {
        tenant_id: tenant,
        id: RealmId::generate(ctx.now, &*ctx.app.rng),
        display_name: new.display_name.clone(),
        classification: new.classification,
        is_admin: false,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let event = change(ctx, tenant, realm.id, "CREATED");
    ctx.app
        .db
        .write(async move |tx| {
            store::insert(tx, &realm).await?;
            directory::store::add(tx, tenant, None, Directory::Realms, 1).await?;
            events::append(tx, &event).await?;
            Ok(realm.clone())
        })
        .await
}

fn change(ctx: &Context, tenant: TenantId, realm: RealmId, outcome: &'static str) -> Event {
    Event::new(ctx, tenant, realm, EventKind::RealmChange, outcome).resource(realm)
}

/// A page of the tenant's realms.
pub async fn list(ctx: &Context, tenant: TenantId, query: &ListQuery) -> Result<Page<Realm>> {
    let list = List {
        name: &format!("tenants/{tenant}/realms"),
        sizes: Sizes::DIRECTORY,
        attributes: &["id", "display_name"],
    };
    let page = query.read(ctx, &list)?;
    let (realms, total) = ctx
        .app
        .db
        .read(async |rx| store::list(rx, tenant, &page).await)
        .await?;
    Ok(Page::new(ctx, &list, page, realms, total, |realm| realm.id))
}

pub async fn get(ctx: &Context, at: RealmRef) -> Result<Realm> {
    ctx.app
        .db
        .read(async |rx| require(rx, at.tenant_id, at.realm_id).await)
        .await
}

/// The realm, for whatever is about to use it.
///
/// # Errors
/// `NotFound`
pub async fn require(rx: &mut Rx, tenant: TenantId, id: RealmId) -> Result<Realm> {
    store::find(rx, tenant, id)
        .await?
        .ok_or_else(|| not_found(id))
}

fn not_found(id: RealmId) -> Error {
    Error::not_found(Kind::Realm, id)
}

/// Changes a realm. A patch without changes is no change: no event, the same `updated_at`.
///
/// # Errors
/// `NotFound`; `Conflict` if another realm of the tenant has that name, ignoring case.
pub async fn update(ctx: &Context, at: RealmRef, patch: RealmPatch) -> Result<Realm> {
    if patch == RealmPatch::default() {
        return get(ctx, at).await;
    }
    let event = change(ctx, at.tenant_id, at.realm_id, "UPDATED");
    let now = ctx.now;
    ctx.app
        .db
        .write(async move |tx| {
            let realm = store::update(tx, at, &patch, now)
                .await?
                .ok_or_else(|| not_found(at.realm_id))?;
            events::append(tx, &event).await?;
            Ok(realm)
        })
        .await
}

/// Deletes a realm without identities, with its configuration and keys. Its events stay.
///
/// # Errors
/// `NotFound`; `Conflict` for the admin realm, without which the tenant could not be managed,
/// and for a realm that has identities.
pub async fn delete(ctx: &Context, at: RealmRef) -> Result<()> {
    let RealmRef {
        tenant_id,
        realm_id,
    } = at;
    let event = change(ctx, tenant_id, realm_id, "DELETED");
    ctx.app
        .db
        .write(async move |tx| {
            // Locked, so that no identity appears between the check and the end of the write.
            let realm = store::find_locked(tx, tenant_id, realm_id)
                .await?
                .ok_or_else(|| not_found(realm_id))?;
            if realm.is_admin {
                return Err(Error::conflict("the admin realm can't be deleted"));
            }
            if identities::store::any(tx, tenant_id, realm_id).await? {
                return Err(Error::conflict("realm has children"));
            }
            store::delete(tx, tenant_id, realm_id).await?;
            directory::store::forget(tx, tenant_id, realm_id).await?;
            directory::store::add(tx, tenant_id, None, Directory::Realms, -1).await?;
            events::append(tx, &event).await
        })
        .await?;
    ctx.app.keys.forget(tenant_id, realm_id);
    Ok(())
}
