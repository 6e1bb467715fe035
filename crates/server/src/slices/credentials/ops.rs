//! What an administrator does with credentials: list, read, revoke.

use crate::base::refs::CredentialRef;
use keymoor_types::{IdentityId, RealmId, TenantId};

use super::model::Credential;
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{List, ListQuery, Page, Sizes};
use crate::slices::events::{self, Event, EventKind};
use crate::slices::{identities, realms};

/// A page of the credentials of one identity, or of every identity of the realm.
///
/// # Errors
/// `NotFound` for the identity, or for the realm.
pub async fn list(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    identity: Option<IdentityId>,
    query: &ListQuery,
) -> Result<Page<Credential>> {
    let of = identity.map_or_else(|| "-".to_owned(), |identity| identity.to_string());
    let list = List {
        name: &format!("tenants/{tenant}/realms/{realm}/identities/{of}/credentials"),
        sizes: Sizes::DIRECTORY,
        attributes: &["state", "jwk_thumbprint"],
    };
    let page = query.read(ctx, &list)?;
    // A scan, since the total is counted.
    let (credentials, total, page) = ctx
        .app
        .db
        .scan(async move |rx| {
            match identity {
                Some(id) => drop(identities::ops::require(rx, tenant, realm, id).await?),
                None => drop(realms::ops::require(rx, tenant, realm).await?),
            }
            let (credentials, total) = store::list(rx, (tenant, realm), identity, &page).await?;
            Ok((credentials, total, page))
        })
        .await?;
    Ok(Page::new(
        ctx,
        &list,
        page,
        credentials,
        total,
        |credential| credential.id,
    ))
}

pub async fn get(ctx: &Context, key: CredentialRef) -> Result<Credential> {
    ctx.app
        .db
        .read(async |rx| store::find(rx, key).await)
        .await?
        .ok_or_else(|| not_found(key))
}

fn not_found(key: CredentialRef) -> Error {
    Error::not_found(Kind::Credential, key.credential_id)
}

/// Revokes a credential for good: nobody signs in with it any more. Its record stays, and
/// revoking it again changes nothing.
///
/// # Errors
/// `NotFound`
pub async fn revoke(ctx: &Context, key: CredentialRef) -> Result<Credential> {
    let event = Event::new(
        ctx,
        key.tenant_id,
        key.realm_id,
        EventKind::CredentialChange,
        "REVOKED",
    )
    .identity(key.identity_id)
    .resource(key.credential_id);
    let now = ctx.now;
    ctx.app
        .db
        .write(async move |tx| {
            if let Some(credential) = store::revoke(tx, key, now).await? {
                events::append(tx, &event).await?;
                return Ok(credential);
            }
            store::find(tx, key).await?.ok_or_else(|| not_found(key))
        })
        .await
}
