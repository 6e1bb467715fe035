//! What is done with authenticator configs.

use std::sync::Arc;

use keymoor_types::{AuthenticatorConfigId, RealmId, TenantId};

use super::model::{AuthenticatorConfig, Change, Effective};
use super::store;
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{List, ListQuery, Page, Sizes};
use crate::db::Rx;
use crate::infra::directory;
use crate::infra::directory::store::Directory;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::realms;

/// Makes a config.
///
/// # Errors
/// `Invalid`; `NotFound` for the realm.
pub async fn create(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    asked: &Change,
) -> Result<AuthenticatorConfig> {
    let id = AuthenticatorConfigId::generate(ctx.now, &*ctx.app.rng);
    let config = AuthenticatorConfig::new((tenant, realm), id, asked, ctx.now)?;
    let event = event(ctx, tenant, realm, id, "CREATED");
    ctx.app
        .db
        .write(async move |tx| {
            store::insert(tx, &config).await?;
            directory::store::add(tx, tenant, realm, Directory::AuthenticatorConfigs, 1).await?;
            events::append(tx, &event).await?;
            Ok(config.clone())
        })
        .await
}

/// A page of a realm's configs.
pub async fn list(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    query: &ListQuery,
) -> Result<Page<AuthenticatorConfig>> {
    let list = List {
        name: &format!("tenants/{tenant}/realms/{realm}/authenticator-configs"),
        sizes: Sizes::CONFIGURATION,
        attributes: &["id", "display_name"],
    };
    let page = query.read(ctx, &list)?;
    let (configs, total) = ctx
        .app
        .db
        .read(async |rx| {
            realms::ops::require(rx, tenant, realm).await?;
            store::list(rx, tenant, realm, &page).await
        })
        .await?;
    Ok(Page::new(ctx, &list, page, configs, total, |config| {
        config.id
    }))
}

pub async fn get(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    id: AuthenticatorConfigId,
) -> Result<AuthenticatorConfig> {
    ctx.app
        .db
        .read(async |rx| store::find(rx, tenant, realm, id).await)
        .await?
        .ok_or_else(|| not_found(id))
}

/// A config as it was at most five seconds ago; on this node, as it is.
pub async fn cached(
    app: &App,
    tenant: TenantId,
    realm: RealmId,
    id: AuthenticatorConfigId,
) -> Result<Option<Arc<Effective>>> {
    let (key, now) = ((tenant, realm, id), app.now());
    if let Some(config) = app.authenticator_configs.get(&key, now) {
        return Ok(Some(config));
    }
    let found = app
        .db
        .read(async |rx| store::find(rx, tenant, realm, id).await)
        .await?;
    Ok(found.map(|config| {
        let config = Arc::new(Effective::from(config));
        app.authenticator_configs.put(key, Arc::clone(&config), now);
        config
    }))
}

/// Changes what is asked for and leaves the rest. Links that are out keep what they started with.
///
/// # Errors
/// `NotFound`; `Forbidden` for a managed config; `Invalid`.
pub async fn change(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    id: AuthenticatorConfigId,
    asked: Change,
) -> Result<AuthenticatorConfig> {
    let event = event(ctx, tenant, realm, id, "UPDATED");
    let now = ctx.now;
    let changed = ctx
        .app
        .db
        .write(async move |tx| {
            let Some(mut config) = store::take(tx, tenant, realm, id, now).await? else {
                return Err(untouchable(tx, tenant, realm, id).await?);
            };
            config.change(&asked)?;
            store::update(tx, &config).await?;
            events::append(tx, &event).await?;
            Ok(config)
        })
        .await?;
    ctx.app.authenticator_configs.forget(&(tenant, realm, id));
    Ok(changed)
}

/// Deletes a config. Links that are out go on working: they keep what they need of it.
///
/// # Errors
/// `NotFound`; `Forbidden` for a managed config; `Conflict` while an application refers to it.
pub async fn delete(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    id: AuthenticatorConfigId,
) -> Result<()> {
    let event = event(ctx, tenant, realm, id, "DELETED");
    ctx.app
        .db
        .write(async move |tx| {
            if !store::delete(tx, tenant, realm, id).await? {
                return Err(untouchable(tx, tenant, realm, id).await?);
            }
            directory::store::add(tx, tenant, realm, Directory::AuthenticatorConfigs, -1).await?;
            events::append(tx, &event).await
        })
        .await?;
    ctx.app.authenticator_configs.forget(&(tenant, realm, id));
    Ok(())
}

/// Why a guarded statement found no config to change.
async fn untouchable(
    rx: &mut Rx,
    tenant: TenantId,
    realm: RealmId,
    id: AuthenticatorConfigId,
) -> Result<Error> {
    Ok(match store::find(rx, tenant, realm, id).await? {
        Some(_) => Error::Forbidden("managed authenticator configs cannot be changed"),
        None => not_found(id),
    })
}

fn not_found(id: AuthenticatorConfigId) -> Error {
    Error::not_found(Kind::AuthenticatorConfig, id)
}

fn event(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    id: AuthenticatorConfigId,
    outcome: &'static str,
) -> Event {
    let kind = EventKind::AuthenticatorConfigOperation;
    Event::new(ctx, tenant, realm, kind, outcome).resource(id)
}
