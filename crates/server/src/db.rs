//! The database: the layer of `keymoor-db` with this server's errors, and its schema.
//!
//! [The rules for closures](keymoor_db) are the ones to read first.

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use keymoor_db::{
    Column, DatabaseUrl, DbLock, Error, FromRow, Json, Migration, Options, Param, Params,
    ParseDatabaseUrlError, Result, Row, Rx, Sql, Stats, Text, Tx, Value, Values, backup, lock_path,
    record, text_column,
};

/// The database, whose closures fail with this server's error.
pub type Db = keymoor_db::Db<crate::base::error::Error>;

/// What makes the schema, in order: the pairs of files in `migrations`.
pub const MIGRATIONS: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The schema that this binary reads and writes.
pub const SCHEMA_VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;
