//! The use cases of applications.

use std::sync::Arc;

use keymoor_oauth::client::Confidentiality;
use keymoor_oauth::jose::Algorithm;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{ApplicationId, Timestamp};

use super::model::{
    Application, NO_CONFIG, NO_RESOURCE_SERVER, Revealed, new_client_id, new_client_secret,
};
use super::patch::ApplicationPatch;
use super::store::{self, SealedSecret};
use super::subjects::Distinct;
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{ApplicationRef, RealmRef, Ref as _};
use crate::base::scope::{self, MANAGEMENT_AUDIENCE, Scope as _};
use crate::base::secret::Secret;
use crate::db::Rx;
use crate::infra::directory;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::resource_servers::model::ResourceServer;
use crate::slices::tokens;
use crate::slices::{authenticator_configs, realms, resource_servers};

const MANAGED: Error = Error::Forbidden("managed applications cannot be changed");

/// Creates an application. The response includes the secret.
///
/// # Errors
/// `Invalid`; `NotFound` for the realm; `Forbidden` if the application would have more rights in
/// the management API than the caller.
pub async fn create(ctx: &Context, realm: RealmRef, new: ApplicationPatch) -> Result<Revealed> {
    let (app, rng) = (&ctx.app, &*ctx.app.rng);
    let id = ApplicationId::generate(ctx.now, rng);
    let client_id = new_client_id(rng);
    let mut application = Application::new(realm, id, client_id, new, ctx.now)?;
    let confidential = application.protocol.confidentiality == Confidentiality::Confidential;
    let client_secret = confidential.then(|| new_client_secret(rng));
    application.client_secret_hash = client_secret.as_ref().map(Secret::digest);
    let sealed = client_secret
        .as_ref()
        .map(|secret| SealedSecret::seal(app, &application, secret));
    app.db
        .read(async |rx| {
            realms::ops::require(rx, realm).await?;
            check_references(rx, &application, &ctx.scopes).await
        })
        .await?;
    let tokens = application.protocol.token_configuration;
    ensure_keys(app, realm, tokens.token_signing_algorithm.into()).await?;
    let event = event(ctx, application.at(), "CREATED");
    let caller = ctx.scopes.clone();
    let distinct = Distinct::reserve(ctx, application.at(), tokens.subject_field).await?;
    let written = app
        .db
        .write(async move |tx| {
            realms::ops::require(tx, realm).await?;
            check_references(tx, &application, &caller).await?;
            distinct.claim(tx, tokens.subject_field).await?;
            store::insert(tx, &application, sealed.as_ref()).await?;
            directory::store::add(tx, realm, store::DIRECTORY, 1).await?;
            events::append(tx, &event).await?;
            Ok(application.clone())
        })
        .await;
    Ok(Revealed {
        application: distinct.or_release(app, written).await?,
        client_secret,
    })
}

/// Ensures that the realm has the keys that the application needs: for its tokens, and ES256 for
/// requests to authenticators. No first sign-in then waits for a key. It runs after all checks, so
/// that a rejected request creates no key.
async fn ensure_keys(app: &App, realm: RealmRef, of_tokens: Algorithm) -> Result<()> {
    app.keys.ensure(realm, Algorithm::Es256).await?;
    app.keys.ensure(realm, of_tokens).await
}

/// Checks that the referenced objects exist in the realm and offer the scopes, and that the caller
/// may grant those scopes.
async fn check_references(rx: &mut Rx, application: &Application, caller: &ScopeSet) -> Result<()> {
    let server = resource_server(rx, application).await?;
    application.check_scopes(server.as_ref().map(|server| server.scopes.as_slice()))?;
    require_no_more_than(caller, application, server.as_ref())?;
    let Some(config) = application.authenticator_config_id else {
        return Ok(());
    };
    let realm = application.at().realm();
    match authenticator_configs::store::find(rx, realm.authenticator_config_id(config)).await? {
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
    let realm = application.at().realm();
    match resource_servers::store::find(rx, realm.resource_server_id(id)).await? {
        Some(server) => Ok(Some(server)),
        None => Err(Error::invalid(
            "application.resource_server_id",
            NO_RESOURCE_SERVER,
        )),
    }
}

/// Rejects callers with fewer rights than an application that calls the management API, since they
/// could use the application to gain its rights.
fn require_no_more_than(
    caller: &ScopeSet,
    application: &Application,
    server: Option<&ResourceServer>,
) -> Result<()> {
    let manages = server.is_some_and(|server| server.identifier == MANAGEMENT_AUDIENCE);
    if manages && !application.protocol.allowed_scopes.is_subset(caller) {
        return Err(Error::Forbidden(
            "the application may do more than the caller",
        ));
    }
    Ok(())
}

/// Returns a page of a realm's applications.
///
/// # Errors
/// `NotFound` for the realm.
pub async fn list(ctx: &Context, realm: RealmRef, page: &PageRequest) -> Result<Page<Revealed>> {
    let asked = page.clone();
    let found = ctx
        .page(realm.tenant_id, page, async move |rx| {
            realms::ops::require(rx, realm).await?;
            store::list(rx, realm, &asked).await
        })
        .await?;
    found.try_map(|(application, sealed)| reveal(ctx, application, sealed.as_ref()))
}

/// Includes the secret only for callers that may read applications. The secret of a management
/// application also requires all of its rights.
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

/// Whether the application has rights in the management API that the caller lacks. Its secret would
/// grant them to the caller.
fn reaches_beyond(application: &Application, caller: &ScopeSet) -> bool {
    let allowed = &application.protocol.allowed_scopes;
    let beyond = |scope: &&str| allowed.contains(scope) && !caller.contains(scope);
    application.resource_server_id.is_some() && scope::ALL.iter().any(beyond)
}

pub async fn get(ctx: &Context, at: ApplicationRef) -> Result<Revealed> {
    let (application, sealed) = ctx
        .app
        .db
        .read(async |rx| store::find_with_secret(rx, at).await)
        .await?
        .ok_or_else(|| at.not_found())?;
    reveal(ctx, application, sealed.as_ref())
}

/// Returns an application, at most five seconds old. Changes on this node are visible at once.
pub async fn cached(app: &App, at: ApplicationRef) -> Result<Option<Arc<Application>>> {
    let load = async || {
        let find = async |rx: &mut Rx| store::find(rx, at).await;
        Ok(app.db.read(find).await?.map(Arc::new))
    };
    app.applications.get_or_load(at, app.now(), load).await
}

/// Updates the requested fields of an application.
///
/// # Errors
/// `NotFound`; `Forbidden` for a managed application, or one with more rights in the management API
/// than the caller; `Invalid`.
pub async fn update(
    ctx: &Context,
    at: ApplicationRef,
    patch: ApplicationPatch,
) -> Result<Revealed> {
    let (before, after) = rehearse(ctx, at, &patch).await?;
    if let Some(algorithm) = patch.signing_algorithm() {
        ensure_keys(&ctx.app, at.realm(), algorithm).await?;
    }
    let subject = after.protocol.token_configuration.subject_field;
    let distinct = if subject == before.protocol.token_configuration.subject_field {
        Distinct::none()
    } else {
        Distinct::reserve(ctx, at, subject).await?
    };
    let event = event(ctx, at, "UPDATED");
    let (caller, now) = (ctx.scopes.clone(), ctx.now);
    let written = ctx
        .app
        .db
        .write(async move |tx| {
            let (before, sealed) = store::find_locked(tx, at)
                .await?
                .ok_or_else(|| at.not_found())?;
            let subject = before.protocol.token_configuration.subject_field;
            let after = patched(tx, before, patch.clone(), now, &caller).await?;
            let new_subject = after.protocol.token_configuration.subject_field;
            let mut revoked = Vec::new();
            if new_subject != subject {
                distinct.claim(tx, new_subject).await?;
                // From now on nothing keeps another identity from the subjects of these tokens.
                revoked = tokens::store::revoke_of_application(tx, at).await?;
            }
            store::update(tx, &after).await?;
            events::append(tx, &event).await?;
            Ok((after, sealed, revoked))
        })
        .await;
    let (application, sealed, revoked) = distinct.or_release(&ctx.app, written).await?;
    ctx.app.revocations.add(at.tenant_id, &revoked);
    ctx.app.applications.forget(&at);
    reveal(ctx, application, sealed.as_ref())
}

/// Returns the application with `patch` applied at `now`, if the result is valid and the caller may
/// request it.
async fn patched(
    rx: &mut Rx,
    before: Application,
    patch: ApplicationPatch,
    now: Timestamp,
    caller: &ScopeSet,
) -> Result<Application> {
    if before.is_managed {
        return Err(MANAGED);
    }
    let server = resource_server(rx, &before).await?;
    require_no_more_than(caller, &before, server.as_ref())?;
    let after = before.patched(patch, now)?;
    check_references(rx, &after, caller).await?;
    Ok(after)
}

/// Rejects what [`update`] would reject, and returns the application before and after it.
async fn rehearse(
    ctx: &Context,
    at: ApplicationRef,
    patch: &ApplicationPatch,
) -> Result<(Application, Application)> {
    ctx.app
        .db
        .read(async |rx| {
            let before = store::find(rx, at).await?.ok_or_else(|| at.not_found())?;
            let after = patched(rx, before.clone(), patch.clone(), ctx.now, &ctx.scopes).await?;
            Ok((before, after))
        })
        .await
}

/// Deletes an application and invalidates its tokens.
///
/// # Errors
/// `NotFound`; `Forbidden` for a managed application.
pub async fn delete(ctx: &Context, at: ApplicationRef) -> Result<()> {
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
    ctx.app.applications.forget(&at);
    Ok(())
}

fn event(ctx: &Context, at: ApplicationRef, outcome: &'static str) -> Event {
    Event::about(ctx, at, EventKind::APPLICATION_OPERATION, outcome)
}
