//! What an administrator does with identities: create, list, read, change, delete.

use keymoor_types::{IdentityId, RealmId, TenantId};

use super::model::{
    EnrollmentStatus, Identity, IdentityPatch, Profile, Status, Traits, UserHandle,
};
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result, with_fresh_ids};
use crate::base::paging::{List, ListQuery, Page, Sizes};
use crate::base::refs::{IdentityRef, RealmRef};
use crate::db::Rx;
use crate::infra::directory::{self, store::Directory};
use crate::slices::events::{self, Event, EventKind};
use crate::slices::realms;

/// An identity as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIdentity {
    pub display_name: String,
    pub status: Status,
    pub traits: Traits,
}

/// Makes an identity.
///
/// # Errors
/// `NotFound` for the realm; `Conflict` if it has that username, ignoring case.
pub async fn create(ctx: &Context, at: RealmRef, new: NewIdentity) -> Result<Profile> {
    with_fresh_ids!(create_once(ctx, at, &new).await)
}

async fn create_once(ctx: &Context, at: RealmRef, new: &NewIdentity) -> Result<Profile> {
    let RealmRef {
        tenant_id,
        realm_id,
    } = at;
    let identity = Identity {
        tenant_id,
        realm_id,
        id: IdentityId::generate(ctx.now, &*ctx.app.rng),
        display_name: new.display_name.clone(),
        status: new.status,
        traits: new.traits.clone(),
        user_handle: UserHandle::generate(&*ctx.app.rng),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let event = change(ctx, tenant_id, realm_id, identity.id, "CREATED");
    let identity = ctx
        .app
        .db
        .write(async move |tx| {
            realms::ops::require(tx, tenant_id, realm_id).await?;
            store::insert(tx, &identity).await?;
            directory::store::add(tx, tenant_id, realm_id, Directory::Identities, 1).await?;
            events::append(tx, &event).await?;
            Ok(identity.clone())
        })
        .await?;
    Ok(Profile {
        identity,
        enrollment_status: EnrollmentStatus::Unenrolled,
    })
}

fn change(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    identity: IdentityId,
    outcome: &'static str,
) -> Event {
    Event::new(ctx, tenant, realm, EventKind::IdentityChange, outcome)
        .identity(identity)
        .resource(identity)
}

/// A page of a realm's identities.
///
/// # Errors
/// `NotFound` for the realm.
pub async fn list(ctx: &Context, at: RealmRef, query: &ListQuery) -> Result<Page<Profile>> {
    let RealmRef {
        tenant_id,
        realm_id,
    } = at;
    let list = List {
        name: &format!("tenants/{tenant_id}/realms/{realm_id}/identities"),
        sizes: Sizes::DIRECTORY,
        attributes: store::FILTERS,
    };
    let page = query.read(ctx, &list)?;
    let now = ctx.now;
    let (profiles, total) = ctx
        .app
        .db
        .read(async |rx| {
            realms::ops::require(rx, tenant_id, realm_id).await?;
            store::list(rx, (tenant_id, realm_id), &page, now).await
        })
        .await?;
    Ok(Page::new(ctx, &list, page, profiles, total, |profile| {
        profile.identity.id
    }))
}

pub async fn get(ctx: &Context, at: IdentityRef) -> Result<Profile> {
    let now = ctx.now;
    ctx.app
        .db
        .read(async |rx| store::find_profile(rx, at, now).await)
        .await?
        .ok_or_else(|| not_found(at.identity_id))
}

/// The identity, for whatever is about to use it.
///
/// # Errors
/// `NotFound`
pub async fn require(
    rx: &mut Rx,
    tenant: TenantId,
    realm: RealmId,
    id: IdentityId,
) -> Result<Identity> {
    store::find(rx, tenant, realm, id)
        .await?
        .ok_or_else(|| not_found(id))
}

fn not_found(id: IdentityId) -> Error {
    Error::not_found(Kind::Identity, id)
}

/// Changes an identity. A patch without changes is no change: no event, the same `updated_at`.
///
/// # Errors
/// `NotFound`; `Conflict` if another identity of the realm has that username, ignoring case;
/// `Forbidden` for another address of an administrator by a caller that can't do everything.
pub async fn update(ctx: &Context, at: IdentityRef, patch: IdentityPatch) -> Result<Profile> {
    let IdentityRef {
        tenant_id,
        realm_id,
        identity_id,
    } = at;
    let fields = patch.fields();
    if fields.is_empty() {
        return get(ctx, at).await;
    }
    let event = change(ctx, tenant_id, realm_id, identity_id, "UPDATED").detail("fields", fields);
    let now = ctx.now;
    let may_do_anything = ctx.may_do_anything();
    ctx.app
        .db
        .write(async move |tx| {
            let before = store::find_locked(tx, at)
                .await?
                .ok_or_else(|| not_found(identity_id))?;
            let address = before.traits.primary_email_address.clone();
            let after = before.patched(patch.clone(), now);
            // A link can be mailed to the address, and is a way to become the identity.
            let readdressed = address != after.traits.primary_email_address;
            if readdressed && !may_do_anything {
                let realm = realms::ops::require(tx, tenant_id, realm_id).await?;
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
                .ok_or_else(|| not_found(identity_id))
        })
        .await
}

/// Deletes an identity with its passkeys and binding jobs.
///
/// # Errors
/// `NotFound`
pub async fn delete(ctx: &Context, at: IdentityRef) -> Result<()> {
    let IdentityRef {
        tenant_id,
        realm_id,
        identity_id,
    } = at;
    let event = change(ctx, tenant_id, realm_id, identity_id, "DELETED");
    ctx.app
        .db
        .write(async move |tx| {
            if !store::delete(tx, at).await? {
                return Err(not_found(identity_id));
            }
            directory::store::add(tx, tenant_id, realm_id, Directory::Identities, -1).await?;
            events::append(tx, &event).await
        })
        .await
}
