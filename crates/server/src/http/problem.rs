//! Maps errors to HTTP statuses and bodies.
//!
//! The body is `{code, message, details?}`, as published.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::base::error::{Error, FieldViolation, Kind, Resource};
use crate::base::refusal::Refusal;

/// The error body of every endpoint except OAuth's.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// The status's name in lower snake case.
    pub code: &'static str,
    /// What happened, for people.
    pub message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub details: Vec<Detail>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type")]
pub enum Detail {
    FieldViolations {
        field_violations: Vec<Violation>,
    },
    ResourceInfo {
        resource_type: &'static str,
        id: String,
        description: String,
    },
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Violation {
    /// The dotted path of the field, including the envelope.
    pub field: String,
    pub description: String,
}

impl From<FieldViolation> for Violation {
    fn from(violation: FieldViolation) -> Self {
        Self {
            field: violation.field,
            description: violation.description,
        }
    }
}

impl From<Resource> for Detail {
    fn from(resource: Resource) -> Self {
        let Resource {
            kind,
            id,
            description,
        } = resource;
        Self::ResourceInfo {
            resource_type: kind.type_name,
            id,
            description,
        }
    }
}

impl Problem {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Vec::new(),
        }
    }

    fn with(self, detail: impl Into<Detail>) -> Self {
        Self {
            details: vec![detail.into()],
            ..self
        }
    }
}

pub const OUTCOME_UNKNOWN: &str =
    "the outcome of the request is unknown: check the resource before retrying";

/// Returns the status and body of `error`.
pub fn problem(error: Error) -> (StatusCode, Problem) {
    match error {
        Error::Because(because) => problem(because.error),
        Error::Malformed(why) => (
            StatusCode::BAD_REQUEST,
            Problem::new("bad_request", format!("invalid request: {why}")),
        ),
        Error::Invalid(violations) => {
            let field_violations = violations.into_iter().map(Violation::from).collect();
            let problem = Problem::new("bad_request", "invalid parameters");
            (
                StatusCode::BAD_REQUEST,
                problem.with(Detail::FieldViolations { field_violations }),
            )
        }
        Error::Unauthenticated => (
            StatusCode::UNAUTHORIZED,
            Problem::new("unauthorized", "unauthorized"),
        ),
        Error::Forbidden(why) => (StatusCode::FORBIDDEN, Problem::new("forbidden", why)),
        Error::UntrustedOrigin => {
            let problem = Problem::new("forbidden", "the origin is not trusted");
            (
                StatusCode::FORBIDDEN,
                problem.with(Resource::new(Kind::ORIGIN, "")),
            )
        }
        Error::NotFound(resource) => {
            let problem = Problem::new("not_found", format!("{resource} not found"));
            (StatusCode::NOT_FOUND, problem.with(resource))
        }
        Error::Conflict { message, resource } => {
            let problem = Problem::new("conflict", message);
            (StatusCode::CONFLICT, problem.with(resource))
        }
        Error::Ended { kind, id, ending } => {
            let problem = Problem::new("conflict", format!("{} is {ending}", kind.noun));
            let resource = Resource {
                description: ending.to_string(),
                ..Resource::new(kind, id)
            };
            (StatusCode::CONFLICT, problem.with(resource))
        }
        Error::Unprocessable { message, resource } => {
            let problem = Problem::new("unprocessable_entity", message);
            (StatusCode::UNPROCESSABLE_ENTITY, problem.with(resource))
        }
        Error::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            Problem::new("method_not_allowed", "the path doesn't support this method"),
        ),
        Error::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            Problem::new("payload_too_large", "the request body is too large"),
        ),
        Error::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            Problem::new("request_timeout", "the request took too long to arrive"),
        ),
        Error::UnsupportedMediaType => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::new("unsupported_media_type", "the request body must be JSON"),
        ),
        Error::TooManyRequests { .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            Problem::new("too_many_requests", "too many requests"),
        ),
        Error::QueueFull {
            maximum,
            current,
            overage,
        } => {
            let message = format!(
                "Maximum queue size reached. Maximum: {maximum} Current Total: {current} Overage: {overage}"
            );
            (
                StatusCode::TOO_MANY_REQUESTS,
                Problem::new("too_many_requests", message),
            )
        }
        Error::Unavailable(_) | Error::Collision => (
            StatusCode::SERVICE_UNAVAILABLE,
            Problem::new("service_unavailable", "try again shortly"),
        ),
        // Not 503, because many clients retry after a 503.
        Error::OutcomeUnknown(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            Problem::new("internal_server_error", OUTCOME_UNKNOWN),
        ),
        Error::Sealed(_) | Error::Internal(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            Problem::new("internal_server_error", "internal server error"),
        ),
    }
}

/// Returns the seconds to wait before retrying, for errors where a retry can succeed.
pub fn retry_after(error: &Error) -> Option<u32> {
    match error {
        Error::TooManyRequests { retry_after } => Some(*retry_after),
        Error::Unavailable(_) => Some(1),
        _ => None,
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (refusal, error) = Refusal::of(self);
        let retry_after = retry_after(&error);
        let challenge = matches!(error, Self::Unauthenticated);
        let queue = match error {
            Self::QueueFull {
                maximum, current, ..
            } => Some((maximum, maximum - current)),
            _ => None,
        };
        let (status, body) = problem(error);
        let mut response = (status, Json(body)).into_response();
        response.extensions_mut().insert(refusal);
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some((limit, remaining)) = queue {
            headers.insert("ratelimit-limit", HeaderValue::from(limit));
            headers.insert("ratelimit-remaining", HeaderValue::from(remaining));
        }
        if challenge {
            // RFC 6750, section 3: a 401 names the scheme to authenticate with.
            headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_log_may_hold_never_reaches_the_caller() {
        for error in [
            Error::Internal("disk at /dev/sda".into()),
            Error::Unavailable("10.0.0.1".into()),
            Error::OutcomeUnknown("10.0.0.1".into()),
        ] {
            let (_, body) = problem(error);
            let text = serde_json::to_string(&body).unwrap();
            assert!(
                !text.contains("/dev/sda") && !text.contains("10.0.0.1"),
                "{text}"
            );
        }
    }

    #[test]
    fn d3_nobody_is_invited_to_try_again_what_may_have_been_done() {
        let error: Error = crate::db::Error::Commit("the connection broke".into()).into();
        let response = error.into_response();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers().get(RETRY_AFTER), None);
        let overloaded = Error::from(crate::db::Error::Overloaded).into_response();
        assert_eq!(overloaded.status(), 503);
        assert_eq!(overloaded.headers()[RETRY_AFTER], "1");
        let (_, body) = problem(Error::OutcomeUnknown(String::new()));
        insta::assert_json_snapshot!(body, @r#"
        {
          "code": "internal_server_error",
          "message": "the outcome of the request is unknown: check the resource before retrying"
        }
        "#);
    }

    #[test]
    fn bodies_have_the_published_shape() {
        let (status, body) = problem(Error::not_found(Kind::IDENTITY, "0000000000000001"));
        assert_eq!(status, 404);
        insta::assert_json_snapshot!(body, @r#"
        {
          "code": "not_found",
          "message": "identity not found",
          "details": [
            {
              "type": "ResourceInfo",
              "resource_type": "Identity",
              "id": "0000000000000001",
              "description": "identity not found"
            }
          ]
        }
        "#);
        let (status, body) = problem(Error::invalid("job.authenticator_config_id", "missing"));
        assert_eq!(status, 400);
        insta::assert_json_snapshot!(body, @r#"
        {
          "code": "bad_request",
          "message": "invalid parameters",
          "details": [
            {
              "type": "FieldViolations",
              "field_violations": [
                {
                  "field": "job.authenticator_config_id",
                  "description": "missing"
                }
              ]
            }
          ]
        }
        "#);
        let (_, body) = problem(Error::Forbidden("forbidden"));
        insta::assert_json_snapshot!(body, @r#"
        {
          "code": "forbidden",
          "message": "forbidden"
        }
        "#);
    }
}
