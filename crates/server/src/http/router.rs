//! The two routers: one for sign-in and binding, one for the management API.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::time::timeout;
use tower::{Layer as _, util::MapRequestLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::base::error::{Error, Kind};
use crate::base::reason::Reason;
use crate::base::refusal::Refusal;
use crate::http::body::Operations;
use crate::http::middleware::Middleware;
use crate::http::openapi::{self, Address};
use crate::http::verb;
use crate::infra::serving::Service;
use crate::pages::hosted::refused;
use crate::pages::{assets, console, start};

/// Routes with the same middleware.
type Group = (Middleware, OpenApiRouter<App>);

/// Returns the router for browsers and SDKs: sign-in, binding and the console's pages.
pub fn auth(app: &App) -> Service {
    serve(app, public_groups(), pages(app), console_calls(app))
}

/// Returns the router of the management API. It also serves binding, because older clients expect
/// binding links there.
pub fn management(app: &App) -> Service {
    let groups = [management_group(), binding_group()];
    serve(app, groups, Router::new(), Router::new())
}

/// Returns both routers as one, for equal public URLs.
pub fn combined(app: &App) -> Service {
    let both = public_groups().into_iter().chain([management_group()]);
    serve(app, both, pages(app), console_calls(app))
}

/// The pages of the sign-in address.
fn pages(app: &App) -> Router<App> {
    console::page::routes(app).merge(start::routes())
}

/// The calls of the console's page: its session, and the management API with the session's rights.
fn console_calls(app: &App) -> Router<App> {
    let (management, document) = merged(management_slices()).split_for_parts();
    let (routes, prefix) = (
        console::api::routes(app, management),
        console::api::prefix(app),
    );
    let operations = Operations::of(&document)
        .below(&prefix)
        .with_posts(&console::api::posts(&prefix));
    Middleware::Console.wrap(routes, operations, app, refused)
}

/// Returns the API document of the management API.
pub fn management_document() -> OpenApi {
    const ADDRESS: Address = Address {
        url: "http://localhost:8023",
        setting: "KEYMOOR_API_URL",
    };
    document("Keymoor management API", &ADDRESS, [management_group()])
}

/// Returns the API document of the endpoints for browsers and SDKs.
pub fn public_document() -> OpenApi {
    const ADDRESS: Address = Address {
        url: "http://localhost:8021",
        setting: "KEYMOOR_AUTH_URL",
    };
    document("Keymoor sign-in and binding", &ADDRESS, public_groups())
}

fn document(title: &str, address: &Address, groups: impl IntoIterator<Item = Group>) -> OpenApi {
    let routes = groups.into_iter().map(|(_, routes)| routes);
    openapi::finish(title, address, merged(routes).into_openapi())
}

fn merged(routes: impl IntoIterator<Item = OpenApiRouter<App>>) -> OpenApiRouter<App> {
    routes
        .into_iter()
        .fold(OpenApiRouter::new(), OpenApiRouter::merge)
}

fn management_group() -> Group {
    (Middleware::Management, merged(management_slices()))
}

fn management_slices() -> Vec<OpenApiRouter<App>> {
    vec![
        crate::slices::tenants::api::routes(),
        crate::slices::realms::api::routes(),
        crate::slices::identities::api::routes(),
        crate::slices::credentials::api::routes(),
        crate::slices::authenticator_configs::api::routes(),
        crate::slices::applications::api::routes(),
        crate::slices::resource_servers::api::routes(),
        crate::slices::tokens::api::routes(),
        crate::slices::binding::api::routes(),
        crate::slices::events::api::routes(),
        crate::slices::statistics::api::routes(),
        crate::slices::batches::api::routes(),
    ]
}

fn public_groups() -> [Group; 4] {
    [
        (
            Middleware::Metadata,
            crate::slices::oidc::public::metadata_routes(),
        ),
        (Middleware::OAuth, crate::slices::oidc::public::routes()),
        (
            Middleware::Devices,
            crate::slices::authentication::public::routes(),
        ),
        binding_group(),
    ]
}

fn binding_group() -> Group {
    (
        Middleware::Devices,
        crate::slices::binding::public::routes(),
    )
}

fn serve(
    app: &App,
    groups: impl IntoIterator<Item = Group>,
    pages: Router<App>,
    console: Router<App>,
) -> Service {
    let pages = pages
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .merge(assets::routes())
        .fallback(unknown_route);
    let surrounded = groups
        .into_iter()
        .map(|(middleware, documented)| {
            let (routes, document) = documented.split_for_parts();
            middleware.wrap(routes, Operations::of(&document), app, refused)
        })
        .fold(
            Middleware::Pages
                .wrap(pages, Operations::default(), app, refused)
                .merge(console),
            Router::merge,
        )
        .with_state(app.clone());
    let split: fn(Request) -> Request = verb::split_verb;
    MapRequestLayer::new(split).layer(surrounded)
}

/// Reports that the process runs.
async fn healthz() -> &'static str {
    "ok"
}

/// Readiness is answered within two seconds, whatever the database does.
const READY_WITHIN: Duration = Duration::from_millis(1_500);

/// Reports that the process can serve requests: the database responds.
async fn readyz(State(app): State<App>) -> Response {
    let why = match timeout(READY_WITHIN, app.db.health()).await {
        Ok(Ok(())) => {
            return (StatusCode::OK, [(CACHE_CONTROL, "no-store")], "ready").into_response();
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the database does not answer".to_owned(),
    };
    let why = Extension(Refusal {
        reason: Reason::Unavailable,
        detail: Some(why),
    });
    let status = StatusCode::SERVICE_UNAVAILABLE;
    (status, why, [(CACHE_CONTROL, "no-store")], "not ready").into_response()
}

async fn unknown_route() -> Error {
    Error::not_found(Kind::ROUTE, "")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A document silently keeps one of several types with the same name, so each slice is checked
    /// separately.
    #[test]
    fn no_two_slices_document_different_types_under_one_name() {
        let public = public_groups().map(|(_, routes)| routes);
        let mut known = BTreeMap::new();
        for slice in management_slices().into_iter().chain(public) {
            let components = slice.into_openapi().components.unwrap_or_default();
            for (name, schema) in components.schemas {
                let first = known.entry(name.clone()).or_insert_with(|| schema.clone());
                assert!(*first == schema, "{name} names two types");
            }
        }
        for name in ["CredentialState", "CredentialBindingJobState"] {
            assert!(known.contains_key(name), "{name}");
        }
    }
}
