//! Reads the whole request body before the request is processed.
//!
//! An operation reads the time after the last byte has arrived. Otherwise a client could open a
//! request in time and complete it a day later.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use http_body_util::LengthLimitError;

use crate::base::error::{Error, Result};

/// The maximum size of a body. The largest requests, WebAuthn attestations with certificates, have
/// a few kB.
const MAX_BYTES: usize = 64 * 1024;

/// The maximum time from the head of a request to the end of its body.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Returns the request with its body in memory.
///
/// # Errors
/// `TooLarge`, `TooSlow`, or `Malformed` for an incomplete body.
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
