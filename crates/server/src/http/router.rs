//! The two routers: sign-in and binding on one address, management on the other.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower::util::MapRequest;
use tower::{Layer as _, util::MapRequestLayer};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::console;
use crate::error::{Error, Kind};
use crate::hosted;
use crate::http::{body, context, cors, openapi, verb};

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
    OpenApiRouter::new()
        .merge(crate::tenants::api::routes())
        .merge(crate::realms::api::routes())
        .merge(crate::identities::api::routes())
        .merge(crate::credentials::api::routes())
        .merge(crate::authenticator_configs::api::routes())
        .merge(crate::applications::api::routes())
        .merge(crate::resource_servers::api::routes())
        .merge(crate::tokens::api::routes())
        .merge(crate::binding::api::routes())
        .layer(from_fn(body::read_whole))
        .layer(map_response(keep_out_of_caches))
}

fn public_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(crate::oidc::public::routes())
        .merge(crate::authentication::public::routes().layer(from_fn(body::read_whole)))
        .layer(from_fn(cors::open))
        .merge(binding_routes())
}

fn binding_routes() -> OpenApiRouter<App> {
    crate::binding::public::routes()
        .layer(from_fn(body::read_whole))
        .layer(from_fn(cors::open))
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
        .layer(map_response(explain_method_not_allowed))
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(from_fn_with_state(app.clone(), context::trace))
        .with_state(app.clone());
    let split: fn(Request) -> Request = verb::split_verb;
    let auth_url = &app.config.auth_url;
    // Whatever else is developed on this machine shares the host, and a browser remembers a year.
    let layered = if auth_url.is_https() && !auth_url.is_loopback() {
        layered.layer(map_response(insist_on_https))
    } else {
        layered
    };
    MapRequestLayer::new(split).layer(layered)
}

/// A router that is served as it is.
pub fn plain(routes: Router) -> Service {
    let unchanged: fn(Request) -> Request = |request| request;
    MapRequestLayer::new(unchanged).layer(routes)
}

/// RFC 6797: a year of nothing but https, for this host alone.
async fn insist_on_https(mut response: Response) -> Response {
    response.headers_mut().insert(
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    );
    response
}

/// Answers of the management API hold links, secrets and people.
async fn keep_out_of_caches(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
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

/// Gives axum's bare 405 the body of every other refusal; its `Allow` header stays.
async fn explain_method_not_allowed(response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let mut explained = Error::MethodNotAllowed.into_response();
    if let Some(allow) = response.headers().get(ALLOW) {
        explained.headers_mut().insert(ALLOW, allow.clone());
    }
    explained
}

fn after_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    // The panic hook has logged the message and place.
    Error::internal("a handler panicked").into_response()
}
