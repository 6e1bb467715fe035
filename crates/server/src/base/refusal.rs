//! What the log states about a refused request.

use keymoor_oauth::authorize::{UNKNOWN_CLIENT, UNREGISTERED_REDIRECT_URI};
use keymoor_oauth::client::MISSING_CHALLENGE;
use keymoor_oauth::error::{ErrorCode, OAuthError};

use crate::base::error::{Error, Kind};
use crate::base::failure::Failure;
use crate::base::reason::Reason;

/// The reason of a refusal. Every conversion of an error to a response attaches one to it, and the
/// middleware logs it together with the facts of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    /// More about the reason, only for the log. Never a secret or text of the caller.
    pub detail: Option<String>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            detail: None,
        }
    }
}

impl From<&OAuthError> for Refusal {
    fn from(told: &OAuthError) -> Self {
        Self {
            reason: oauth_reason(told),
            detail: Some(told.description.to_owned()),
        }
    }
}

impl Refusal {
    /// Splits an error into what the log states and what the caller may learn.
    pub fn of(error: Error) -> (Self, Error) {
        // A text, because only the fields that are texts are escaped in the log.
        tracing::debug!(error = error.to_string(), "request rejected");
        let error = match error {
            Error::Because(because) => {
                let refusal = Self {
                    reason: because.reason,
                    detail: because.detail,
                };
                return (refusal, because.error);
            }
            error => error,
        };
        let detail = match &error {
            Error::Internal(cause) | Error::OutcomeUnknown(cause) | Error::Unavailable(cause) => {
                Some(cause.clone())
            }
            Error::Sealed(_) => Some(error.to_string()),
            Error::Forbidden(why) => Some((*why).to_owned()),
            _ => None,
        };
        let reason = reason(&error);
        (Self { reason, detail }, error)
    }

    /// As [`Refusal::of`], for the errors of OAuth endpoints.
    pub fn of_failure(failure: Failure) -> (Self, Failure) {
        match failure {
            Failure::Failed(error) => {
                let (refusal, error) = Self::of(error);
                (refusal, error.into())
            }
            Failure::Because(reason, told) => {
                let refusal = Self {
                    reason,
                    ..Self::from(&told)
                };
                (refusal, told.into())
            }
            Failure::Refused(told) => (Self::from(&told), told.into()),
        }
    }
}

fn reason(error: &Error) -> Reason {
    match error {
        Error::Because(because) => because.reason,
        Error::Malformed(_) => Reason::Malformed,
        Error::Invalid(_) => Reason::InvalidParameters,
        Error::Unauthenticated => Reason::InvalidToken,
        Error::Forbidden(_) => Reason::Forbidden,
        Error::UntrustedOrigin => Reason::UntrustedOrigin,
        Error::NotFound(resource) if resource.kind == Kind::ROUTE => Reason::UnknownRoute,
        Error::NotFound(_) => Reason::NotFound,
        Error::Conflict { .. } => Reason::Conflict,
        Error::Ended { .. } => Reason::EndedLink,
        Error::Unprocessable { .. } => Reason::Unprocessable,
        Error::MethodNotAllowed => Reason::MethodNotAllowed,
        Error::TooLarge => Reason::TooLarge,
        Error::TooSlow => Reason::TooSlow,
        Error::UnsupportedMediaType => Reason::UnsupportedMediaType,
        Error::TooManyRequests { .. } | Error::QueueFull { .. } => Reason::RateLimited,
        Error::Unavailable(_) | Error::Collision => Reason::Unavailable,
        Error::OutcomeUnknown(_) => Reason::OutcomeUnknown,
        Error::Sealed(_) | Error::Internal(_) => Reason::Internal,
    }
}

fn oauth_reason(told: &OAuthError) -> Reason {
    match told.code {
        _ if *told == UNKNOWN_CLIENT => Reason::UnknownClient,
        _ if *told == UNREGISTERED_REDIRECT_URI => Reason::UnregisteredRedirectUri,
        _ if *told == MISSING_CHALLENGE => Reason::MissingPkce,
        ErrorCode::InvalidRequest => Reason::InvalidParameters,
        ErrorCode::UnauthorizedClient => Reason::UnauthorizedClient,
        ErrorCode::AccessDenied => Reason::Forbidden,
        ErrorCode::InvalidScope => Reason::InvalidScope,
        ErrorCode::ServerError => Reason::Internal,
        ErrorCode::TemporarilyUnavailable => Reason::Unavailable,
        ErrorCode::InvalidClient => Reason::WrongClientCredentials,
        ErrorCode::InvalidGrant => Reason::InvalidCode,
        ErrorCode::UnsupportedResponseType
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::RequestNotSupported
        | ErrorCode::RequestUriNotSupported
        | ErrorCode::RegistrationNotSupported => Reason::Unsupported,
        ErrorCode::LoginRequired => Reason::LoginRequired,
        ErrorCode::InvalidToken => Reason::InvalidToken,
        ErrorCode::InsufficientScope => Reason::MissingScope,
    }
}
