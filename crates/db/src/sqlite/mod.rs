//! SQLite: one writer thread that commits in groups, and read-only connections used inline.

mod constraints;
mod inbox;
mod readers;
mod writer;

use std::fs::OpenOptions;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

pub(crate) use readers::Readers;
pub(crate) use writer::Writer;

use crate::error::unfit_file;
use crate::row::{Cells, Columns, Names, Row};
use crate::{Error, FromRow, Result, Stats, Value};

/// Both ends of one database file.
pub(crate) struct Sqlite {
    pub(crate) writer: Writer,
    pub(crate) readers: Readers,
    pub(crate) scanners: Readers,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, patience: Duration, stats: Stats) -> Result<Self> {
        create_private(path).map_err(|error| unfit_file("open", path, &error))?;
        Ok(Self {
            // Turns WAL on, without which readers can't open.
            writer: Writer::start(path, patience, stats)?,
            readers: Readers::new(path),
            scanners: Readers::new(path),
        })
    }

    /// Without a writer.
    pub(crate) fn open_read_only(path: &Path) -> Self {
        Self {
            writer: Writer::none(),
            readers: Readers::new(path),
            scanners: Readers::new(path),
        }
    }

    /// Answers what is queued, then closes every connection.
    pub(crate) async fn close(&self) {
        self.readers.close();
        self.scanners.close();
        self.writer.close().await;
    }
}

/// SQLite would create the file readable by everybody.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn configure(conn: &Connection, cache_mib: i64) -> rusqlite::Result<()> {
    conn.pragma_update(None, "cache_size", -1024 * cache_mib)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // A statement's plan never depends on what is bound, so that no statement is prepared anew
    // when it is run with other values.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(())
}

/// Copies what is committed in one database to a file that is empty.
///
/// `VACUUM INTO` and not the backup API, which in steps starts anew at each write of somebody
/// else, and so never ends beside a busy server.
pub(crate) fn copy(database: &Path, empty: &Path) -> Result<()> {
    let conn = readers::open(database)
        .map_err(|error| Error::Unfit(format!("can't open {}: {error}", database.display())))?;
    let target = empty
        .to_str()
        .ok_or_else(|| Error::Unfit("the path of the copy must be valid Unicode".to_owned()))?;
    conn.execute("VACUUM INTO ?1", [target])?;
    Ok(())
}

/// Polls once. A future that awaits nothing but statements is ready then, for on SQLite they
/// never wait; any other has awaited something foreign.
fn poll_once<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err(Error::ForeignAwait),
    }
}

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
/// To SQLite `$2` is a name, and it numbers names by first appearance: bound by position,
/// `SELECT $2, $1` would give its values in another order than PostgreSQL does.
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
