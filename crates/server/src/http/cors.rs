//! Cross-origin access for browsers.
//!
//! SDK, OAuth and key routes answer a preflight without looking anything up, for every origin and
//! never with credentials. What an origin may really do is decided per request, from the trusted
//! origins of the configuration that the request turns out to be about.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ORIGIN,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::base::error::{Error, Result};

/// Around the routes that browsers on other origins call.
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

/// Refuses a request that a page of an untrusted origin makes. Requests without `Origin` come
/// from no page, or from one of our own origin; for them nobody works out what is trusted.
pub fn require_trusted<T: AsRef<[String]>>(
    headers: &HeaderMap,
    trusted: impl FnOnce() -> T,
    own: &str,
) -> Result<()> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let trusted =
        |origin: &str| origin == own || trusted().as_ref().iter().any(|known| known == origin);
    if origin.to_str().is_ok_and(trusted) {
        Ok(())
    } else {
        Err(Error::UntrustedOrigin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d2_only_trusted_origins_and_our_own_pass() {
        let check = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            require_trusted(
                &headers,
                || ["https://app.example".to_owned()],
                "https://auth.example",
            )
            .is_ok()
        };
        assert!(check(None));
        assert!(check(Some("https://app.example")));
        assert!(check(Some("https://auth.example")));
        for foreign in [
            "https://app.example.evil",
            "http://app.example",
            "null",
            "https://app.example:444",
        ] {
            assert!(!check(Some(foreign)), "{foreign}");
        }
    }
}
