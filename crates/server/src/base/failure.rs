//! Why an endpoint of OAuth refused or failed.

use keymoor_oauth::error::OAuthError;

use crate::base::error::Error;

/// Why an endpoint has no answer of its own kind.
#[derive(Debug)]
pub enum Failure {
    /// The specification has a word for it.
    Refused(OAuthError),
    /// What can go wrong with any request.
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
