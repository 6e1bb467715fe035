//! The request's body, read whole before anything looks at the request.
//!
//! What an operation decides by, the time above all, is taken after the last byte has arrived: a
//! request that is opened in time and finished a day later is a day late.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use http_body_util::LengthLimitError;

use crate::base::error::{Error, Result};

/// No request of ours is larger; a WebAuthn attestation with its certificates has a few kB.
const MAX_BYTES: usize = 64 * 1024;

/// Longest time from the head of a request to the end of its body.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The request with its body in memory.
///
/// # Errors
/// `TooLarge`; `TooSlow`; `Malformed` for a body that broke off.
pub async fn finished(request: Request) -> Result<Request> {
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(MAX_TIME, to_bytes(body, MAX_BYTES)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(error)) => Err(unreadable(error)),
        Err(_) => Err(Error::TooSlow),
    }
}

fn unreadable(error: axum::Error) -> Error {
    if error.into_inner().is::<LengthLimitError>() {
        Error::TooLarge
    } else {
        Error::Malformed("the body could not be read".to_owned())
    }
}
