//! The use cases of authenticator configs.

use std::sync::Arc;

use keymoor_types::AuthenticatorConfigId;

use super::model::{AuthenticatorConfig, AuthenticatorConfigPatch, Effective};
use super::store;
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{AuthenticatorConfigRef, RealmRef, Ref as _};
use crate::db::Rx;
use crate::infra::directory;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::realms;

const MANAGED: Error = Error::Forbidden("managed authenticator configs cannot be changed");

/// Creates a config.
///
/// # Errors
/// `Invalid`; `NotFound` for the realm.
pub async fn create(
    ctx: &Context,
    realm: RealmRef,
    new: AuthenticatorConfigPatch,
) -> Result<AuthenticatorConfig> {
    let id = AuthenticatorConfigId::generate(ctx.now, &*ctx.app.rng);
    let config = AuthenticatorConfig::new(realm, id, new, ctx.now)?;
    let event = event(ctx, config.at(), "CREATED");
    ctx.app
        .db
        .write(async move |tx| {
            store::insert(tx, &config).await?;
            directory::store::add(tx, realm, store::DIRECTORY, 1).await?;
            events::append(tx, &event).await?;
            Ok(config.clone())
        })
        .await
}

/// Returns a page of a realm's configs.
///
/// # Errors
/// `NotFound` for the realm.
pub async fn list(
    ctx: &Context,
    realm: RealmRef,
    page: &PageRequest,
) -> Result<Page<AuthenticatorConfig>> {
    let asked = page.clone();
    ctx.page(realm.tenant_id, page, async move |rx| {
        realms::ops::require(rx, realm).await?;
        store::list(rx, realm, &asked).await
    })
    .await
}

pub async fn get(ctx: &Context, at: AuthenticatorConfigRef) -> Result<AuthenticatorConfig> {
    ctx.app
        .db
        .read(async |rx| store::find(rx, at).await)
        .await?
        .ok_or_else(|| at.not_found())
}

/// Returns a config, at most five seconds old. Changes on this node are visible at once.
pub async fn cached(app: &App, at: AuthenticatorConfigRef) -> Result<Option<Arc<Effective>>> {
    let load = async || {
        let find = async |rx: &mut Rx| store::find(rx, at).await;
        let found = app.db.read(find).await?;
        Ok(found.map(|config| Arc::new(Effective::from(config))))
    };
    app.authenticator_configs
        .get_or_load(at, app.now(), load)
        .await
}

/// Updates the requested fields of a config. Existing links keep their settings.
///
/// # Errors
/// `NotFound`; `Forbidden` for a managed config; `Invalid`.
pub async fn update(
    ctx: &Context,
    at: AuthenticatorConfigRef,
    patch: AuthenticatorConfigPatch,
) -> Result<AuthenticatorConfig> {
    let event = event(ctx, at, "UPDATED");
    let now = ctx.now;
    let config = ctx
        .app
        .db
        .write(async move |tx| {
            let before = store::find_locked(tx, at)
                .await?
                .ok_or_else(|| at.not_found())?;
            if before.is_managed {
                return Err(MANAGED);
            }
            let after = before.patched(patch.clone(), now)?;
            store::update(tx, &after).await?;
            events::append(tx, &event).await?;
            Ok(after)
        })
        .await?;
    ctx.app.authenticator_configs.forget(&at);
    Ok(config)
}

/// Deletes a config. Existing links continue to work, since they store what they need of it.
///
/// # Errors
/// `NotFound`; `Forbidden` for a managed config; `Conflict` while an application refers to it.
pub async fn delete(ctx: &Context, at: AuthenticatorConfigRef) -> Result<()> {
    let event = event(ctx, at, "DELETED");
    ctx.app
        .db
        .write(async move |tx| {
            if !store::delete(tx, at).await? {
                let managed = store::find(tx, at).await?.is_some();
                return Err(if managed { MANAGED } else { at.not_found() });
            }
            directory::store::add(tx, at.realm(), store::DIRECTORY, -1).await?;
            events::append(tx, &event).await
        })
        .await?;
    ctx.app.authenticator_configs.forget(&at);
    Ok(())
}

fn event(ctx: &Context, at: AuthenticatorConfigRef, outcome: &'static str) -> Event {
    Event::about(ctx, at, EventKind::AUTHENTICATOR_CONFIG_OPERATION, outcome)
}
