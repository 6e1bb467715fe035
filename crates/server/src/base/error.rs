//! The server's error type. It is independent of HTTP: `http::problem` maps it to a status.
//!
//! Public and private texts are different fields, so that a text meant for the log can't reach the
//! caller by accident.

use std::fmt;

use crate::base::names::named;
use crate::base::reason::Reason;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was rejected or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body or a parameter could not be parsed.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// The request was parsed, but these fields are invalid.
    #[error("invalid parameters: {0:?}")]
    Invalid(Vec<FieldViolation>),
    /// The credentials are missing or invalid.
    #[error("unauthenticated")]
    Unauthenticated,
    /// The credentials are valid but insufficient. The text is shown to the caller.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// The request's origin is not one of the config's trusted origins.
    #[error("untrusted origin")]
    UntrustedOrigin,
    /// The resource does not exist, or the caller may not learn that it exists.
    #[error("{0} not found")]
    NotFound(Resource),
    /// The state of the resource, or another resource, forbids the operation.
    #[error("conflict: {message}")]
    Conflict { message: String, resource: Resource },
    /// The resource has ended and can no longer be used.
    #[error("{} is {ending}", kind.noun)]
    Ended {
        kind: Kind,
        id: String,
        ending: Ending,
    },
    /// The request is well-formed, but impossible for the resource that it names.
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
    /// The rate limit is exceeded. The caller may retry after `retry_after` seconds.
    #[error("too many requests")]
    TooManyRequests { retry_after: u32 },
    /// A queue has no room for so many more.
    #[error("the queue is full")]
    QueueFull {
        maximum: i64,
        current: i64,
        overage: i64,
    },
    /// A generated id already exists. `with_fresh_ids!` generates another one.
    #[error("a generated id already exists")]
    Collision,
    /// A dependency is down or overloaded. The caller can retry.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// It is unknown whether the operation was carried out. A retry may repeat it.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(String),
    /// Encrypted data can't be decrypted, for example with a wrong master key. The text names the
    /// data and is only logged.
    #[error("{0} can't be decrypted: check the master key")]
    Sealed(String),
    /// The server failed. The text is only logged.
    #[error("internal error: {0}")]
    Internal(String),
    /// Another error, with a more precise reason for the log. The caller gets the other error.
    #[error("{}", .0.error)]
    Because(Box<Because>),
}

/// An error and its reason.
#[derive(Debug)]
pub struct Because {
    pub error: Error,
    pub reason: Reason,
    /// More about the reason, only for the log. Never a secret or text of the caller.
    pub detail: Option<String>,
}

impl Error {
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// Gives the log a more precise reason than the error itself.
    pub fn because(self, reason: Reason) -> Self {
        let error = self;
        Self::Because(Box::new(Because {
            error,
            reason,
            detail: None,
        }))
    }

    /// As [`Error::because`], with more for the log. `detail` has no secret and no text of the
    /// caller.
    pub fn because_of(self, reason: Reason, detail: impl fmt::Display) -> Self {
        let error = self;
        Self::Because(Box::new(Because {
            error,
            reason,
            detail: Some(detail.to_string()),
        }))
    }

    pub fn not_found(kind: Kind, id: impl fmt::Display) -> Self {
        Self::NotFound(Resource {
            description: format!("{} not found", kind.noun),
            ..Resource::new(kind, id)
        })
    }

    /// One invalid field.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldViolation::new(field, description)])
    }

    /// A conflict with the state of a resource, or with another resource, whose id may be empty.
    /// `state` becomes the detail's description.
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
            resource,
        }
    }
}

impl From<keymoor_db::Error> for Error {
    fn from(error: keymoor_db::Error) -> Self {
        match error {
            // The caller can retry: nothing was committed.
            keymoor_db::Error::Overloaded
            | keymoor_db::Error::Closed
            | keymoor_db::Error::Conflict
            | keymoor_db::Error::OutOfService(_) => Self::Unavailable(error.to_string()),
            keymoor_db::Error::Commit(_) => Self::OutcomeUnknown(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// Retries `$attempt` while an id that it generates already exists.
///
/// An id has 20 random bits per millisecond, so collisions happen under load. The second attempt
/// nearly always succeeds. This is a macro because the compiler can't prove that a borrowing
/// closure called twice is `Send` for every lifetime.
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

/// An invalid field: its dotted path, including the envelope, and the reason.
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

/// The resource that an error is about.
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
    /// How a single-use resource ended.
    pub enum Ending {
        /// It was used.
        Complete = "complete",
        /// It expired.
        Expired = "expired",
        /// It was revoked.
        Revoked = "revoked",
    }
}

/// A kind of resource named in errors. A slice declares the kinds that only it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name in `ResourceInfo` details.
    pub type_name: &'static str,
    /// The name in messages.
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
