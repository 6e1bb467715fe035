//! Errors of the OAuth endpoints.

use keymoor_oauth::error::OAuthError;

use crate::base::error::Error;
use crate::base::reason::Reason;

/// Why an OAuth endpoint rejected a request or failed.
#[derive(Debug)]
pub enum Failure {
    /// An error defined by the specification.
    Refused(OAuthError),
    /// The same, with a more precise reason for the log.
    Because(Reason, OAuthError),
    /// An error that any request can cause.
    Failed(Error),
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
