//! Labels. Their values are few and known in advance.

use std::fmt::{Error, Write as _};
use std::hash::{Hash, Hasher};

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use keymoor_oauth::client::GrantType;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::base::error::Error as AppError;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    route: Route,
    method: &'static str,
    status: &'static str,
}

impl RequestLabels {
    pub(super) fn new(route: Option<MatchedPath>, method: &Method, status: StatusCode) -> Self {
        Self {
            route: Route(route),
            method: name(method),
            status: match status.as_u16() / 100 {
                1 => "1xx",
                2 => "2xx",
                3 => "3xx",
                4 => "4xx",
                _ => "5xx",
            },
        }
    }
}

/// A method as a label. Unknown methods share a label, since clients may send any number of them.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

pub(super) fn grant(grant: GrantType) -> &'static str {
    match grant {
        GrantType::AuthorizationCode => "authorization_code",
        GrantType::ClientCredentials => "client_credentials",
    }
}

/// The template of a path, with names in place of ids. Empty for unknown paths.
#[derive(Clone, Debug)]
struct Route(Option<MatchedPath>);

impl Route {
    fn template(&self) -> &str {
        self.0.as_ref().map_or("", MatchedPath::as_str)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.template() == other.template()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.template().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), Error> {
        // The published spelling of verbs; the router uses another.
        encoder.write_str(&self.template().replace("/~", ":"))
    }
}

/// The outcome of a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Succeeded,
    /// The proof is valid, but policy forbids it.
    Denied,
    /// The proof or the credentials are invalid.
    Refused,
    /// The server failed or is too busy.
    Failed,
}

impl Outcome {
    pub fn of<T>(result: &Result<T, AppError>) -> Self {
        match result {
            Ok(_) => Self::Succeeded,
            Err(error) => Self::of_error(error),
        }
    }

    pub fn of_error(error: &AppError) -> Self {
        match error {
            AppError::Internal(_)
            | AppError::Sealed(_)
            | AppError::OutcomeUnknown(_)
            | AppError::Unavailable(_)
            | AppError::Collision => Self::Failed,
            _ => Self::Refused,
        }
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), Error> {
        encoder.write_str(match self {
            Self::Succeeded => "succeeded",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Failed => "failed",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OutcomeLabels {
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TokenLabels {
    pub(super) grant: &'static str,
    pub(super) outcome: Outcome,
}

/// The result of an attempt to send a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum MailOutcome {
    Sent,
    Postponed,
    GivenUp,
}

impl EncodeLabelValue for MailOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), Error> {
        encoder.write_str(match self {
            Self::Sent => "sent",
            Self::Postponed => "postponed",
            Self::GivenUp => "given_up",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct MailLabels {
    pub(super) outcome: MailOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AddressLabels {
    pub(super) address: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BuildLabels {
    pub(super) version: &'static str,
}
