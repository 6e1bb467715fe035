//! One connection to PostgreSQL, and the transaction that it is in.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use futures_util::TryStreamExt;
use futures_util::future::join;
use tokio::runtime::Handle;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_postgres::Statement;
use tokio_postgres::error::Severity;
use tracing::warn;

use super::assumed::{Assumed, together};
use super::pool::acquire;
use crate::error::{Error, Result};
use crate::row::{Cells, Columns, FromRow, Names, Row};
use crate::value::Value;

pub(super) enum Phase {
    /// Each statement is its own transaction.
    None,
    /// BEGIN goes out together with the first statement and costs no round trip.
    BeforeBegin,
    Begun,
    /// The transaction has ended, or its connection was given up.
    Over,
}

/// Whether an answer is awaited. A dropped caller leaves its statement running.
pub(super) enum Line {
    Idle,
    Busy,
}

pub(crate) struct Conn {
    pub(super) pool: Pool,
    /// `None` before the first statement, and once the connection is back in the pool.
    pub(super) object: Option<Object>,
    pub(super) phase: Phase,
    /// How long each statement may take. A connection that misses it is discarded.
    pub(super) deadline: Duration,
    pub(super) in_statement: Arc<AtomicBool>,
    pub(super) line: Line,
    pub(super) collided: bool,
    /// Whether results are taken for granted where the closure permits it.
    pub(super) is_assuming: bool,
    /// What travels with the next statement that must be answered, or with COMMIT.
    pub(super) assumed: Vec<Assumed>,
    /// Whether something taken for granted was wrong.
    pub(super) is_disproved: bool,
    #[cfg(any(test, feature = "testing"))]
    pub(super) recorder: crate::recorder::Recorder,
}

pub(super) enum Ended<T, E> {
    For(Result<T, E>),
    InCollision,
    /// Something taken for granted was wrong. Nothing is stored.
    Disproved,
}

/// Set while a statement runs, also when its future is dropped half-way.
struct InStatement(Arc<AtomicBool>);

impl InStatement {
    fn enter(flag: &Arc<AtomicBool>) -> Self {
        flag.store(true, Ordering::Relaxed);
        Self(Arc::clone(flag))
    }
}

impl Drop for InStatement {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Conn {
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn recorder(&self) -> &crate::recorder::Recorder {
        &self.recorder
    }

    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    pub(crate) async fn exec(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        let _in_statement = InStatement::enter(&self.in_statement);
        self.catch_up().await?;
        self.line = Line::Busy;
        let outcome = timeout(self.deadline, self.try_exec(sql, values)).await;
        self.settle(outcome)
    }

    pub(crate) async fn query<T: FromRow>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<T>> {
        let _in_statement = InStatement::enter(&self.in_statement);
        self.catch_up().await?;
        self.line = Line::Busy;
        let outcome = timeout(self.deadline, self.try_query(sql, values)).await;
        self.settle(outcome)
    }

    pub(crate) async fn batch(&mut self, sql: &str) -> Result<()> {
        let _in_statement = InStatement::enter(&self.in_statement);
        self.catch_up().await?;
        self.line = Line::Busy;
        let outcome = timeout(self.deadline, self.try_batch(sql)).await;
        self.settle(outcome)
    }

    /// Runs a statement that changes one row or none, and returns whether it did.
    pub(crate) async fn claim(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<bool> {
        if !self.is_assuming {
            return Ok(self.exec(sql, values).await? == 1);
        }
        if !self.assumed.is_empty() {
            let _in_statement = InStatement::enter(&self.in_statement);
            self.catch_up().await?;
        }
        self.assumed.push(Assumed::new(sql, true, values));
        Ok(true)
    }

    /// Runs a statement of which the closure wants to know no more than that it succeeds.
    pub(crate) async fn post(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<()> {
        if !self.is_assuming {
            return self.exec(sql, values).await.map(drop);
        }
        self.assumed.push(Assumed::new(sql, false, values));
        Ok(())
    }

    async fn try_exec(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        let statement = self.prepare(sql, values).await?;
        let begins = self.begins();
        let client = self.object()?;
        let run = async { Ok(client.execute_raw(&statement, values).await?) };
        with_begin(begins, client, run).await
    }

    async fn try_query<T: FromRow>(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<T>> {
        let statement = self.prepare(sql, values).await?;
        let places = Columns::places_of::<T>(Names::Postgres(statement.columns()))?;
        let begins = self.begins();
        let client = self.object()?;
        let run = async {
            let mut rows = pin!(client.query_raw(&statement, values).await?);
            let mut found = Vec::new();
            while let Some(row) = rows.try_next().await? {
                found.push(T::from_row(&mut Row::new(Cells::Postgres(&row), &places))?);
            }
            Ok(found)
        };
        with_begin(begins, client, run).await
    }

    async fn try_batch(&mut self, sql: &str) -> Result<()> {
        let begins = self.begins();
        let client = self.object()?;
        let run = async { Ok(client.batch_execute(sql).await?) };
        with_begin(begins, client, run).await
    }

    async fn try_together(&mut self, assumed: &[Assumed]) -> Result<()> {
        let (sql, values) = together(assumed);
        let statement = self.prepare(&sql, &values).await?;
        let begins = self.begins();
        let client = self.object()?;
        let run = async { Ok(client.execute_raw(&statement, &values).await.map(drop)?) };
        with_begin(begins, client, run).await
    }

    /// Makes ready for a statement that comes after those taken for granted.
    async fn catch_up(&mut self) -> Result<()> {
        let assumed = std::mem::take(&mut self.assumed);
        self.connect().await?;
        if assumed.is_empty() {
            return Ok(());
        }
        self.line = Line::Busy;
        let outcome = timeout(self.deadline, self.try_together(&assumed)).await;
        let outcome = self.settle(outcome);
        self.note_disproof(outcome)
    }

    async fn connect(&mut self) -> Result<()> {
        match (&self.phase, &self.object) {
            (Phase::Over, _) => Err(Error::Aborted),
            (_, Some(_)) => Ok(()),
            (_, None) => {
                self.object = Some(acquire(&self.pool).await?);
                Ok(())
            }
        }
    }

    async fn prepare(&self, sql: &str, values: &[Value<'_>]) -> Result<Statement> {
        #[cfg(any(test, feature = "testing"))]
        self.recorder.note_sent(sql, values);
        let statement = self.object()?.prepare_cached(sql).await?;
        if statement.params().len() == values.len() {
            Ok(statement)
        } else {
            Err(Error::Parameters {
                given: values.len(),
            })
        }
    }

    fn object(&self) -> Result<&Object> {
        self.object.as_ref().ok_or(Error::Aborted)
    }

    fn begins(&mut self) -> bool {
        let begins = matches!(self.phase, Phase::BeforeBegin);
        if begins {
            self.phase = Phase::Begun;
        }
        begins
    }

    /// Collisions are detected here rather than from the closure's result, which may be the
    /// closure's own error.
    fn settle<T>(&mut self, outcome: Result<Result<T>, Elapsed>) -> Result<T> {
        self.line = Line::Idle;
        let Ok(outcome) = outcome else {
            self.give_up();
            return Err(Error::OutOfService(SILENT.to_owned()));
        };
        self.collided |= matches!(outcome, Err(Error::Conflict));
        outcome
    }

    /// One by one the statements give the closure the error of each, or another result.
    fn note_disproof<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.is_disproved |= outcome.as_ref().is_err_and(is_about_a_statement);
        outcome
    }

    pub(super) async fn end<T, E: From<Error>>(mut self, outcome: Result<T, E>) -> Ended<T, E> {
        if outcome.is_ok() {
            return match self.commit().await {
                Ok(()) => Ended::For(outcome),
                Err(Error::Conflict) => Ended::InCollision,
                Err(_) if self.is_disproved => Ended::Disproved,
                Err(error) => Ended::For(Err(error.into())),
            };
        }
        // What was taken for granted may have led to the closure's error.
        let is_disproved = self.is_disproved || !self.assumed.is_empty();
        self.roll_back().await;
        if self.collided {
            Ended::InCollision
        } else if is_disproved {
            Ended::Disproved
        } else {
            Ended::For(outcome)
        }
    }

    async fn commit(&mut self) -> Result<()> {
        let assumed = std::mem::take(&mut self.assumed);
        if assumed.is_empty() && !matches!(self.phase, Phase::Begun) {
            return Ok(());
        }
        self.connect().await?;
        let (sql, values) = together(&assumed);
        let statement = if assumed.is_empty() {
            None
        } else {
            let prepared = timeout(self.deadline, self.prepare(&sql, &values)).await;
            let prepared = self.settle(prepared);
            match self.note_disproof(prepared) {
                Ok(statement) => Some(statement),
                Err(error) => {
                    self.roll_back().await;
                    return Err(error);
                }
            }
        };
        let is_begun = matches!(self.phase, Phase::Begun);
        let last = send_last(self.object()?, statement.as_ref(), values, is_begun);
        let outcome = timeout(self.deadline, last).await;
        let Ok(outcome) = outcome else {
            self.give_up();
            return Err(Error::Commit(SILENT.to_owned()));
        };
        self.phase = Phase::Over;
        match (outcome.map_err(at_commit), statement) {
            (outcome, Some(_)) => self.note_disproof(outcome),
            (outcome, None) => outcome,
        }
    }

    async fn roll_back(&mut self) {
        if !matches!(self.phase, Phase::Begun) {
            return;
        }
        let Some(object) = &self.object else { return };
        let rolled_back = roll_back(object, self.deadline).await;
        self.phase = Phase::Over;
        if let (Err(error), Some(object)) = (rolled_back, self.object.take()) {
            warn!(%error, "a connection could not be rolled back");
            discard(object);
        }
    }

    /// Discards a connection that does not answer.
    fn give_up(&mut self) {
        self.phase = Phase::Over;
        if let Some(object) = self.object.take() {
            warn!("a connection to the database did not answer in time and is closed");
            discard(object);
        }
    }
}

impl Drop for Conn {
    /// The caller was dropped midway: the connection returns to the pool once it is clean.
    fn drop(&mut self) {
        let is_begun = matches!(self.phase, Phase::Begun);
        if !is_begun && matches!(self.line, Line::Idle) {
            return;
        }
        let Some(object) = self.object.take() else {
            return;
        };
        if !is_begun {
            // The next borrower would wait for the statement that still runs.
            discard(object);
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            discard(object);
            return;
        };
        let deadline = self.deadline;
        runtime.spawn(async move {
            if roll_back(&object, deadline).await.is_err() {
                discard(object);
            }
        });
    }
}

const SILENT: &str = "it does not answer in time";

/// Closes the connection and lets the pool open another.
fn discard(object: Object) {
    drop(Object::take(object));
}

async fn roll_back(client: &Object, deadline: Duration) -> Result<()> {
    match timeout(deadline, client.batch_execute("ROLLBACK")).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(Error::OutOfService(SILENT.to_owned())),
    }
}

/// Sends what ends a transaction: the statements taken for granted as one, and COMMIT. Without
/// BEGIN before it, a statement is a transaction by itself.
async fn send_last(
    client: &Object,
    statement: Option<&Statement>,
    values: Vec<Value<'_>>,
    is_begun: bool,
) -> Result<(), tokio_postgres::Error> {
    let commit = client.batch_execute("COMMIT");
    let Some(statement) = statement else {
        return commit.await;
    };
    let run = client.execute_raw(statement, &values);
    if !is_begun {
        return run.await.map(drop);
    }
    // After an error, COMMIT rolls back and does not say so.
    let (ran, committed) = join(run, commit).await;
    ran?;
    committed
}

/// An error that PostgreSQL reports as such has rolled the transaction back. After any other, such
/// as a lost connection or a server that shuts down, the outcome is unknown.
fn at_commit(error: tokio_postgres::Error) -> Error {
    let is_refusal = error
        .as_db_error()
        .is_some_and(|db| db.parsed_severity() == Some(Severity::Error));
    match Error::from(error) {
        known if is_refusal => known,
        error => Error::Commit(error.to_string()),
    }
}

/// Whether the statements themselves caused the error.
fn is_about_a_statement(error: &Error) -> bool {
    !matches!(
        error,
        Error::Conflict
            | Error::Overloaded
            | Error::OutOfService(_)
            | Error::Commit(_)
            | Error::Closed
            | Error::Unfit(_)
    )
}

/// The two are sent in this order and travel together.
async fn with_begin<T>(
    begins: bool,
    client: &Object,
    run: impl Future<Output = Result<T>>,
) -> Result<T> {
    if !begins {
        return run.await;
    }
    let (begun, outcome) = join(client.batch_execute("BEGIN"), run).await;
    begun?;
    outcome
}
