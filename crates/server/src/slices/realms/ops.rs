//! The use cases of realms: create, list, read, update, delete.

use keymoor_types::RealmId;

use super::model::{NewRealm, Realm, RealmPatch};
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result, with_fresh_ids};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{RealmRef, Ref as _, TenantRef};
use crate::db::Rx;
use crate::infra::directory;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities;

/// Creates an empty realm.
///
/// # Errors
/// `Conflict` if the tenant has a realm of that name, ignoring case.
pub async fn create(ctx: &Context, at: TenantRef, new: NewRealm) -> Result<Realm> {
    with_fresh_ids!(create_once(ctx, at, &new).await)
}

async fn create_once(ctx: &Context, at: TenantRef, new: &NewRealm) -> Result<Realm> {
    let realm = Realm {
        tenant_id: at.tenant_id,
        id: RealmId::generate(ctx.now, &*ctx.app.rng),
        display_name: new.display_name.clone(),
        classification: new.classification,
        is_admin: false,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let event = change(ctx, realm.at(), "CREATED");
    ctx.app
        .db
        .write(async move |tx| {
            store::insert(tx, &realm).await?;
            directory::store::add(tx, at, store::DIRECTORY, 1).await?;
            events::append(tx, &event).await?;
            Ok(realm.clone())
        })
        .await
}

fn change(ctx: &Context, realm: RealmRef, outcome: &'static str) -> Event {
    Event::about(ctx, realm, EventKind::REALM_CHANGE, outcome)
}

/// Returns a page of the tenant's realms.
pub async fn list(ctx: &Context, tenant: TenantRef, page: &PageRequest) -> Result<Page<Realm>> {
    let asked = page.clone();
    ctx.page(tenant.tenant_id, page, async move |rx| {
        store::list(rx, tenant, &asked).await
    })
    .await
}

pub async fn get(ctx: &Context, at: RealmRef) -> Result<Realm> {
    ctx.app.db.read(async |rx| require(rx, at).await).await
}

/// Returns an existing realm.
///
/// # Errors
/// `NotFound`
pub async fn require(rx: &mut Rx, at: RealmRef) -> Result<Realm> {
    store::find(rx, at).await?.ok_or_else(|| at.not_found())
}

/// Updates a realm. A patch without changes writes nothing: no event, the same `updated_at`.
///
/// # Errors
/// `NotFound`; `Conflict` if another realm of the tenant has that name, ignoring case.
pub async fn update(ctx: &Context, at: RealmRef, patch: RealmPatch) -> Result<Realm> {
    if patch == RealmPatch::default() {
        return get(ctx, at).await;
    }
    let event = change(ctx, at, "UPDATED");
    let now = ctx.now;
    ctx.app
        .db
        .write(async move |tx| {
            let realm = store::update(tx, at, &patch, now)
                .await?
                .ok_or_else(|| at.not_found())?;
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
    let event = change(ctx, at, "DELETED");
    ctx.app
        .db
        .write(async move |tx| {
            // Locked, so that no identity is created before the transaction ends.
            let realm = store::find_locked(tx, at)
                .await?
                .ok_or_else(|| at.not_found())?;
            if realm.is_admin {
                let why = "the admin realm can't be deleted";
                return Err(Error::conflict_on(why, Kind::REALM, at.realm_id, "managed"));
            }
            if identities::store::any(tx, at).await? {
                let why = "realm has children";
                return Err(Error::conflict_on(why, Kind::REALM, at.realm_id, "in use"));
            }
            store::delete(tx, at).await?;
            directory::store::forget(tx, at).await?;
            directory::store::add(tx, at.tenant(), store::DIRECTORY, -1).await?;
            events::append(tx, &event).await
        })
        .await?;
    ctx.app.keys.forget(at);
    Ok(())
}
