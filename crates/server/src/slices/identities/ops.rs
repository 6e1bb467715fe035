//! The use cases of identities: create, list, read, update, delete.

use keymoor_types::IdentityId;

use super::model::{EnrollmentStatus, Identity, IdentityPatch, NewIdentity, Profile, UserHandle};
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Result, with_fresh_ids};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{IdentitiesRef, IdentityRef, RealmRef, Ref as _};
use crate::db::Rx;
use crate::infra::directory;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::realms;

/// Creates an identity.
///
/// # Errors
/// `NotFound` for the realm; `Conflict` if it has that username, ignoring case.
pub async fn create(ctx: &Context, at: RealmRef, new: NewIdentity) -> Result<Profile> {
    with_fresh_ids!(create_once(ctx, at, &new).await)
}

async fn create_once(ctx: &Context, at: RealmRef, new: &NewIdentity) -> Result<Profile> {
    let identity = Identity {
        tenant_id: at.tenant_id,
        realm_id: at.realm_id,
        id: IdentityId::generate(ctx.now, &*ctx.app.rng),
        display_name: new.display_name.clone(),
        status: new.status,
        traits: new.traits.clone(),
        user_handle: UserHandle::generate(&*ctx.app.rng),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let event = change(ctx, identity.at(), "CREATED");
    let identity = ctx
        .app
        .db
        .write(async move |tx| {
            realms::ops::require(tx, at).await?;
            store::insert(tx, &identity).await?;
            directory::store::add(tx, at, store::DIRECTORY, 1).await?;
            events::append(tx, &event).await?;
            Ok(identity.clone())
        })
        .await?;
    Ok(Profile {
        identity,
        enrollment_status: EnrollmentStatus::Unenrolled,
    })
}

fn change(ctx: &Context, identity: IdentityRef, outcome: &'static str) -> Event {
    Event::about(ctx, identity, EventKind::IDENTITY_CHANGE, outcome)
}

/// Returns a page of a realm's identities.
///
/// # Errors
/// `NotFound` for the realm.
pub async fn list(ctx: &Context, realm: RealmRef, page: &PageRequest) -> Result<Page<Profile>> {
    let asked = page.clone();
    let now = ctx.now;
    ctx.page(realm.tenant_id, page, async move |rx| {
        realms::ops::require(rx, realm).await?;
        store::list(rx, realm, &asked, now).await
    })
    .await
}

pub async fn get(ctx: &Context, at: IdentityRef) -> Result<Profile> {
    let now = ctx.now;
    ctx.app
        .db
        .read(async |rx| store::find_profile(rx, at, now).await)
        .await?
        .ok_or_else(|| at.not_found())
}

/// Returns an existing identity.
///
/// # Errors
/// `NotFound`
pub async fn require(rx: &mut Rx, at: IdentityRef) -> Result<Identity> {
    store::find(rx, at).await?.ok_or_else(|| at.not_found())
}

/// Checks that the parent of a list exists: the identity, or the realm.
///
/// # Errors
/// `NotFound`
pub async fn require_all(rx: &mut Rx, of: IdentitiesRef) -> Result<()> {
    match of.one() {
        Some(identity) => require(rx, identity).await.map(drop),
        None => realms::ops::require(rx, of.realm()).await.map(drop),
    }
}

/// Updates an identity. A patch without changes writes nothing: no event, the same `updated_at`.
///
/// # Errors
/// `NotFound`; `Conflict` if another identity of the realm has that username, ignoring case;
/// `Forbidden` for another address of an administrator by a caller that can't do everything.
pub async fn update(ctx: &Context, at: IdentityRef, patch: IdentityPatch) -> Result<Profile> {
    let fields = patch.fields();
    if fields.is_empty() {
        return get(ctx, at).await;
    }
    let event = change(ctx, at, "UPDATED").detail("fields", fields);
    let now = ctx.now;
    let may_do_anything = ctx.may_do_anything();
    ctx.app
        .db
        .write(async move |tx| {
            let before = store::find_locked(tx, at)
                .await?
                .ok_or_else(|| at.not_found())?;
            let address = before.traits.primary_email_address.clone();
            let after = before.patched(patch.clone(), now);
            // A link can be mailed to the address and grants access as the identity.
            let readdressed = address != after.traits.primary_email_address;
            if readdressed && !may_do_anything {
                let realm = realms::ops::require(tx, at.realm()).await?;
                if realm.is_admin {
                    return Err(Error::Forbidden(
                        "an administrator's address needs every scope",
                    ));
                }
            }
            store::update(tx, &after).await?;
            events::append(tx, &event).await?;
            store::find_profile(tx, at, now)
                .await?
                .ok_or_else(|| at.not_found())
        })
        .await
}

/// Deletes an identity with its passkeys and binding jobs.
///
/// # Errors
/// `NotFound`
pub async fn delete(ctx: &Context, at: IdentityRef) -> Result<()> {
    let event = change(ctx, at, "DELETED");
    ctx.app
        .db
        .write(async move |tx| {
            if !store::delete(tx, at).await? {
                return Err(at.not_found());
            }
            directory::store::add(tx, at.realm(), store::DIRECTORY, -1).await?;
            events::append(tx, &event).await
        })
        .await
}
