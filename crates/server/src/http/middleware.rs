//! The middleware around every handler, in one layer.
//!
//! Every axum layer costs each request several allocations and copies. The middleware is therefore
//! composed of functions and becomes a single layer.

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use crate::app::App;
use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::http::{body, cors, privacy, trace};

/// The middleware of one kind of routes.
#[derive(Clone, Copy)]
pub enum Middleware {
    /// The management API. Its responses contain links, secrets and personal data.
    Management,
    /// Endpoints that devices call with a token, from pages of any origin.
    Devices,
    /// OAuth endpoints that return codes and tokens.
    OAuth,
    /// Public OAuth metadata.
    Metadata,
    /// Our own pages, and requests without a route.
    Pages,
}

impl Middleware {
    /// Wraps `routes` in this middleware.
    pub fn wrap(self, routes: Router<App>, app: &App) -> Router<App> {
        let auth_url = &app.config.auth_url;
        let settings = Settings {
            app: app.clone(),
            middleware: self,
            // In development, other services share the host, and browsers remember HSTS for a year.
            insist_on_https: auth_url.is_https() && !auth_url.is_loopback(),
        };
        routes.layer(from_fn_with_state(settings, surround))
    }

    async fn answer(self, request: Request, next: Next) -> Response {
        let finished = async |request| match body::finished(request).await {
            Ok(request) => next.run(request).await,
            Err(error) => self.refuse_body(error),
        };
        match self {
            Self::Pages => finished(request).await,
            Self::Management => not_to_be_kept(finished(request).await),
            Self::Metadata => cors::open(request, finished).await,
            Self::Devices | Self::OAuth => {
                let answer = async |request| privacy::carries_token(finished(request).await);
                cors::open(request, answer).await
            }
        }
    }

    /// Whether a path of these routes names the application that calls, not one that is managed.
    fn is_client_in_path(self) -> bool {
        matches!(self, Self::Devices | Self::OAuth | Self::Metadata)
    }

    fn refuse_body(self, error: Error) -> Response {
        match self {
            Self::OAuth | Self::Metadata => Failure::from(error).into_response(),
            Self::Management | Self::Devices | Self::Pages => error.into_response(),
        }
    }
}

#[derive(Clone)]
struct Settings {
    app: App,
    middleware: Middleware,
    insist_on_https: bool,
}

/// Wraps every route: adds the span and the correlation id, and turns a panic into a response.
async fn surround(State(settings): State<Settings>, request: Request, next: Next) -> Response {
    let answer = async |request| {
        let answering = AssertUnwindSafe(settings.middleware.answer(request, next)).catch_unwind();
        // The panic hook has logged the message and location.
        let panicked = |_| Error::internal("a handler panicked").into_response();
        answering
            .await
            .map_or_else(panicked, explain_method_not_allowed)
    };
    let is_client_in_path = settings.middleware.is_client_in_path();
    let mut response = trace::trace(&settings.app, is_client_in_path, request, answer).await;
    if settings.insist_on_https {
        insist_on_https(&mut response);
    }
    response
}

fn not_to_be_kept(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Requires https for one year, for this host only (RFC 6797).
fn insist_on_https(response: &mut Response) {
    response.headers_mut().insert(
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    );
}

/// Adds the standard error body to axum's empty 405 response. Keeps its `Allow` header.
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
