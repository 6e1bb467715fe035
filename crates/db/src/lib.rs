//! Storage: one SQL text for two databases. Only this crate distinguishes them.
//!
//! [`Db::write`] is the only way to write. Its closure runs inside its own transaction. On
//! SQLite it runs on the writer thread, which commits many closures at once. On PostgreSQL it runs
//! on the caller's task, and again after a collision with another transaction. Hence the rules for
//! closures:
//!
//! 1. Verify, hash, generate randomness, read the clock and create ids beforehand, and capture the
//!    results: the closure may run more than once.
//! 2. Await nothing but the transaction ([`Error::ForeignAwait`]), and have no other effect.
//! 3. Own what is captured, and use it by reference inside.
//! 4. Never continue after a statement's error ([`Error::Aborted`]). To tolerate a duplicate, write
//!    `INSERT … ON CONFLICT (…) DO NOTHING RETURNING …` and check the `Option`.
//! 5. An `Err` rolls everything back. What must survive a rejection, such as an audit event,
//!    belongs to an `Ok` that reports the rejection.
//! 6. Decide by the guarded statement's own RETURNING or by [`Tx::claim`], not by an earlier SELECT.
//! 7. Stay under a millisecond or a hundred rows; sweeps run in slices, one `write` each.
//! 8. No transaction control, PRAGMA, ATTACH or `OR ROLLBACK` in SQL.
//! 9. After [`Error::Commit`] it is unknown whether the transaction was committed.
//! 10. Give [`Tx::post`] only what no later statement depends on. What travels together sees the same
//!     snapshot, so no two statements of it may change one row, and nobody learns whether a posted
//!     UPDATE found its row.
//!
//! SQL that both databases support: number parameters `$1` to `$n` in any order; write
//! `CAST($1 AS BIGINT)` where nothing else determines the type, and `CAST(SUM(x) AS BIGINT)`; name
//! an expression by AS where a struct reads it ([`record!`]); don't rely on LIKE's case or on where
//! NULLs sort.

mod backup;
mod database;
mod error;
mod examine;
mod foreign_await;
mod migrate;
mod options;
mod params;
mod postgres;
mod record;
mod row;
mod sqlite;
mod statement;
mod stats;
mod unready;
mod url;
mod value;

pub mod tls;

#[cfg(any(test, feature = "testing"))]
mod recorder;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use backup::backup;
pub use database::Db;
pub use error::{Error, Result};
pub use migrate::Migration;
pub use options::Options;
pub use params::{Params, Values};
pub use row::{Columns, FromRow, Row};
pub use statement::{Rx, Sql, Tx};
pub use stats::Stats;
pub use unready::Unready;
pub use url::{DatabaseUrl, DbLock, ParseDatabaseUrlError, PostgresUrl, lock_path};
pub use value::{Column, Json, Param, Text, Value};
