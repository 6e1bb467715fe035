//! The assets of the pages (scripts, styles, images), built by npm packages and embedded in the binary.
//!
//! The `dist` of `packages/NAME` is served below `/assets/NAME/`. Its `manifest.json` has the
//! format of [Vite's], reduced to the members used here:
//!
//! ```json
//! { "src/page.css": { "file": "page-Dk3v0a1Z.css" } }
//! ```
//!
//! It maps the path of a source to the built file. The file's name contains a hash of its content,
//! so browsers may cache it indefinitely. Only files that the manifest lists are served. Each may
//! have compressed variants, with `.br` or `.gz` appended to its name.
//!
//! To serve another package, add its name to `PACKAGES` in `crates/server/build.rs`.
//!
//! [Vite's]: https://vite.dev/guide/backend-integration

mod encoding;
mod manifest;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use encoding::Accepted;
use manifest::{Assets, File};

use crate::base::error::{Error, Kind};

static ASSETS: LazyLock<Assets> =
    LazyLock::new(|| Assets::load(include!(concat!(env!("OUT_DIR"), "/packages.rs"))));

/// Returns the path that serves the file built from `source`, such as
/// `/assets/pages/page-Dk3v0a1Z.css` for `pages/src/page.css`. `None` if its package was not built
/// before this binary.
pub fn path(source: &str) -> Option<&'static str> {
    ASSETS.path(source)
}

/// Returns the paths of the style sheets that the script built from `source` needs.
pub fn stylesheets(source: &str) -> Vec<&'static str> {
    ASSETS.stylesheets(source)
}

/// Returns the routes of `/assets` and of the icon.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    routes_of(&ASSETS)
}

fn routes_of<S: Clone + Send + Sync + 'static>(assets: &'static Assets) -> Router<S> {
    Router::new()
        .route("/assets/{*file}", get(asset))
        .route("/favicon.ico", get(icon))
        .with_state(assets)
}

async fn asset(
    State(assets): State<&'static Assets>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Response> {
    const IMMUTABLE: &str = "public, max-age=31536000, immutable";
    let file = assets.file(uri.path()).ok_or_else(not_found)?;
    Ok(serve(file, IMMUTABLE, &headers))
}

/// Browsers request `/favicon.ico` on any page, and read the format from the content type.
async fn icon(
    State(assets): State<&'static Assets>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let path = assets.path("pages/src/icon.svg").ok_or_else(not_found)?;
    let file = assets.file(path).ok_or_else(not_found)?;
    Ok(serve(file, "no-cache", &headers))
}

/// Not cacheable, because a node of another version may have the file.
fn not_found() -> Response {
    let error = Error::not_found(Kind::ROUTE, "");
    ([(CACHE_CONTROL, "no-store")], error).into_response()
}

fn serve(file: &'static File, cache_control: &'static str, request: &HeaderMap) -> Response {
    let chosen = file.choose(&Accepted::of(request));
    let validators: [(HeaderName, HeaderValue); 3] = [
        (CACHE_CONTROL, HeaderValue::from_static(cache_control)),
        (ETAG, chosen.etag.clone()),
        (VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if holds(request, &chosen.etag) {
        return (StatusCode::NOT_MODIFIED, validators).into_response();
    }
    let content = [(CONTENT_TYPE, file.content_type)];
    let mut response = (validators, content, chosen.content).into_response();
    if let Some(coding) = chosen.coding {
        let coding = HeaderValue::from_static(coding);
        response.headers_mut().insert(CONTENT_ENCODING, coding);
    }
    response
}

/// Whether `If-None-Match` contains this `ETag` (RFC 9110, section 13.1.2).
fn holds(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let held = request.get_all(IF_NONE_MATCH).iter();
    held.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
