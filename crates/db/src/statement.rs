//! Statements inside a read or a write: [`Rx`] reads, and [`Tx`] also writes.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::params::{Params, Values};
use crate::postgres::conn as postgres;
use crate::row::FromRow;
use crate::sqlite::statements as sqlite;
use crate::value::Value;

/// The text of one statement.
///
/// Nearly always one `&'static str` for both databases, with parameters `$1`, `$2`, …; where the
/// databases differ, both texts. Text is never assembled from data, hence `'static`.
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    /// What SQLite runs.
    pub sqlite: &'static str,
    /// What PostgreSQL runs.
    pub postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Self {
        Self {
            sqlite: both,
            postgres: both,
        }
    }
}

pub(crate) enum Conn {
    Sqlite(rusqlite::Connection),
    Postgres(postgres::Conn),
}

/// A read: what a closure given to [`Db::read`](crate::Db::read) may use.
///
/// A failed statement ends it: later statements fail with [`Error::Aborted`] on both databases.
pub struct Rx {
    conn: Conn,
    failed: bool,
}

/// A write: what a closure given to [`Db::write`](crate::Db::write) may use.
///
/// Dereferences to the [`Rx`] it contains, so a store function that only reads accepts `&mut Rx`
/// and serves both.
pub struct Tx {
    rx: Rx,
}

impl Deref for Tx {
    type Target = Rx;

    fn deref(&self) -> &Rx {
        &self.rx
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Rx {
        &mut self.rx
    }
}

impl Tx {
    pub(crate) fn new(conn: Conn) -> Self {
        Self { rx: Rx::new(conn) }
    }

    pub(crate) fn into_conn(self) -> Conn {
        self.rx.into_conn()
    }

    /// Runs a statement that returns no rows, and returns the number of rows affected by an INSERT,
    /// UPDATE or DELETE. For other statements the number is meaningless.
    pub async fn exec(
        &mut self,
        sql: impl Into<Sql>,
        params: &(impl Params + ?Sized),
    ) -> Result<u64> {
        self.execute(sql.into(), &Values::of(params)).await
    }

    /// Runs it without the parameters' types, so that it is compiled once.
    async fn execute(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<u64> {
        self.start()?;
        self.record(sql, values);
        let outcome = match &mut self.rx.conn {
            Conn::Sqlite(conn) => sqlite::exec(conn, sql.sqlite, values),
            Conn::Postgres(conn) => conn.exec(sql.postgres, values).await,
        };
        self.finish(outcome)
    }

    /// Runs a guarded statement that changes one row or none, and returns whether it changed one.
    ///
    /// On PostgreSQL the result is at first taken for granted: `true` is returned before the
    /// statement is sent, so that it can travel together with what follows. If it changes no row
    /// after all, nothing is stored and the closure runs again with the true result.
    pub async fn claim(
        &mut self,
        sql: impl Into<Sql>,
        params: &(impl Params + ?Sized),
    ) -> Result<bool> {
        let (sql, values) = (sql.into(), Values::of(params));
        self.start()?;
        self.record(sql, &values);
        let outcome = match &mut self.rx.conn {
            Conn::Sqlite(conn) => {
                sqlite::exec(conn, sql.sqlite, &values).map(|changed| changed == 1)
            }
            Conn::Postgres(conn) => conn.claim(sql.postgres, &values).await,
        };
        self.finish(outcome)
    }

    /// Writes a row on which no later statement of the closure depends.
    ///
    /// On PostgreSQL it travels together with the other [`Tx::post`]s, a [`Tx::claim`] before them
    /// and COMMIT. If one of them fails, nothing is stored and the closure runs again with each
    /// statement sent by itself, so this returns the statement's own error as [`Tx::exec`] does.
    pub async fn post(
        &mut self,
        sql: impl Into<Sql>,
        params: &(impl Params + ?Sized),
    ) -> Result<()> {
        let (sql, values) = (sql.into(), Values::of(params));
        self.start()?;
        self.record(sql, &values);
        let outcome = match &mut self.rx.conn {
            Conn::Sqlite(conn) => sqlite::exec(conn, sql.sqlite, &values).map(drop),
            Conn::Postgres(conn) => conn.post(sql.postgres, &values).await,
        };
        self.finish(outcome)
    }

    /// Lets each statement from here on take up to an hour: those of a migration.
    pub(crate) async fn lift_deadlines(&mut self) -> Result<()> {
        if let Conn::Postgres(conn) = &mut self.rx.conn {
            conn.set_deadline(Duration::from_hours(1));
            self.batch("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;".into())
                .await?;
        }
        Ok(())
    }

    /// Runs several statements without parameters: a migration.
    pub(crate) async fn batch(&mut self, sql: Sql) -> Result<()> {
        self.start()?;
        let outcome = match &mut self.rx.conn {
            Conn::Sqlite(conn) => sqlite::batch(conn, sql.sqlite),
            Conn::Postgres(conn) => conn.batch(sql.postgres).await,
        };
        self.finish(outcome)
    }
}

impl Rx {
    pub(crate) fn new(conn: Conn) -> Self {
        Self {
            conn,
            failed: false,
        }
    }

    pub(crate) fn into_conn(self) -> Conn {
        self.conn
    }

    pub(crate) fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    /// Returns the row of a query that returns at most one, such as an UPDATE's RETURNING.
    ///
    /// Fails with [`Error::ManyRows`] when there is a second.
    pub async fn opt<T: FromRow>(
        &mut self,
        sql: impl Into<Sql>,
        params: &(impl Params + ?Sized),
    ) -> Result<Option<T>> {
        self.query(sql.into(), &Values::of(params), |rows| match rows.len() {
            0 | 1 => Ok(rows.pop()),
            _ => Err(Error::ManyRows),
        })
        .await
    }

    /// Returns the row of a query that always returns exactly one.
    ///
    /// Fails with [`Error::NoRow`] or [`Error::ManyRows`] otherwise.
    pub async fn one<T: FromRow>(
        &mut self,
        sql: impl Into<Sql>,
        params: &(impl Params + ?Sized),
    ) -> Result<T> {
        self.query(sql.into(), &Values::of(params), |rows| match rows.len() {
            0 | 1 => rows.pop().ok_or(Error::NoRow),
            _ => Err(Error::ManyRows),
        })
        .await
    }

    /// Returns all rows of a query that limits itself.
    pub async fn all<T: FromRow>(
        &mut self,
        sql: impl Into<Sql>,
        params: &(impl Params + ?Sized),
    ) -> Result<Vec<T>> {
        self.query(sql.into(), &Values::of(params), |rows| {
            Ok(std::mem::take(rows))
        })
        .await
    }

    /// Runs the statement to its end, also when it is an UPDATE with RETURNING.
    async fn query<T: FromRow, U>(
        &mut self,
        sql: Sql,
        values: &[Value<'_>],
        shape: impl FnOnce(&mut Vec<T>) -> Result<U>,
    ) -> Result<U> {
        self.start()?;
        self.record(sql, values);
        let rows = match &mut self.conn {
            Conn::Sqlite(conn) => sqlite::query(conn, sql.sqlite, values),
            Conn::Postgres(conn) => conn.query(sql.postgres, values).await,
        };
        self.finish(rows.and_then(|mut rows| shape(&mut rows)))
    }

    /// Notes the statement for a test that asks for it.
    #[cfg(any(test, feature = "testing"))]
    fn record(&self, sql: Sql, values: &[Value<'_>]) {
        if let Conn::Postgres(conn) = &self.conn {
            conn.recorder().note(sql.sqlite, values);
        }
    }

    #[cfg(not(any(test, feature = "testing")))]
    #[expect(clippy::unused_self, reason = "tests record")]
    fn record(&self, _: Sql, _: &[Value<'_>]) {}

    /// The text of `sql` that this database runs.
    pub(crate) fn text(&self, sql: Sql) -> &'static str {
        match self.conn {
            Conn::Sqlite(_) => sql.sqlite,
            Conn::Postgres(_) => sql.postgres,
        }
    }

    /// After a failed statement SQLite would continue and commit the rest; PostgreSQL would not.
    /// This check makes both databases reject it. A statement dropped midway counts as failed.
    fn start(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.failed, true) {
            Err(Error::Aborted)
        } else {
            Ok(())
        }
    }

    fn finish<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.failed = outcome.is_err();
        outcome
    }

    /// Returns the closure's outcome, or an error if it ignored a failed statement.
    pub(crate) fn verdict<T, E: From<Error>>(&self, outcome: Result<T, E>) -> Result<T, E> {
        match outcome {
            Ok(_) if self.failed => Err(Error::Aborted.into()),
            outcome => outcome,
        }
    }

    pub(crate) fn forget_failure(&mut self) {
        self.failed = false;
    }
}
