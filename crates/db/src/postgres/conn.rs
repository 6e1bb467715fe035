//! One connection to PostgreSQL, and the transaction that it is in.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::Object;
use futures_util::TryStreamExt;
use futures_util::future::join;
use tokio::runtime::Handle;
use tokio_postgres::Statement;
use tracing::warn;

use crate::error::{Error, Result};
use crate::row::{Cells, Columns, FromRow, Names, Row};
use crate::value::Value;

pub(super) enum Phase {
    /// Each statement is its own transaction.
    None,
    /// BEGIN goes out together with the first statement and costs no round trip.
    BeforeBegin,
    Begun,
}

pub(crate) struct Conn {
    /// `None` once it is back in the pool.
    object: Option<Object>,
    phase: Phase,
    pub(super) in_statement: Arc<AtomicBool>,
    collided: bool,
}

pub(super) enum Ended<T, E> {
    For(Result<T, E>),
    InCollision,
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
    pub(super) fn new(object: Object, phase: Phase) -> Self {
        Self {
            object: Some(object),
            phase,
            in_statement: Arc::default(),
            collided: false,
        }
    }

    pub(crate) async fn exec(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        let _in_statement = InStatement::enter(&self.in_statement);
        let outcome = self.try_exec(sql, values).await;
        self.note_collision(outcome)
    }

    pub(crate) async fn query<T: FromRow>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<T>> {
        let _in_statement = InStatement::enter(&self.in_statement);
        let outcome = self.try_query(sql, values).await;
        self.note_collision(outcome)
    }

    pub(crate) async fn batch(&mut self, sql: &str) -> Result<()> {
        let _in_statement = InStatement::enter(&self.in_statement);
        let begins = self.begins();
        let client = self.object()?;
        let outcome = with_begin(begins, client, async {
            Ok(client.batch_execute(sql).await?)
        });
        let outcome = outcome.await;
        self.note_collision(outcome)
    }

    async fn try_exec(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        let statement = prepare(self.object()?, sql, values).await?;
        let begins = self.begins();
        let client = self.object()?;
        let run = async { Ok(client.execute_raw(&statement, values).await?) };
        with_begin(begins, client, run).await
    }

    async fn try_query<T: FromRow>(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<T>> {
        let statement = prepare(self.object()?, sql, values).await?;
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

    /// Detected here rather than from the closure's result, which may be the closure's own error.
    fn note_collision<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.collided |= matches!(outcome, Err(Error::Conflict));
        outcome
    }

    pub(super) async fn end<T, E: From<Error>>(mut self, outcome: Result<T, E>) -> Ended<T, E> {
        if outcome.is_ok() {
            return match self.commit().await {
                Ok(()) => Ended::For(outcome),
                Err(Error::Conflict) => Ended::InCollision,
                Err(error) => Ended::For(Err(error.into())),
            };
        }
        self.roll_back().await;
        if self.collided {
            Ended::InCollision
        } else {
            Ended::For(outcome)
        }
    }

    async fn commit(&mut self) -> Result<()> {
        if !matches!(self.phase, Phase::Begun) {
            return Ok(());
        }
        let outcome = self.object()?.batch_execute("COMMIT").await;
        self.phase = Phase::None;
        outcome.map_err(|error| match Error::from(error) {
            // The server rejected the commit, so the outcome is known.
            known @ (Error::Conflict
            | Error::Unique { .. }
            | Error::ForeignKey
            | Error::Check { .. }) => known,
            error => Error::Commit(error.to_string()),
        })
    }

    async fn roll_back(&mut self) {
        if !matches!(self.phase, Phase::Begun) {
            return;
        }
        let Some(object) = &self.object else { return };
        let rolled_back = object.batch_execute("ROLLBACK").await;
        self.phase = Phase::None;
        if let (Err(error), Some(object)) = (rolled_back, self.object.take()) {
            warn!(error = %Error::from(error), "a connection could not be rolled back");
            discard(object);
        }
    }
}

impl Drop for Conn {
    /// The caller was dropped midway: the connection returns to the pool once it is clean.
    fn drop(&mut self) {
        if !matches!(self.phase, Phase::Begun) {
            return;
        }
        let Some(object) = self.object.take() else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            discard(object);
            return;
        };
        runtime.spawn(async move {
            if object.batch_execute("ROLLBACK").await.is_err() {
                discard(object);
            }
        });
    }
}

/// Closes the connection and lets the pool open another.
fn discard(object: Object) {
    drop(Object::take(object));
}

async fn prepare(client: &Object, sql: &str, values: &[Value<'_>]) -> Result<Statement> {
    let statement = client.prepare_cached(sql).await?;
    if statement.params().len() == values.len() {
        Ok(statement)
    } else {
        Err(Error::Parameters {
            given: values.len(),
        })
    }
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
