//! What pages load: styles and scripts, all of them from inside this binary.

use std::borrow::Cow;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::Embed;

use crate::base::error::{Error, Kind};

/// The browser SDK as it was built last; empty where it was not built.
#[derive(Embed)]
#[folder = "../../packages/sdk-js/dist"]
#[allow_missing = true]
struct SdkBundle;

/// The browser SDK's module, if it was built before this binary.
pub fn sdk() -> Option<Cow<'static, [u8]>> {
    SdkBundle::get("index.js").map(|file| file.data)
}

/// The files under `/assets`.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/favicon.ico", get(icon))
        .route("/assets/page.css", get(stylesheet))
        .route("/assets/console-bind.js", get(console_bind))
        .route("/assets/sdk.js", get(sdk_module))
}

/// Browsers ask for it by this name, whatever the page says, and go by its type.
async fn icon() -> Response {
    asset(
        "image/svg+xml",
        include_bytes!("../../../../../packages/pages/src/icon.svg").as_slice(),
    )
}

async fn stylesheet() -> Response {
    asset(
        "text/css; charset=utf-8",
        include_bytes!("../../../../../packages/pages/src/page.css").as_slice(),
    )
}

async fn console_bind() -> Response {
    script(include_bytes!("../../../../../packages/pages/src/console-bind.js").as_slice())
}

async fn sdk_module() -> Result<Response, Error> {
    sdk()
        .map(script)
        .ok_or_else(|| Error::not_found(Kind::Route, ""))
}

fn script(body: impl Into<Cow<'static, [u8]>>) -> Response {
    asset("text/javascript; charset=utf-8", body)
}

/// Asked for anew each time: pages and scripts of two versions must not meet.
fn asset(kind: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body.into()).into_response()
}
