//! The middleware around every handler, in one layer.
//!
//! Every axum layer costs each request several allocations and copies. The middleware is therefore
//! composed of functions and becomes a single layer.

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use crate::app::App;
use crate::base::budget::Charge;
use crate::base::context::{Context, Source};
use crate::base::error::{Error, Result};
use crate::base::failure::Failure;
use crate::http::body::{self, Operations};
use crate::http::{accept, cors, privacy, trace};

/// The content type of an error's body.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Renders what a person reads about an error of this status.
pub type ErrorPage = fn(&Context, StatusCode) -> Response;

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
    /// The console's own calls, with a cookie.
    Console,
    /// Our own pages, and requests without a route.
    Pages,
}

impl Middleware {
    /// Wraps `routes` in this middleware. Only the bodies of `operations` are read. Browsers see
    /// `page` instead of an error's JSON.
    pub fn wrap(
        self,
        routes: Router<App>,
        operations: Operations,
        app: &App,
        page: ErrorPage,
    ) -> Router<App> {
        let auth_url = &app.config.auth_url;
        let settings = Settings {
            app: app.clone(),
            middleware: self,
            operations,
            page,
            // In development, other services share the host, and browsers remember HSTS for a year.
            insist_on_https: auth_url.is_https() && !auth_url.is_loopback(),
        };
        routes.layer(from_fn_with_state(settings, surround))
    }

    async fn answer(self, settings: &Settings, request: Request, next: Next) -> Response {
        let finished = async |request| match settings.finished(request).await {
            // The request's memory is charged until the response exists.
            Ok((request, _charge)) => next.run(request).await,
            Err(error) => self.refuse_body(error),
        };
        match self {
            Self::Pages => finished(request).await,
            Self::Management | Self::Console => not_to_be_kept(finished(request).await),
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
            Self::Management | Self::Console | Self::Devices | Self::Pages => error.into_response(),
        }
    }
}

#[derive(Clone)]
struct Settings {
    app: App,
    middleware: Middleware,
    operations: Operations,
    page: ErrorPage,
    insist_on_https: bool,
}

impl Settings {
    async fn finished(&self, request: Request) -> Result<(Request, Charge)> {
        let source: Option<&Source> = request.extensions().get();
        let ip = source.expect("`trace` is around every route").ip;
        body::finished(request, &self.operations, &self.app.unfinished, ip).await
    }

    /// Returns the context of a person who opens one of these routes in a browser.
    fn person(&self, request: &Request) -> Option<Context> {
        let opens = matches!(*request.method(), Method::GET | Method::HEAD);
        let may_be_person = match self.middleware {
            Middleware::Pages | Middleware::Devices => true,
            // A link that was cut short, where one address serves everything.
            Middleware::Management => !request.headers().contains_key(AUTHORIZATION),
            // Standards define these responses. `/authorize` has pages of its own.
            // Only the console's scripts read what it calls.
            Middleware::OAuth | Middleware::Metadata | Middleware::Console => false,
        };
        let source = request.extensions().get::<Source>()?;
        (opens && may_be_person && accept::reads_html(request.headers()))
            .then(|| Context::anonymous(&self.app, source.clone()))
    }

    /// Gives a person a page instead of an error's JSON.
    fn readable(&self, mut response: Response, person: Option<Context>) -> Response {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return response;
        }
        if matches!(self.middleware, Middleware::Pages | Middleware::Devices) {
            // The address may be that of a broken link. No cache and no other page may get its token.
            response = privacy::carries_token(response);
        }
        let is_json = response.headers().get(CONTENT_TYPE) == Some(&JSON);
        let Some(ctx) = person.filter(|_| is_json) else {
            return response;
        };
        let (page, body) = (self.page)(&ctx, status).into_parts();
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(CONTENT_LENGTH);
        for (name, value) in &page.headers {
            parts.headers.insert(name, value.clone());
        }
        Response::from_parts(parts, body)
    }
}

/// Wraps every route: adds the span and the correlation id, and turns a panic into a response.
async fn surround(State(settings): State<Settings>, request: Request, next: Next) -> Response {
    let answer = async |request: Request| {
        let reader = settings.person(&request);
        let answering =
            AssertUnwindSafe(settings.middleware.answer(&settings, request, next)).catch_unwind();
        // The panic hook has logged the message and location.
        let panicked = |_| Error::internal("a handler panicked").into_response();
        let response = answering
            .await
            .map_or_else(panicked, explain_method_not_allowed);
        settings.readable(response, reader)
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
