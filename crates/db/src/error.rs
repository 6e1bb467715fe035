//! Errors of statements and transactions, identical for both databases.

use std::error::Error as _;
use std::io;
use std::path::Path;

use rusqlite::ffi;
use tokio_postgres::error::SqlState;

use crate::unready::Unready;

/// The result of everything in this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A database failure or rejection. Never carries a stored or bound value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A row with this key exists already.
    #[error("unique index {constraint} refuses the row")]
    Unique {
        /// The unique index, or `{table}_pkey` for a primary key.
        constraint: String,
    },
    /// The row refers to a missing row, or another row refers to it. SQLite can't name the foreign
    /// key, so neither database reports it.
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
    /// The transaction collided with others in every attempt.
    #[error("the transaction collided with others too often")]
    Conflict,
    /// The queue or the connection pool is full, or another transaction holds the lock too long.
    /// Nothing ran; the caller may retry in a second.
    #[error("the database is overloaded")]
    Overloaded,
    /// The connection was lost, the database can't be reached yet, or its disk is full or fails.
    /// Nothing is stored; the caller may retry once the cause has passed.
    #[error("the database is out of service: {0}")]
    OutOfService(String),
    /// COMMIT failed. Whether the transaction was committed is unknown.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// An earlier statement failed and aborted the transaction.
    #[error("the transaction was aborted by an earlier error")]
    Aborted,
    /// The closure awaited something other than its transaction.
    #[error("a transaction awaited something else than its own statements")]
    ForeignAwait,
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
    /// A statement that must return a row returned none.
    #[error("the statement gave no row")]
    NoRow,
    /// A statement that may return one row returned several.
    #[error("the statement gave more than one row")]
    ManyRows,
    /// The statement and the parameters bound to it don't match.
    #[error("parameters must be $1 to ${given}, each at least once")]
    Parameters {
        /// How many values were given.
        given: usize,
    },
    /// The row's column count differs from that of the type it is read into.
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
    /// The column's value can't be converted to the type it is read into.
    #[error("column {index} is no {expected}")]
    Column {
        /// Counted from 0.
        index: usize,
        /// The Rust type.
        expected: &'static str,
    },
    /// The database can't be used in its current state; the text gives the operator the reason.
    #[error("{0}")]
    Unfit(String),
    /// The operator must change the database first.
    #[error("{0}")]
    Unready(Unready),
    /// Any other error of the driver or the database.
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
            // The name is wrong or the database does not exist yet: retrying can't fix that.
            SqlState::INVALID_CATALOG_NAME => {
                Self::Unfit(format!("{}: make it with {CREATE_DATABASE}", db.message()))
            }
            SqlState::INSUFFICIENT_PRIVILEGE => Self::Unready(Unready::Denied {
                problem: db.message().to_owned(),
            }),
            // PgBouncer, about a parameter that it can't keep for each client.
            SqlState::PROTOCOL_VIOLATION
                if db.message().contains("unsupported startup parameter") =>
            {
                Self::Unfit(POOLER.to_owned())
            }
            ref code if is_outage(code) => Self::OutOfService(db.message().to_owned()),
            ref code => Self::Other {
                code: code.code().to_owned(),
                message: db.message().to_owned(),
            },
        }
    }
}

/// The statement that creates a suitable database.
pub(crate) const CREATE_DATABASE: &str =
    "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'";

/// Why a connection without the layer's settings is of no use.
pub(crate) const POOLER: &str = "a connection pooler such as PgBouncer drops the settings of Keymoor's connections, among them \
     its timeouts: connect to PostgreSQL itself, since Keymoor has a pool of its own";

/// Returns the error of a file operation, with a fix when only the folder is missing.
pub(crate) fn unfit_file(what: &str, path: &Path, error: &io::Error) -> Error {
    let mend = match path.parent() {
        Some(folder) if !folder.exists() => format!("; make the folder {}", folder.display()),
        _ => String::new(),
    };
    Error::Unfit(format!("can't {what} {}: {error}{mend}", path.display()))
}

/// Returns the reason for a failed connection. Other causes are left out: they could quote a value.
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
    /// Names the columns of a violated unique index, not the index: finding its name requires the
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
