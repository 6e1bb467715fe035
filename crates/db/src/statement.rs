//! Statements inside a read or a write: [`Rx`], and [`Tx`] which may also change things.

use std::ops::{Deref, DerefMut};

use crate::error::{Error, Result};
use crate::params::{Params, Values};
use crate::postgres::conn as postgres;
use crate::row::FromRow;
use crate::sqlite::statements as sqlite;
use crate::value::Value;

/// The text of one statement.
///
/// Nearly always one `&'static str` for both databases, with parameters `$1`, `$2`, …; where they
/// truly differ, both texts side by side. Text is never assembled from data, hence `'static`.
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
/// A statement that fails ends it: whatever follows is [`Error::Aborted`], on both databases.
pub struct Rx {
    conn: Conn,
    failed: bool,
}

/// A write: what a closure given to [`Db::write`](crate::Db::write) may use.
///
/// Lends itself as the [`Rx`] it contains, so a store function that only reads takes `&mut Rx`
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

    /// Runs a statement that gives no rows, and says how many rows an INSERT, UPDATE or DELETE
    /// touched; of anything else the number means nothing.
    pub async fn exec(
        &mut self,
        sql: impl Into<Sql>,
        params: &(impl Params + ?Sized),
    ) -> Result<u64> {
        self.execute(sql.into(), &Values::of(params)).await
    }

    /// Without the types of the parameters, so as to be compiled once.
    async fn execute(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<u64> {
        self.start()?;
        let outcome = match &mut self.rx.conn {
            Conn::Sqlite(conn) => sqlite::exec(conn, sql.sqlite, values),
            Conn::Postgres(conn) => conn.exec(sql.postgres, values).await,
        };
        self.finish(outcome)
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

    /// The row of a query that gives one at most, such as an UPDATE's RETURNING.
    ///
    /// [`Error::ManyRows`] when there is a second.
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

    /// The row of a query that always gives exactly one.
    ///
    /// [`Error::NoRow`] or [`Error::ManyRows`] when it does not.
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

    /// All rows of a query that limits itself.
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
        let rows = match &mut self.conn {
            Conn::Sqlite(conn) => sqlite::query(conn, sql.sqlite, values),
            Conn::Postgres(conn) => conn.query(sql.postgres, values).await,
        };
        self.finish(rows.and_then(|mut rows| shape(&mut rows)))
    }

    /// The text of `sql` that this database runs.
    pub(crate) fn text(&self, sql: Sql) -> &'static str {
        match self.conn {
            Conn::Sqlite(_) => sql.sqlite,
            Conn::Postgres(_) => sql.postgres,
        }
    }

    /// SQLite would go on after a failed statement and commit the rest, PostgreSQL would not:
    /// this makes both refuse. A statement that was dropped half-way counts as failed.
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

    /// A closure's verdict, unless it overlooked that a statement failed.
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
