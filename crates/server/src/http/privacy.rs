//! What must not be kept or passed on.

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, PRAGMA, REFERRER_POLICY, VARY};
use axum::response::Response;

/// Marks an answer that carries a token or a code, or follows from a URL that does: no cache may
/// keep it and no next page may learn where the browser came from.
pub fn carries_token(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // RFC 6749, section 5.1, demands it beside the above.
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    response
}
