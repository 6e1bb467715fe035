//! Storage: one SQL text, two databases. The only code that knows there are two.
//!
//! [`Db::write`] is the only way to write. Its closure runs inside a transaction of its own: on
//! SQLite on the writer thread, which commits many closures at once; on PostgreSQL on the
//! caller's task, and again when it collided with another. Hence the rules for closures:
//!
//! 1. Verify, hash, draw randomness, read the clock and make ids before, and capture the results:
//!    the closure may run more than once.
//! 2. Await nothing but the transaction ([`Error::ForeignAwait`]), and have no other effect.
//! 3. Own what is captured, and use it by reference inside.
//! 4. Never go on after a statement's error ([`Error::Aborted`]). To tolerate a duplicate, write
//!    `INSERT … ON CONFLICT (…) DO NOTHING RETURNING …` and look at the `Option`.
//! 5. An `Err` undoes everything. What must survive a refusal, such as an audit event, belongs to
//!    an `Ok` that says "refused".
//! 6. Decide by the guarded statement's own RETURNING, not by a SELECT before it.
//! 7. Stay under a millisecond or a hundred rows; sweeps go in slices, a `write` each.
//! 8. No transaction control, PRAGMA, ATTACH or `OR ROLLBACK` in SQL.
//! 9. After [`Error::Commit`] it is not known whether the transaction was kept.
//!
//! SQL that both understand: number parameters `$1` to `$n` in any order; write
//! `CAST($1 AS BIGINT)` where nothing else tells the type, and `CAST(SUM(x) AS BIGINT)`; name
//! an expression by AS where a struct reads it ([`record!`]); don't rely on LIKE's case or on where
//! NULLs sort.

mod backup;
mod error;
mod examine;
mod migrate;
mod params;
mod postgres;
mod record;
mod row;
mod sqlite;
mod statement;
mod stats;
mod tls;
mod url;
mod value;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use backup::backup;
pub use error::{Error, Result};
pub use migrate::Migration;
pub use params::{Params, Values};
pub use row::{Columns, FromRow, Row};
pub use statement::{Rx, Sql, Tx};
pub use stats::Stats;
pub use url::{DatabaseUrl, DbLock, ParseDatabaseUrlError, PostgresUrl, lock_path};
pub use value::{Column, Json, Param, Text, Value};

/// How to reach a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub url: DatabaseUrl,
    /// At most so many connections to PostgreSQL. More than 32 gained nothing where it was
    /// measured. SQLite takes what it needs.
    pub connections: usize,
    /// How long a write may wait for its turn, or anything for a connection, before it is told
    /// [`Error::Overloaded`] instead: nothing runs for a caller who has long given up.
    pub patience: Duration,
}

impl From<DatabaseUrl> for Options {
    fn from(url: DatabaseUrl) -> Self {
        Self {
            url,
            connections: 32,
            // Longer than a group of slow commits, shorter than people and proxies wait.
            patience: Duration::from_secs(5),
        }
    }
}

/// The database. Clones share it.
///
/// `E` is the error of the closures that are given to [`Db::write`], [`Db::read`] and
/// [`Db::scan`]: what the database has to say reaches the caller as one too.
pub struct Db<E> {
    engine: Arc<Engine>,
    stats: Stats,
    error: PhantomData<fn() -> E>,
}

impl<E> Clone for Db<E> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            stats: self.stats.clone(),
            error: PhantomData,
        }
    }
}

impl<E> Db<E> {
    /// Opens the database; makes the file when it is SQLite and absent. PostgreSQL is not
    /// contacted before the first statement.
    ///
    /// Takes no lock: see [`DbLock`]. Must be called, as everything here, inside a Tokio runtime.
    pub fn open(options: &Options) -> Result<Self> {
        Self::open_by(options, |path, stats| {
            sqlite::Sqlite::open(path, options.patience, stats)
        })
    }

    /// Opens the database for reading: SQLite refuses writes as [`Error::Closed`], and its file is
    /// neither made nor switched to WAL. PostgreSQL is opened as ever.
    pub fn open_read_only(options: &Options) -> Result<Self> {
        Self::open_by(options, |path, _| Ok(sqlite::Sqlite::open_read_only(path)))
    }

    fn open_by(
        options: &Options,
        open_sqlite: impl FnOnce(&Path, Stats) -> Result<sqlite::Sqlite>,
    ) -> Result<Self> {
        let stats = Stats::default();
        let engine = match &options.url {
            DatabaseUrl::Sqlite(path) => Engine::Sqlite(open_sqlite(path, stats.clone())?),
            DatabaseUrl::Postgres(url) => {
                Engine::Postgres(postgres::Postgres::open(url, options, stats.clone())?)
            }
        };
        Ok(Self {
            engine: Arc::new(engine),
            stats,
            error: PhantomData,
        })
    }

    /// What has been counted since it was opened.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How many writes wait for their turn; on PostgreSQL, whatever waits for a connection.
    pub fn queue_length(&self) -> usize {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.writer.queue_length(),
            Engine::Postgres(postgres) => postgres.queue_length(),
        }
    }

    /// Whether a transaction can be had now: on SQLite, that the writer thread answers too.
    pub async fn health(&self) -> Result<()> {
        self.engine
            .write(async |tx| {
                tx.one::<i64>("SELECT CAST(1 AS BIGINT)", &())
                    .await
                    .map(drop)
            })
            .await
    }

    /// Finishes what is queued or running, then closes every connection. Whatever comes later is
    /// [`Error::Closed`].
    pub async fn close(&self) {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(postgres) => postgres.close().await,
        }
    }

    /// Returns when no write can ever succeed again: after [`Db::close`], or when SQLite's writer
    /// thread has died. PostgreSQL's connections come back by themselves.
    pub async fn stopped(&self) {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.writer.stopped().await,
            Engine::Postgres(_) => std::future::pending().await,
        }
    }
}

impl<E: From<Error> + Send + 'static> Db<E> {
    /// Runs `work` in a transaction, and returns when it is durable or undone. See the rules for
    /// closures in the [crate]'s documentation.
    ///
    /// A panic inside undoes the transaction and continues in the caller.
    pub async fn write<T, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.engine.write(work).await
    }

    /// Runs `work`, which may borrow, once; each of its statements sees what is committed then.
    /// It may await nothing but its statements.
    ///
    /// On SQLite it occupies this thread: for point reads and pages. Everything else goes
    /// through [`Db::scan`].
    pub async fn read<T, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E>,
    {
        self.engine.read(work).await
    }

    /// Like [`Db::read`] for statements that look at many rows: on a thread that may block, with
    /// connections of its own, so that point reads don't queue behind it.
    pub async fn scan<T, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
    {
        match &*self.engine {
            Engine::Postgres(postgres) => postgres.read(work).await,
            Engine::Sqlite(_) => {
                let engine = Arc::clone(&self.engine);
                let scan = move || match &*engine {
                    Engine::Sqlite(sqlite) => sqlite.scanners.read(work),
                    Engine::Postgres(_) => unreachable!("this arm is SQLite's"),
                };
                tokio::task::spawn_blocking(scan)
                    .await
                    .unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
            }
        }
    }
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// With whatever error: this crate's own transactions fail with its own.
impl Engine {
    async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match self {
            Self::Sqlite(sqlite) => sqlite.writer.write(work).await,
            // Boxed here and below, or each request would carry its kilobytes on SQLite too.
            Self::Postgres(postgres) => Box::pin(postgres.write(work)).await,
        }
    }

    async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E>,
        E: From<Error>,
    {
        match self {
            Self::Sqlite(sqlite) => sqlite.readers.read(work),
            Self::Postgres(postgres) => Box::pin(postgres.read(work)).await,
        }
    }
}
