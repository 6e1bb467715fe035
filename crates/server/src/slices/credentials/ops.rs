//! The use cases of credentials: list, read, rename, revoke.

use keymoor_types::CredentialId;
use keymoor_webauthn::PublicKey;

use super::model::{CreatedFrom, Credential, KeyOrigin, State};
use super::naming::default_name;
use super::store;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{CredentialRef, IdentitiesRef, JobRef, Ref as _};
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities;
use crate::slices::tokens;

/// Returns a new credential, which the request of `ctx` binds by `job`.
pub fn new(ctx: &Context, job: JobRef, key: PublicKey, origin: KeyOrigin) -> Credential {
    let source = &ctx.source;
    Credential {
        tenant_id: job.tenant_id,
        realm_id: job.realm_id,
        identity_id: job.identity_id,
        id: CredentialId::generate(ctx.now, &*ctx.app.rng),
        binding_job_id: job.job_id,
        state: State::Active,
        key,
        display_name: default_name(&origin, &source.user_agent),
        origin,
        last_used_at: None,
        created_from: CreatedFrom {
            ip: Some(source.ip.to_string()),
            user_agent: Some(source.user_agent.clone()).filter(|header| !header.is_empty()),
        },
        created_at: ctx.now,
        updated_at: ctx.now,
    }
}

/// Returns a page of the credentials of one identity, or of every identity of the realm.
///
/// # Errors
/// `NotFound` for the identity, or for the realm.
pub async fn list(
    ctx: &Context,
    of: IdentitiesRef,
    page: &PageRequest,
) -> Result<Page<Credential>> {
    let page = page.clone();
    // A scan, since the total is counted.
    ctx.scan(of.realm().tenant_id, async move |rx| {
        identities::ops::require_all(rx, of).await?;
        store::list(rx, of, &page).await
    })
    .await
}

pub async fn get(ctx: &Context, key: CredentialRef) -> Result<Credential> {
    ctx.app
        .db
        .read(async |rx| store::find(rx, key).await)
        .await?
        .ok_or_else(|| key.not_found())
}

/// Renames a credential, also a revoked one. Without a name, nothing changes.
///
/// # Errors
/// `NotFound`
pub async fn update(
    ctx: &Context,
    key: CredentialRef,
    display_name: Option<String>,
) -> Result<Credential> {
    let Some(display_name) = display_name else {
        return get(ctx, key).await;
    };
    let event = Event::about(ctx, key, EventKind::CREDENTIAL_CHANGE, "UPDATED")
        .detail("fields", ["display_name"]);
    let now = ctx.now;
    ctx.app
        .db
        .write(async move |tx| {
            let renamed = store::rename(tx, key, &display_name, now).await?;
            let credential = renamed.ok_or_else(|| key.not_found())?;
            events::append(tx, &event).await?;
            Ok(credential)
        })
        .await
}

/// Revokes a credential permanently, with every token that rests on it: it can't sign in any more,
/// and codes that it got are void. Its record stays, and revoking it again changes nothing.
///
/// # Errors
/// `NotFound`
pub async fn revoke(ctx: &Context, key: CredentialRef) -> Result<Credential> {
    let event = Event::about(ctx, key, EventKind::CREDENTIAL_CHANGE, "REVOKED");
    let now = ctx.now;
    let (credential, revoked) = ctx
        .app
        .db
        .write(async move |tx| {
            if let Some(credential) = store::revoke(tx, key, now).await? {
                let revoked = tokens::store::revoke_of_credential(tx, key).await?;
                let event = event.clone().detail("revoked_tokens", revoked.len());
                events::append(tx, &event).await?;
                return Ok((credential, revoked));
            }
            let found = store::find(tx, key).await?;
            Ok((found.ok_or_else(|| key.not_found())?, Vec::new()))
        })
        .await?;
    ctx.app.revocations.add(key.tenant_id, &revoked);
    Ok(credential)
}
