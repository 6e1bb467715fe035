//! The one error type of the server. It knows nothing of HTTP; `http::problem` gives it a status.
//!
//! What a caller may read and what only the log may hold are different fields, so that the
//! private half cannot be shown by accident.

use std::fmt;

use crate::base::names::named;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body or a parameter could not be read at all.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// The request was read, and these fields are wrong.
    #[error("invalid parameters: {0:?}")]
    Invalid(Vec<FieldViolation>),
    /// No credentials, or none that are valid.
    #[error("unauthenticated")]
    Unauthenticated,
    /// Valid credentials that do not suffice. The text is for the caller.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// The page that asks is not of an origin that the config trusts.
    #[error("untrusted origin")]
    UntrustedOrigin,
    /// The thing does not exist, or the caller may not know that it does.
    #[error("{0} not found")]
    NotFound(Resource),
    /// The thing is in a state, or has a neighbour, that forbids this.
    #[error("conflict: {message}")]
    Conflict {
        message: String,
        resource: Option<Resource>,
    },
    /// The thing has ended, so that nothing can be done with it any more.
    #[error("{} is {ending}", kind.noun)]
    Ended {
        kind: Kind,
        id: String,
        ending: Ending,
    },
    /// Well-formed, and impossible for what it names.
    #[error("unprocessable: {message}")]
    Unprocessable { message: String, resource: Resource },
    #[error("method not allowed")]
    MethodNotAllowed,
    #[error("body too large")]
    TooLarge,
    #[error("the request took too long to arrive")]
    TooSlow,
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// Refused for its frequency; the caller may come back after this many seconds.
    #[error("too many requests")]
    TooManyRequests { retry_after: u32 },
    /// A freshly drawn id was taken; `with_fresh_ids!` draws another.
    #[error("a fresh id was taken")]
    Collision,
    /// Refused because something that we need is down or full; worth retrying.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Nobody knows whether what was asked for was done, so trying again may do it twice.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(String),
    /// Something that was sealed does not open, as with another master key. The text says what,
    /// for the log alone.
    #[error("{0} does not open: is the master key right?")]
    Sealed(String),
    /// Our fault. The text is for the log alone.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    pub fn not_found(kind: Kind, id: impl fmt::Display) -> Self {
        Self::NotFound(Resource {
            description: format!("{} not found", kind.noun),
            ..Resource::new(kind, id)
        })
    }

    /// One wrong field.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldViolation::new(field, description)])
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict {
            message: message.into(),
            resource: None,
        }
    }

    /// A conflict with the state of a named thing; `state` becomes the detail's description.
    pub fn conflict_on(
        message: impl Into<String>,
        kind: Kind,
        id: impl fmt::Display,
        state: &str,
    ) -> Self {
        let resource = Resource {
            description: state.to_owned(),
            ..Resource::new(kind, id)
        };
        Self::Conflict {
            message: message.into(),
            resource: Some(resource),
        }
    }
}

impl From<keymoor_db::Error> for Error {
    fn from(error: keymoor_db::Error) -> Self {
        match error {
            // Worth another try by the caller: nothing was kept.
            keymoor_db::Error::Overloaded
            | keymoor_db::Error::Closed
            | keymoor_db::Error::Conflict
            | keymoor_db::Error::OutOfService(_) => Self::Unavailable(error.to_string()),
            keymoor_db::Error::Commit(_) => Self::OutcomeUnknown(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// Evaluates an attempt again while an id that it drew turns out to be taken.
///
/// Ids hold twenty random bits for each millisecond, so under load this happens, and a second
/// draw nearly always succeeds. A macro, since a closure that runs twice and borrows is not
/// `Send` for every lifetime as far as the compiler can tell.
macro_rules! with_fresh_ids {
    ($attempt:expr) => {{
        let mut tries_left = 4;
        loop {
            match $attempt {
                Err($crate::base::error::Error::Collision) if tries_left > 0 => tries_left -= 1,
                outcome => break outcome,
            }
        }
    }};
}
pub(crate) use with_fresh_ids;

/// One wrong field: a dotted path that includes the envelope, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    pub field: String,
    pub description: String,
}

impl FieldViolation {
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            description: description.into(),
        }
    }
}

/// A thing that an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub kind: Kind,
    pub id: String,
    pub description: String,
}

impl Resource {
    pub fn new(kind: Kind, id: impl fmt::Display) -> Self {
        Self {
            kind,
            id: id.to_string(),
            description: String::new(),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.noun)
    }
}

named! {
    /// How something ended that is used once.
    pub enum Ending {
        /// It was used.
        Complete = "complete",
        /// Its time passed.
        Expired = "expired",
        /// It was withdrawn.
        Revoked = "revoked",
    }
}

/// A kind of thing that errors name. A slice declares those that only it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The spelling in `ResourceInfo` details.
    pub type_name: &'static str,
    /// The spelling in messages.
    pub noun: &'static str,
}

impl Kind {
    pub const TENANT: Self = Self::new("Tenant", "tenant");
    pub const REALM: Self = Self::new("Realm", "realm");
    pub const IDENTITY: Self = Self::new("Identity", "identity");
    pub const CREDENTIAL: Self = Self::new("Credential", "credential");
    pub const CREDENTIAL_BINDING_JOB: Self =
        Self::new("CredentialBindingJob", "credential binding job");
    pub const APPLICATION: Self = Self::new("Application", "application");
    pub const AUTHENTICATOR_CONFIG: Self = Self::new("AuthenticatorConfig", "authenticator config");
    pub const ROUTE: Self = Self::new("Route", "route");
    pub const ORIGIN: Self = Self::new("Origin", "origin");

    pub const fn new(type_name: &'static str, noun: &'static str) -> Self {
        Self { type_name, noun }
    }
}
