//! [`Db`]: either database behind one interface.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::options::Options;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::statement::{Rx, Tx};
use crate::stats::Stats;
use crate::url::DatabaseUrl;

/// The database. Clones share it.
///
/// `E` is the error type of the closures passed to [`Db::write`], [`Db::read`] and [`Db::scan`].
/// Database errors are converted to it.
pub struct Db<E> {
    pub(crate) engine: Arc<Engine>,
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
    /// Opens the database and creates a missing SQLite file. PostgreSQL is not contacted before the
    /// first statement.
    ///
    /// Takes no lock: see [`DbLock`](crate::DbLock). Like every method here, it must be called
    /// inside a Tokio runtime.
    pub fn open(options: &Options) -> Result<Self> {
        Self::open_by(options, |path, stats| {
            Sqlite::open(path, options.patience, stats)
        })
    }

    /// Opens the database read-only. SQLite rejects writes with [`Error::Closed`], and its file is
    /// neither created nor switched to WAL. PostgreSQL is opened as usual.
    pub fn open_read_only(options: &Options) -> Result<Self> {
        Self::open_by(options, |path, _| Ok(Sqlite::open_read_only(path)))
    }

    fn open_by(
        options: &Options,
        open_sqlite: impl FnOnce(&Path, Stats) -> Result<Sqlite>,
    ) -> Result<Self> {
        let stats = Stats::default();
        let engine = match &options.url {
            DatabaseUrl::Sqlite(path) => Engine::Sqlite(open_sqlite(path, stats.clone())?),
            DatabaseUrl::Postgres(url) => {
                Engine::Postgres(Postgres::open(url, options, stats.clone())?)
            }
        };
        Ok(Self {
            engine: Arc::new(engine),
            stats,
            error: PhantomData,
        })
    }

    /// Returns the counters since the database was opened.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Returns the number of queued writes; on PostgreSQL, of callers waiting for a connection.
    pub fn queue_length(&self) -> usize {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.writer.queue_length(),
            Engine::Postgres(postgres) => postgres.queue_length(),
        }
    }

    /// Checks that a transaction can run now; on SQLite, also that the writer thread responds.
    pub async fn health(&self) -> Result<()> {
        self.engine
            .write(async |tx| {
                tx.one::<i64>("SELECT CAST(1 AS BIGINT)", &())
                    .await
                    .map(drop)
            })
            .await
    }

    /// Finishes queued and running work, then closes every connection. Later calls fail with
    /// [`Error::Closed`].
    pub async fn close(&self) {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(postgres) => postgres.close().await,
        }
    }

    /// Returns when no write can ever succeed again: after [`Db::close`], or when SQLite's writer
    /// thread has died. PostgreSQL reconnects automatically.
    pub async fn stopped(&self) {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.writer.stopped().await,
            Engine::Postgres(_) => std::future::pending().await,
        }
    }
}

impl<E: From<Error> + Send + 'static> Db<E> {
    /// Runs `work` in a transaction, and returns when it is durable or rolled back. See the rules
    /// for closures in the [crate]'s documentation.
    ///
    /// A panic inside rolls the transaction back and continues in the caller.
    pub async fn write<T, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.engine.write(work).await
    }

    /// Runs `work` once; each of its statements sees what is committed when the statement runs.
    /// `work` may borrow, and may await only its statements.
    ///
    /// On SQLite it blocks this thread, so use it for point reads and pages. Use [`Db::scan`] for
    /// everything else.
    pub async fn read<T, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E>,
    {
        self.engine.read(work).await
    }

    /// Runs `work` like [`Db::read`], for statements that scan many rows. It uses a blocking thread
    /// and separate connections, so that point reads don't queue behind it.
    pub async fn scan<T, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
    {
        match &*self.engine {
            Engine::Postgres(postgres) => Box::pin(postgres.scan(work)).await,
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

pub(crate) enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Generic over the error, because this crate's own transactions use its own.
impl Engine {
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
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

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
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
