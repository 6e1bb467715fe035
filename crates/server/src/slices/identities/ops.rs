//! The use cases of identities: create, list, read, update, delete.

use keymoor_types::IdentityId;

use super::model::{
    EnrollmentStatus, Identity, IdentityPatch, NewIdentity, Profile, Status, UserHandle,
};
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result, with_fresh_ids};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{IdentitiesRef, IdentityRef, RealmRef, Ref as _};
use crate::db::{Rx, Tx};
use crate::infra::directory;
use crate::slices::applications;
use crate::slices::applications::choices::SubjectField;
use crate::slices::authentication::model::subject;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::tokens::store::Revoked;
use crate::slices::{realms, tokens};

/// Creates an identity.
///
/// # Errors
/// `NotFound` for the realm; `Conflict` if it has that username, ignoring case, or an identity with
/// another value that an application uses as subject.
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
            let in_use = subjects_in_use(tx, at).await?;
            require_own_subjects(tx, &identity, &in_use).await?;
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

/// Returns the fields that applications of the realm use as subject, and keeps these so until the
/// transaction ends.
async fn subjects_in_use(tx: &mut Tx, realm: RealmRef) -> Result<Vec<SubjectField>> {
    let found = realms::store::find_shared(tx, realm).await?;
    found.ok_or_else(|| realm.not_found())?;
    applications::store::subject_fields(tx, realm).await
}

/// Rejects an identity that would share one of these subjects with another. Of several concurrent
/// ones, the first to commit wins.
async fn require_own_subjects(
    tx: &mut Tx,
    identity: &Identity,
    fields: &[SubjectField],
) -> Result<()> {
    for &field in fields {
        let value = subject(identity, field);
        if matches!(field, SubjectField::Id | SubjectField::Username) || value.is_none() {
            continue;
        }
        store::lock_subject(tx, identity, field).await?;
        if store::shares_subject(tx, identity, field).await? {
            let name = field.trait_name();
            let why = format!("{name} already exists, and an application uses it as subject");
            return Err(Error::conflict_on(why, Kind::IDENTITY, "", "duplicate"));
        }
    }
    Ok(())
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
/// Suspending it revokes everything that was granted to it. Another subject revokes what was granted
/// under the former one, which another identity may have next.
///
/// # Errors
/// `NotFound`; `Conflict` if another identity of the realm has that username, ignoring case, or
/// another value that an application uses as subject;
/// `Forbidden` for another address of an administrator by a caller that can't do everything.
pub async fn update(ctx: &Context, at: IdentityRef, patch: IdentityPatch) -> Result<Profile> {
    let fields = patch.fields();
    if fields.is_empty() {
        return get(ctx, at).await;
    }
    let event = change(ctx, at, "UPDATED").detail("fields", fields);
    let now = ctx.now;
    let may_do_anything = ctx.may_do_anything();
    let (profile, revoked) = ctx
        .app
        .db
        .write(async move |tx| {
            let before = store::find_locked(tx, at)
                .await?
                .ok_or_else(|| at.not_found())?;
            let after = before.clone().patched(patch.clone(), now);
            // A link can be mailed to the address and grants access as the identity.
            let readdressed =
                before.traits.primary_email_address != after.traits.primary_email_address;
            if readdressed && !may_do_anything {
                let realm = realms::ops::require(tx, at.realm()).await?;
                if realm.is_admin {
                    return Err(Error::Forbidden(
                        "an administrator's address needs every scope",
                    ));
                }
            }
            let renamed = renamed_subjects(tx, &before, &after).await?;
            require_own_subjects(tx, &after, &renamed).await?;
            store::update(tx, &after).await?;
            let revoked = revoke_grants(tx, &before, &after, &renamed).await?;
            events::append(tx, &event).await?;
            let profile = store::find_profile(tx, at, now).await?;
            Ok((profile.ok_or_else(|| at.not_found())?, revoked))
        })
        .await?;
    ctx.app.revocations.add(at.tenant_id, &revoked);
    Ok(profile)
}

/// Returns the subjects that differ, of those that applications of the realm use.
async fn renamed_subjects(
    tx: &mut Tx,
    before: &Identity,
    after: &Identity,
) -> Result<Vec<SubjectField>> {
    let differs = |field: &SubjectField| subject(before, *field) != subject(after, *field);
    if !SubjectField::ALL.iter().any(differs) {
        return Ok(Vec::new());
    }
    let mut renamed = subjects_in_use(tx, after.at().realm()).await?;
    renamed.retain(differs);
    Ok(renamed)
}

/// Revokes what an update of the identity ends, and voids its codes.
async fn revoke_grants(
    tx: &mut Tx,
    before: &Identity,
    after: &Identity,
    renamed: &[SubjectField],
) -> Result<Vec<Revoked>> {
    let at = after.at();
    let is_suspension = before.status == Status::Active && after.status == Status::Suspended;
    let mut revoked = Vec::new();
    if is_suspension {
        revoked = tokens::store::revoke_of_identity(tx, at).await?;
    } else {
        for &field in renamed {
            revoked.extend(tokens::store::revoke_of_subject(tx, at, field).await?);
        }
    }
    if is_suspension || !renamed.is_empty() {
        store::raise_grant_epoch(tx, at).await?;
    }
    Ok(revoked)
}

/// Deletes an identity with its passkeys and binding jobs, and revokes its tokens.
///
/// # Errors
/// `NotFound`
pub async fn delete(ctx: &Context, at: IdentityRef) -> Result<()> {
    let event = change(ctx, at, "DELETED");
    let revoked = ctx
        .app
        .db
        .write(async move |tx| {
            if !store::delete(tx, at).await? {
                return Err(at.not_found());
            }
            let revoked = tokens::store::revoke_of_identity(tx, at).await?;
            directory::store::add(tx, at.realm(), store::DIRECTORY, -1).await?;
            events::append(tx, &event).await?;
            Ok(revoked)
        })
        .await?;
    ctx.app.revocations.add(at.tenant_id, &revoked);
    Ok(())
}
