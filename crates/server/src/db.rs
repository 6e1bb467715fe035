//! The database layer of `keymoor-db`, with this server's errors and schema.
//!
//! Read [the rules for closures](keymoor_db) first.

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use keymoor_db::{
    Column, DatabaseUrl, DbLock, Error, FromRow, Json, Migration, Options, Param, Params,
    ParseDatabaseUrlError, Result, Row, Rx, Sql, Stats, Text, Tx, Unready, Value, Values, backup,
    lock_path, record, text_column,
};

/// The database. Its closures return this server's error.
pub type Db = keymoor_db::Db<crate::base::error::Error>;

/// The schema's migrations in order: the pairs of files in `migrations`.
pub const MIGRATIONS: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The schema version that this binary reads and writes.
pub const SCHEMA_VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;
