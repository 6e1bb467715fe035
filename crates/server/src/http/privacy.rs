//! Headers of responses that must not be cached or leaked.

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, PRAGMA, REFERRER_POLICY, VARY};
use axum::response::Response;

/// Marks a response that contains a token or code, or whose URL does. Caches must not store it, and
/// the next page must not receive the URL as referrer.
pub fn carries_token(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Also required by RFC 6749, section 5.1.
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    response
}
