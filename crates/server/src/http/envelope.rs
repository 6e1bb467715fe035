//! What surrounds every handler, in one layer for each kind of route and one for all.
//!
//! A layer of axum's costs every request a boxed future and a copy of all that lies below it, so
//! what is done around a handler is put together here as functions, and becomes a layer once.

use std::panic::AssertUnwindSafe;

use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use crate::app::App;
use crate::error::Error;
use crate::http::{body, context, cors, privacy};

/// What the layer of all routes knows.
#[derive(Clone)]
pub struct Settings {
    app: App,
    insist_on_https: bool,
}

impl Settings {
    pub fn of(app: &App) -> Self {
        let auth_url = &app.config.auth_url;
        Self {
            app: app.clone(),
            // Whatever else is developed on this machine shares the host, and a browser remembers
            // a year.
            insist_on_https: auth_url.is_https() && !auth_url.is_loopback(),
        }
    }
}

/// Around every route: its span, its correlation id, and an answer whatever happens.
pub async fn every(State(settings): State<Settings>, request: Request, next: Next) -> Response {
    let answer = async |request| {
        let answering = AssertUnwindSafe(next.run(request)).catch_unwind();
        // The panic hook has logged the message and place.
        let panicked = |_| Error::internal("a handler panicked").into_response();
        answering
            .await
            .map_or_else(panicked, explain_method_not_allowed)
    };
    let mut response = context::trace(&settings.app, request, answer).await;
    if settings.insist_on_https {
        insist_on_https(&mut response);
    }
    response
}

/// Around the management API, whose answers hold links, secrets and people.
pub async fn management(request: Request, next: Next) -> Response {
    let mut response = body::read_whole(request, next).await;
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Around what devices call, from pages of any origin and with a token.
pub async fn devices(request: Request, next: Next) -> Response {
    let answer = async |request| privacy::carries_token(body::read_whole(request, next).await);
    cors::open(request, answer).await
}

/// RFC 6797: a year of nothing but https, for this host alone.
fn insist_on_https(response: &mut Response) {
    response.headers_mut().insert(
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    );
}

/// Gives axum's bare 405 the body of every other refusal; its `Allow` header stays.
fn explain_method_not_allowed(response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let mut explained = Error::MethodNotAllowed.into_response();
    if let Some(allow) = response.headers().get(ALLOW) {
        explained.headers_mut().insert(ALLOW, allow.clone());
    }
    explained
}
