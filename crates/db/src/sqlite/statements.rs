//! Statements on one connection.

use rusqlite::Connection;

use super::constraints;
use crate::error::{Error, Result};
use crate::row::{Cells, Columns, FromRow, Names, Row};
use crate::value::Value;

pub(crate) fn batch(conn: &Connection, sql: &str) -> Result<()> {
    conn.execute_batch(sql)
        .map_err(|error| constraints::name(conn, error))
}

pub(crate) fn exec(conn: &Connection, sql: &str, values: &[Value<'_>]) -> Result<u64> {
    let run = || {
        let mut statement = conn.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        Ok(statement.raw_execute()?)
    };
    run()
        .map(|rows| rows as u64)
        .map_err(|failure: Failure| failure.named(conn))
}

pub(crate) fn query<T: FromRow>(
    conn: &Connection,
    sql: &str,
    values: &[Value<'_>],
) -> Result<Vec<T>> {
    let run = || {
        let mut statement = conn.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        let places = Columns::places_of::<T>(Names::Sqlite(&statement))?;
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(T::from_row(&mut Row::new(Cells::Sqlite(row), &places))?);
        }
        Ok(found)
    };
    run().map_err(|failure: Failure| failure.named(conn))
}

enum Failure {
    Sqlite(rusqlite::Error),
    Ours(Error),
}

impl Failure {
    fn named(self, conn: &Connection) -> Error {
        match self {
            Self::Sqlite(error) => constraints::name(conn, error),
            Self::Ours(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// Binds `$n` to the `n`th value, whatever the order in the text.
///
/// SQLite treats `$2` as a name and numbers names by first appearance. Bound by position, `SELECT
/// $2, $1` would return its values in a different order than on PostgreSQL.
fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value<'_>]) -> Result<(), Failure> {
    let mismatch = Error::Parameters {
        given: values.len(),
    };
    if statement.parameter_count() != values.len() {
        return Err(mismatch.into());
    }
    for slot in 1..=values.len() {
        let number = statement
            .parameter_name(slot)
            .and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let Some(value) = number.and_then(|n| values.get(n.checked_sub(1)?)) else {
            return Err(mismatch.into());
        };
        statement.raw_bind_parameter(slot, value)?;
    }
    Ok(())
}
