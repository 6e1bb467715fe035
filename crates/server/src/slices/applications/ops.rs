//! What is done with applications.

use std::sync::Arc;

use keymoor_oauth::client::Confidentiality;
use keymoor_oauth::jose::Algorithm;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{ApplicationId, RealmId, TenantId};

use super::model::{
    Application, Change, NO_CONFIG, NO_RESOURCE_SERVER, new_client_id, new_client_secret,
};
use super::store::{self, SealedSecret};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{List, ListQuery, Page, Sizes};
use crate::base::scope::{self, Scope as _};
use crate::base::secret::Secret;
use crate::db::Rx;
use crate::infra::directory;
use crate::infra::directory::store::Directory;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::resource_servers::model::ResourceServer;
use crate::slices::tokens::access::MANAGEMENT;
use crate::slices::{authenticator_configs, realms, resource_servers};

/// An application with its secret, as far as the caller may see it.
pub struct Revealed {
    pub application: Application,
    pub client_secret: Option<Secret>,
}

/// Makes an application. Its maker is shown the secret.
///
/// # Errors
/// `Invalid`; `NotFound` for the realm; `Forbidden` if it could do more in the management API
/// than its maker.
pub async fn create(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    asked: &Change,
) -> Result<Revealed> {
    let (app, rng) = (&ctx.app, &*ctx.app.rng);
    let id = ApplicationId::generate(ctx.now, rng);
    let client_id = new_client_id(rng);
    let mut application = Application::new((tenant, realm), id, client_id, asked, ctx.now)?;
    let confidential = application.protocol.confidentiality == Confidentiality::Confidential;
    let client_secret = confidential.then(|| new_client_secret(rng));
    application.client_secret_hash = client_secret.as_ref().map(Secret::digest);
    let sealed = client_secret
        .as_ref()
        .map(|secret| SealedSecret::seal(app, &application, secret));
    app.db
        .read(async |rx| {
            realms::ops::require(rx, tenant, realm).await?;
            check_references(rx, &application, &ctx.scopes).await
        })
        .await?;
    let tokens = application.protocol.token_configuration;
    ensure_keys(app, tenant, realm, tokens.token_signing_algorithm.into()).await?;
    let event = event(ctx, tenant, realm, id, "CREATED");
    let caller = ctx.scopes.clone();
    let application = app
        .db
        .write(async move |tx| {
            realms::ops::require(tx, tenant, realm).await?;
            check_references(tx, &application, &caller).await?;
            store::insert(tx, &application, sealed.as_ref()).await?;
            directory::store::add(tx, tenant, realm, Directory::Applications, 1).await?;
            events::append(tx, &event).await?;
            Ok(application.clone())
        })
        .await?;
    Ok(Revealed {
        application,
        client_secret,
    })
}

/// Makes sure that the realm can sign what the application needs: its tokens, and the requests to
/// authenticators, which are ES256 always. So nobody's first sign-in waits for a key. Comes after all
/// checks: a refused request leaves no key behind.
async fn ensure_keys(
    app: &App,
    tenant: TenantId,
    realm: RealmId,
    of_tokens: Algorithm,
) -> Result<()> {
    app.keys
        .ensure(app, tenant, realm, Algorithm::Es256)
        .await?;
    app.keys.ensure(app, tenant, realm, of_tokens).await
}

/// Checks that what the application refers to exists in its realm and offers its scopes, and that
/// the caller may hand those out.
async fn check_references(rx: &mut Rx, application: &Application, caller: &ScopeSet) -> Result<()> {
    let server = resource_server(rx, application).await?;
    application.check_scopes(server.as_ref().map(|server| server.scopes.as_slice()))?;
    require_no_more_than(caller, application, server.as_ref())?;
    let Some(config) = application.authenticator_config_id else {
        return Ok(());
    };
    let (tenant, realm) = (application.tenant_id, application.realm_id);
    match authenticator_configs::store::find(rx, tenant, realm, config).await? {
        Some(_) => Ok(()),
        None => Err(Error::invalid(
            "application.authenticator_config_id",
            NO_CONFIG,
        )),
    }
}

async fn resource_server(rx: &mut Rx, application: &Application) -> Result<Option<ResourceServer>> {
    let Some(id) = application.resource_server_id else {
        return Ok(None);
    };
    let (tenant, realm) = (application.tenant_id, application.realm_id);
    match resource_servers::store::find(rx, tenant, realm, id).await? {
        Some(server) => Ok(Some(server)),
        None => Err(Error::invalid(
            "application.resource_server_id",
            NO_RESOURCE_SERVER,
        )),
    }
}

/// An application that calls the management API is a way to do there what it may do, so it is
/// made and changed only by those who may do all of that anyway.
fn require_no_more_than(
    caller: &ScopeSet,
    application: &Application,
    server: Option<&ResourceServer>,
) -> Result<()> {
    let manages = server.is_some_and(|server| server.identifier == MANAGEMENT);
    if manages && !application.protocol.allowed_scopes.is_subset(caller) {
        return Err(Error::Forbidden(
            "the application may do more than the caller",
        ));
    }
    Ok(())
}

/// A page of a realm's applications.
pub async fn list(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    query: &ListQuery,
) -> Result<Page<Revealed>> {
    let list = List {
        name: &format!("tenants/{tenant}/realms/{realm}/applications"),
        sizes: Sizes::CONFIGURATION,
        attributes: &["id", "display_name"],
    };
    let page = query.read(ctx, &list)?;
    let (found, total) = ctx
        .app
        .db
        .read(async |rx| {
            realms::ops::require(rx, tenant, realm).await?;
            store::list(rx, tenant, realm, &page).await
        })
        .await?;
    let revealed = found
        .into_iter()
        .map(|(application, sealed)| reveal(ctx, application, sealed.as_ref()))
        .collect::<Result<_>>()?;
    Ok(Page::new(ctx, &list, page, revealed, total, |revealed| {
        revealed.application.id
    }))
}

/// The secret is for callers who may read applications, whatever else they do with them; that of
/// an application that manages, only for callers who could do as much themselves.
fn reveal(
    ctx: &Context,
    application: Application,
    sealed: Option<&SealedSecret>,
) -> Result<Revealed> {
    let client_secret = sealed
        .filter(|_| ctx.scopes.contains(scope::applications::Read::NAME))
        .filter(|_| !reaches_beyond(&application, &ctx.scopes))
        .map(|sealed| sealed.open(&ctx.app, &application))
        .transpose()?;
    Ok(Revealed {
        application,
        client_secret,
    })
}

/// Whether an application may do something in the management API that its reader may not: its
/// secret would be a way to more rights.
fn reaches_beyond(application: &Application, caller: &ScopeSet) -> bool {
    let allowed = &application.protocol.allowed_scopes;
    let beyond = |scope: &&str| allowed.contains(scope) && !caller.contains(scope);
    application.resource_server_id.is_some() && scope::ALL.iter().any(beyond)
}

pub async fn get(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    id: ApplicationId,
) -> Result<Revealed> {
    let (application, sealed) = ctx
        .app
        .db
        .read(async |rx| store::find_with_secret(rx, tenant, realm, id).await)
        .await?
        .ok_or_else(|| not_found(id))?;
    reveal(ctx, application, sealed.as_ref())
}

/// An application as it was at most five seconds ago; on this node, as it is.
pub async fn cached(
    app: &App,
    tenant: TenantId,
    realm: RealmId,
    id: ApplicationId,
) -> Result<Option<Arc<Application>>> {
    let (key, now) = ((tenant, realm, id), app.now());
    if let Some(application) = app.applications.get(&key, now) {
        return Ok(Some(application));
    }
    let found = app
        .db
        .read(async |rx| store::find(rx, tenant, realm, id).await)
        .await?;
    Ok(found.map(|application| {
        let application = Arc::new(application);
        app.applications.put(key, Arc::clone(&application), now);
        application
    }))
}

/// Changes what is asked for and leaves the rest.
///
/// # Errors
/// `NotFound`; `Forbidden` for a managed application, or one that may do more in the management
/// API than the caller; `Invalid`.
pub async fn change(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    id: ApplicationId,
    asked: Change,
) -> Result<Revealed> {
    if let Some(algorithm) = asked.signing_algorithm() {
        rehearse(ctx, tenant, realm, id, &asked).await?;
        ensure_keys(&ctx.app, tenant, realm, algorithm).await?;
    }
    let event = event(ctx, tenant, realm, id, "UPDATED");
    let (caller, now) = (ctx.scopes.clone(), ctx.now);
    let (application, sealed) = ctx
        .app
        .db
        .write(async move |tx| {
            let Some((application, sealed)) = store::take(tx, tenant, realm, id, now).await? else {
                return Err(untouchable(tx, tenant, realm, id).await?);
            };
            let application = changed(tx, application, &asked, &caller).await?;
            store::update(tx, &application).await?;
            events::append(tx, &event).await?;
            Ok((application, sealed))
        })
        .await?;
    ctx.app.applications.forget(&(tenant, realm, id));
    reveal(ctx, application, sealed.as_ref())
}

/// The application with what is asked for, if all of that may be.
async fn changed(
    rx: &mut Rx,
    mut application: Application,
    asked: &Change,
    caller: &ScopeSet,
) -> Result<Application> {
    let server = resource_server(rx, &application).await?;
    require_no_more_than(caller, &application, server.as_ref())?;
    application.change(asked)?;
    check_references(rx, &application, caller).await?;
    Ok(application)
}

/// Refuses what [`change`] would refuse.
async fn rehearse(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    id: ApplicationId,
    asked: &Change,
) -> Result<()> {
    ctx.app
        .db
        .read(async |rx| match store::find(rx, tenant, realm, id).await? {
            Some(application) if !application.is_managed => {
                changed(rx, application, asked, &ctx.scopes).await.map(drop)
            }
            _ => Err(untouchable(rx, tenant, realm, id).await?),
        })
        .await
}

/// Deletes an application, and with it whatever its tokens were good for.
///
/// # Errors
/// `NotFound`; `Forbidden` for a managed application.
pub async fn delete(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    id: ApplicationId,
) -> Result<()> {
    let event = event(ctx, tenant, realm, id, "DELETED");
    ctx.app
        .db
        .write(async move |tx| {
            if !store::delete(tx, tenant, realm, id).await? {
                return Err(untouchable(tx, tenant, realm, id).await?);
            }
            directory::store::add(tx, tenant, realm, Directory::Applications, -1).await?;
            events::append(tx, &event).await
        })
        .await?;
    ctx.app.applications.forget(&(tenant, realm, id));
    Ok(())
}

/// Why a guarded statement found no application to change.
async fn untouchable(
    rx: &mut Rx,
    tenant: TenantId,
    realm: RealmId,
    id: ApplicationId,
) -> Result<Error> {
    Ok(match store::find(rx, tenant, realm, id).await? {
        Some(_) => Error::Forbidden("managed applications cannot be changed"),
        None => not_found(id),
    })
}

fn not_found(id: ApplicationId) -> Error {
    Error::not_found(Kind::Application, id)
}

fn event(
    ctx: &Context,
    tenant: TenantId,
    realm: RealmId,
    id: ApplicationId,
    outcome: &'static str,
) -> Event {
    let kind = EventKind::ApplicationOperation;
    Event::new(ctx, tenant, realm, kind, outcome).resource(id)
}
