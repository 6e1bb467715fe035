//! The two routers: sign-in and binding on one address, management on the other.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower::util::MapRequest;
use tower::{Layer as _, util::MapRequestLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::console;
use crate::error::{Error, Kind};
use crate::hosted;
use crate::http::{body, envelope, openapi, verb};

/// A router as served: custom verbs are split off before routing.
pub type Service = MapRequest<Router, fn(Request) -> Request>;

/// Sign-in and binding, and the pages of the console: what browsers and SDKs call.
pub fn auth(app: &App) -> Service {
    serve(app, routes(public_routes()), console::page::routes(app))
}

/// The management API, and binding, whose links older clients expect there.
pub fn management(app: &App) -> Service {
    let routes = routes(management_routes().merge(binding_routes()));
    serve(app, routes, Router::new())
}

/// Both on one address, for when the two public URLs are equal.
pub fn combined(app: &App) -> Service {
    let both = routes(management_routes().merge(public_routes()));
    serve(app, both, console::page::routes(app))
}

fn routes(documented: OpenApiRouter<App>) -> Router<App> {
    documented.split_for_parts().0
}

/// The document of the management API.
pub fn management_document() -> OpenApi {
    openapi::finish("Keymoor management API", management_routes().into_openapi())
}

/// The document of what browsers and SDKs call.
pub fn public_document() -> OpenApi {
    openapi::finish(
        "Keymoor sign-in and binding",
        public_routes().into_openapi(),
    )
}

fn management_routes() -> OpenApiRouter<App> {
    management_slices()
        .into_iter()
        .fold(OpenApiRouter::new(), OpenApiRouter::merge)
        .layer(from_fn(envelope::management))
}

fn management_slices() -> [OpenApiRouter<App>; 9] {
    [
        crate::tenants::api::routes(),
        crate::realms::api::routes(),
        crate::identities::api::routes(),
        crate::credentials::api::routes(),
        crate::authenticator_configs::api::routes(),
        crate::applications::api::routes(),
        crate::resource_servers::api::routes(),
        crate::tokens::api::routes(),
        crate::binding::api::routes(),
    ]
}

fn public_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(crate::oidc::public::routes())
        .merge(crate::authentication::public::routes().layer(from_fn(envelope::devices)))
        .merge(binding_routes())
}

fn binding_routes() -> OpenApiRouter<App> {
    crate::binding::public::routes().layer(from_fn(envelope::devices))
}

/// The routes of `api` have a layer of their own that reads bodies, below those that make their
/// answers what they must be: a refused body is answered like everything else there.
fn serve(app: &App, api: Router<App>, pages: Router<App>) -> Service {
    let layered = pages
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .merge(hosted::assets::routes())
        .fallback(unknown_route)
        .layer(from_fn(body::read_whole))
        .merge(api)
        .layer(from_fn_with_state(
            envelope::Settings::of(app),
            envelope::every,
        ))
        .with_state(app.clone());
    let split: fn(Request) -> Request = verb::split_verb;
    MapRequestLayer::new(split).layer(layered)
}

/// A router that is served as it is.
pub fn plain(routes: Router) -> Service {
    let unchanged: fn(Request) -> Request = |request| request;
    MapRequestLayer::new(unchanged).layer(routes)
}

/// The process runs.
async fn healthz() -> &'static str {
    "ok"
}

/// The process can serve: its database answers.
async fn readyz(State(app): State<App>) -> Response {
    let (status, text) = match app.db.health().await {
        Ok(()) => (StatusCode::OK, "ready"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready")
        }
    };
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}

async fn unknown_route() -> Error {
    Error::not_found(Kind::Route, "")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A document keeps one of the types of a name and says nothing, so the slices are looked at
    /// one by one.
    #[test]
    fn no_two_slices_document_different_types_under_one_name() {
        let public = [
            crate::oidc::public::routes(),
            crate::authentication::public::routes(),
            crate::binding::public::routes(),
        ];
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
