//! Cross-origin access for browsers.
//!
//! SDK, OAuth and key routes allow every preflight without a look-up, and never with credentials.
//! The actual request is checked against the trusted origins of its authenticator config.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ORIGIN,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::base::origin::PageOrigin;

/// Wraps the routes that browsers on other origins call.
pub async fn open(request: Request, answer: impl AsyncFnOnce(Request) -> Response) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    let mut response = answer(request).await;
    allow_any_origin(response.headers_mut());
    response
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    allow_any_origin(headers);
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, x-correlation-id"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

fn allow_any_origin(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

impl<S: Send + Sync> FromRequestParts<S> for PageOrigin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let origin = parts.headers.get(ORIGIN);
        // An unreadable origin is never trusted.
        Ok(Self::new(
            origin.map(|origin| origin.to_str().unwrap_or_default()),
        ))
    }
}
