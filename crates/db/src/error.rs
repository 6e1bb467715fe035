//! What can go wrong with a statement or a transaction, in the same words for both databases.

use std::error::Error as _;
use std::io;
use std::path::Path;

use rusqlite::ffi;
use tokio_postgres::error::SqlState;

/// The result of everything in this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the database, or a refusal by it. Never carries a stored or bound value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A row with this key exists already.
    #[error("unique index {constraint} refuses the row")]
    Unique {
        /// The unique index, or `{table}_pkey` for a primary key.
        constraint: String,
    },
    /// The row refers to one that does not exist, or is referred to. SQLite can't say by which
    /// foreign key, so nobody does.
    #[error("a foreign key refuses the row")]
    ForeignKey,
    /// A CHECK constraint does not hold.
    #[error("check {constraint} refuses the row")]
    Check {
        /// The name given to the constraint.
        constraint: String,
    },
    /// A column that must have a value has none.
    #[error("column {column} must not be null")]
    NotNull {
        /// `table.column`.
        column: String,
    },
    /// The transaction kept colliding with others, in every run it was given.
    #[error("the transaction collided with others too often")]
    Conflict,
    /// The queue or the connection pool is full, or somebody else holds the lock too long.
    /// Nothing ran; the caller may try again in a second.
    #[error("the database is overloaded")]
    Overloaded,
    /// The database went away, can't be reached yet, or its disk is full or fails. Nothing is
    /// kept; once that has passed, the caller may try again.
    #[error("the database is out of service: {0}")]
    OutOfService(String),
    /// COMMIT failed. Whether the transaction was kept is not known.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// A statement failed before, and the transaction with it.
    #[error("the transaction was aborted by an earlier error")]
    Aborted,
    /// The closure awaited something else than its transaction.
    #[error("a transaction awaited something else than its own statements")]
    ForeignAwait,
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
    /// A statement that must give a row gave none.
    #[error("the statement gave no row")]
    NoRow,
    /// A statement that may give one row gave several.
    #[error("the statement gave more than one row")]
    ManyRows,
    /// The statement and the parameters bound to it don't match.
    #[error("parameters must be $1 to ${given}, each at least once")]
    Parameters {
        /// How many values were given.
        given: usize,
    },
    /// The row has another number of columns than the type it is read into.
    #[error("{expected} columns were expected, the row has {found}")]
    Columns {
        /// How many the type has.
        expected: usize,
        /// How many the row has.
        found: usize,
    },
    /// The row lacks a column of the type that it is read into.
    #[error("the row has no column {name}")]
    NoColumn {
        /// The column's name.
        name: &'static str,
    },
    /// The column holds something that the type it is read into can't be.
    #[error("column {index} is no {expected}")]
    Column {
        /// Counted from 0.
        index: usize,
        /// The Rust type.
        expected: &'static str,
    },
    /// The database can't be used as it is; the text tells an operator why.
    #[error("{0}")]
    Unfit(String),
    /// Whatever else the driver or the database says.
    #[error("database error: {message}")]
    Other {
        /// SQLSTATE on PostgreSQL, the extended result code on SQLite; empty for the driver's
        /// own errors.
        code: String,
        /// Without the detail in which PostgreSQL quotes values.
        message: String,
    },
}

impl Error {
    pub(crate) fn driver(message: impl ToString) -> Self {
        Self::Other {
            code: String::new(),
            message: message.to_string(),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            let text = with_cause(&error);
            let is_io = error
                .source()
                .is_some_and(<dyn std::error::Error>::is::<io::Error>);
            return if error.is_closed() || is_io {
                Self::OutOfService(text)
            } else {
                Self::driver(text)
            };
        };
        let constraint = || db.constraint().unwrap_or_default().to_owned();
        match *db.code() {
            SqlState::UNIQUE_VIOLATION => Self::Unique {
                constraint: constraint(),
            },
            SqlState::FOREIGN_KEY_VIOLATION => Self::ForeignKey,
            SqlState::CHECK_VIOLATION => Self::Check {
                constraint: constraint(),
            },
            SqlState::NOT_NULL_VIOLATION => Self::NotNull {
                column: [db.table(), db.column()]
                    .map(Option::unwrap_or_default)
                    .join("."),
            },
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Self::Conflict,
            SqlState::TOO_MANY_CONNECTIONS
            | SqlState::LOCK_NOT_AVAILABLE
            | SqlState::QUERY_CANCELED => Self::Overloaded,
            // The operator named it wrong, or has yet to make it: no time will mend that.
            SqlState::INVALID_CATALOG_NAME => {
                Self::Unfit(format!("{}: make it with {CREATE_DATABASE}", db.message()))
            }
            ref code if is_outage(code) => Self::OutOfService(db.message().to_owned()),
            ref code => Self::Other {
                code: code.code().to_owned(),
                message: db.message().to_owned(),
            },
        }
    }
}

/// How a database is made that fits.
pub(crate) const CREATE_DATABASE: &str =
    "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'";

/// What could not be done to a file, and what to do if only its folder is missing.
pub(crate) fn unfit_file(what: &str, path: &Path, error: &io::Error) -> Error {
    let mend = match path.parent() {
        Some(folder) if !folder.exists() => format!("; make the folder {}", folder.display()),
        _ => String::new(),
    };
    Error::Unfit(format!("can't {what} {}: {error}{mend}", path.display()))
}

/// Why there is no connection. The cause of anything else is left out: it could quote a value.
fn with_cause(error: &tokio_postgres::Error) -> String {
    let text = error.to_string();
    match error.source() {
        Some(cause) if cause.is::<io::Error>() || text == "error performing TLS handshake" => {
            format!("{text}: {cause}")
        }
        _ => text,
    }
}

/// PostgreSQL documentation, appendix A: connection exceptions (class 08), insufficient resources
/// (53), operator intervention (57P), system errors (58).
fn is_outage(code: &SqlState) -> bool {
    ["08", "53", "57P", "58"]
        .iter()
        .any(|class| code.code().starts_with(class))
}

impl From<rusqlite::Error> for Error {
    /// Names the columns of a violated unique index, not the index: finding that takes the
    /// connection (see `sqlite::constraints`).
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, text) = error else {
            return Self::driver(error);
        };
        let message = text.unwrap_or_else(|| failure.to_string());
        let subject = || match message.split_once(" constraint failed: ") {
            Some((_, subject)) => subject.to_owned(),
            None => String::new(),
        };
        match failure.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID => Self::Unique {
                constraint: subject(),
            },
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Self::ForeignKey,
            ffi::SQLITE_CONSTRAINT_CHECK => Self::Check {
                constraint: subject(),
            },
            ffi::SQLITE_CONSTRAINT_NOTNULL => Self::NotNull { column: subject() },
            code => match failure.code {
                rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked => {
                    Self::Overloaded
                }
                rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure => {
                    Self::OutOfService(message)
                }
                _ => Self::Other {
                    code: code.to_string(),
                    message,
                },
            },
        }
    }
}
