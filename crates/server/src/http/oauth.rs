//! Error responses of the OAuth endpoints.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use keymoor_oauth::error::{ErrorCode, OAuthError};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::base::refusal::Refusal;
use crate::http::problem;

/// The body of an error response (RFC 6749, section 5.2).
#[derive(Serialize, ToSchema)]
pub struct OAuthProblem {
    /// The error code.
    error: &'static str,
    /// What happened, for developers.
    error_description: &'static str,
}

/// The error responses of every OAuth endpoint, for the API document.
#[derive(IntoResponses)]
pub enum OAuthRefusals {
    /// The request is malformed or invalid.
    #[response(status = 400)]
    BadRequest(OAuthProblem),
    /// The request's origin is not trusted.
    #[response(status = 403)]
    Forbidden(OAuthProblem),
    /// The application does not exist.
    #[response(status = 404)]
    NotFound(problem::Problem),
    /// The request body took too long to arrive.
    #[response(status = 408)]
    TooSlow(OAuthProblem),
    /// The request body is too large.
    #[response(status = 413)]
    TooLarge(OAuthProblem),
    /// Too many requests or failed attempts of this network. Retry after `Retry-After` seconds.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds to wait")))]
    TooManyRequests(OAuthProblem),
    /// The server failed. `error_description` states if the outcome of the request is unknown.
    #[response(status = 500)]
    Internal(OAuthProblem),
    /// The server is overloaded. Retry after `Retry-After` seconds.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds to wait")))]
    Unavailable(OAuthProblem),
}

/// Additional error responses of the token endpoint.
#[derive(IntoResponses)]
pub enum ClientRefusals {
    /// Client authentication failed.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Basic`")))]
    Unauthorized(OAuthProblem),
}

/// Additional error responses of the userinfo endpoint.
#[derive(IntoResponses)]
pub enum BearerRefusals {
    /// The access token is missing or invalid. If it is missing, the response has no body.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer`")))]
    Unauthorized(OAuthProblem),
}

/// The schema that these responses refer to.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(OAuthProblem)))]
pub struct OAuthWords;

/// Maps an error to its OAuth status and code. Returns `None` for an unknown application, because
/// no OAuth endpoint exists there.
fn in_oauth_words(error: &Error) -> Option<(StatusCode, OAuthError)> {
    let (status, code, description) = match error {
        Error::NotFound(_) => return None,
        Error::Forbidden(why) => (StatusCode::FORBIDDEN, ErrorCode::AccessDenied, *why),
        Error::UntrustedOrigin => (
            StatusCode::FORBIDDEN,
            ErrorCode::AccessDenied,
            "the origin is not trusted",
        ),
        Error::Malformed(_) => (
            StatusCode::BAD_REQUEST,
            ErrorCode::InvalidRequest,
            "the body could not be read as application/x-www-form-urlencoded",
        ),
        Error::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::InvalidRequest,
            "the request body is too large",
        ),
        Error::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::InvalidRequest,
            "the request took too long to arrive",
        ),
        Error::Unauthenticated => (
            StatusCode::UNAUTHORIZED,
            ErrorCode::InvalidToken,
            "the access token is invalid",
        ),
        Error::TooManyRequests { .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::TemporarilyUnavailable,
            "too many requests or failed attempts from this network",
        ),
        Error::Unavailable(_) | Error::Collision => (
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::TemporarilyUnavailable,
            "try again shortly",
        ),
        Error::OutcomeUnknown(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::ServerError,
            problem::OUTCOME_UNKNOWN,
        ),
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::ServerError,
            "internal server error",
        ),
    };
    Some((status, OAuthError::new(code, description)))
}

/// Returns the OAuth body of `error`, or `None` for an unknown application.
pub fn problem(error: &Error) -> Option<OAuthProblem> {
    in_oauth_words(error).map(|(_, told)| told.into())
}

impl From<OAuthError> for OAuthProblem {
    fn from(told: OAuthError) -> Self {
        Self {
            error: told.code.as_str(),
            error_description: told.description,
        }
    }
}

/// Returns the authentication scheme that a 401 must name (RFC 6749, section 5.2; RFC 6750,
/// section 3).
fn challenge(error: &OAuthError) -> Option<&'static str> {
    match error.code {
        ErrorCode::InvalidClient => Some(r#"Basic realm="keymoor""#),
        ErrorCode::InvalidToken => Some(r#"Bearer realm="keymoor", error="invalid_token""#),
        _ => None,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (why, failure) = Refusal::of_failure(self);
        let mut response = match failure {
            Self::Refused(told) | Self::Because(_, told) => {
                let status = StatusCode::from_u16(told.code.status());
                refusal(status.expect("codes have valid statuses"), told)
            }
            Self::Failed(error) => match in_oauth_words(&error) {
                None => error.into_response(),
                Some((status, told)) => with_retry(refusal(status, told), &error),
            },
        };
        response.extensions_mut().insert(why);
        response
    }
}

fn refusal(status: StatusCode, told: OAuthError) -> Response {
    let challenge = challenge(&told);
    let mut response = (status, Json(OAuthProblem::from(told))).into_response();
    if let Some(challenge) = challenge {
        let challenge = HeaderValue::from_static(challenge);
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn with_retry(mut response: Response, error: &Error) -> Response {
    if let Some(seconds) = problem::retry_after(error) {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c9_a_body_that_came_too_slowly_is_refused_in_the_words_of_oauth() {
        let response = Failure::from(Error::TooSlow).into_response();
        assert_eq!(response.status(), 408);
        let (_, told) = in_oauth_words(&Error::TooSlow).unwrap();
        assert_eq!(told.code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_commit_that_was_cut_off_is_told_apart_from_a_failure() {
        let (status, told) = in_oauth_words(&Error::OutcomeUnknown("hunter2".into())).unwrap();
        assert_eq!(status, 500);
        assert_eq!(told.description, problem::OUTCOME_UNKNOWN);
    }

    #[test]
    fn c9_what_the_log_may_hold_never_reaches_the_client() {
        for error in [
            Error::Internal("disk at /dev/sda".into()),
            Error::Unavailable("10.0.0.1".into()),
            Error::Malformed("secret".into()),
        ] {
            let (_, told) = in_oauth_words(&error).unwrap();
            for hidden in ["/dev/sda", "10.0.0.1", "secret"] {
                assert!(!told.description.contains(hidden), "{told}");
            }
        }
    }
}
