//! PostgreSQL: a pool, one transaction per write, run again when it collided with another.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
    Timeouts,
};
use futures_util::TryStreamExt;
use futures_util::future::join;
use tokio::runtime::Handle;
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio_postgres::{Config, Statement};
use tracing::warn;

use crate::row::{Cells, Columns, Names, Row};
use crate::statement::{self, Rx, Tx};
use crate::tls::Tls;
use crate::{Error, FromRow, Options, PostgresUrl, Result, Stats, Value};

/// How often a transaction that collides with others runs before its caller is told.
const RUNS: u32 = 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After so long a silence the network is asked whether the server is still there, and what it
/// has not acknowledged by then is given up.
const DEAD_PEER: Duration = Duration::from_secs(20);
/// A transaction is milliseconds long: these bound what a stuck one can hold up.
const SESSION: &str = "-c statement_timeout=30s -c lock_timeout=10s \
                       -c idle_in_transaction_session_timeout=30s";

pub(crate) struct Postgres {
    pool: Pool,
    stats: Stats,
    /// Held for reading by whatever runs, so that closing waits for it.
    open: RwLock<bool>,
}

impl Postgres {
    /// Does not connect yet: the first statement does.
    pub(crate) fn open(url: &PostgresUrl, options: &Options, stats: Stats) -> Result<Self> {
        let tls = Tls::new(&url.certificates)?;
        let mut config = url.config.clone();
        // What an operator set in the URL comes later and so wins.
        config.options(match config.get_options() {
            Some(given) => format!("{SESSION} {given}"),
            None => SESSION.to_owned(),
        });
        if config.get_application_name().is_none() {
            config.application_name("keymoor");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(DEAD_PEER);
        }
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(DEAD_PEER);
        }
        // Whom TLS is spoken to has to be said.
        if config.get_hosts().is_empty() {
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let pool = Pool::builder(Manager::from_config(config, tls, recycling))
            .max_size(options.connections)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(options.patience),
                create: Some(options.patience),
                recycle: Some(options.patience),
            })
            .build()
            .map_err(Error::driver)?;
        Ok(Self {
            pool,
            stats,
            open: RwLock::new(true),
        })
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E>,
        E: From<Error>,
    {
        let _running = self.running().await?;
        for run in 1..=RUNS {
            let conn = Conn::new(self.connection().await?, Phase::BeforeBegin);
            let in_statement = Arc::clone(&conn.in_statement);
            let mut tx = Tx::new(statement::Conn::Postgres(conn));
            let outcome = await_only_statements(work(&mut tx), &in_statement)
                .await
                .unwrap_or_else(|foreign_await| Err(foreign_await.into()));
            let outcome = tx.verdict(outcome);
            let statement::Conn::Postgres(conn) = tx.into_conn() else {
                unreachable!("it was made with PostgreSQL three lines above");
            };
            let began = Instant::now();
            match conn.end(outcome).await {
                Ended::For(outcome) => {
                    if outcome.is_ok() {
                        let took = began.elapsed();
                        self.stats.commit_seconds.observe(took.as_secs_f64());
                    }
                    return outcome;
                }
                Ended::InCollision => {
                    self.stats.collisions.inc();
                    tokio::time::sleep(back_off(run)).await;
                }
            }
        }
        Err(Error::Conflict.into())
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E>,
        E: From<Error>,
    {
        let _running = self.running().await?;
        let conn = Conn::new(self.connection().await?, Phase::None);
        let in_statement = Arc::clone(&conn.in_statement);
        let mut rx = Rx::new(statement::Conn::Postgres(conn));
        let outcome = await_only_statements(work(&mut rx), &in_statement)
            .await
            .unwrap_or_else(|foreign_await| Err(foreign_await.into()));
        rx.verdict(outcome)
    }

    /// Waits until nothing runs, then closes every connection.
    pub(crate) async fn close(&self) {
        *self.open.write().await = false;
        self.pool.close();
    }

    pub(crate) fn queue_length(&self) -> usize {
        self.pool.status().waiting
    }

    async fn running(&self) -> Result<RwLockReadGuard<'_, bool>> {
        let open = self.open.read().await;
        if *open { Ok(open) } else { Err(Error::Closed) }
    }

    async fn connection(&self) -> Result<Object> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => Error::Overloaded,
            PoolError::Timeout(_) => Error::OutOfService("it does not answer in time".to_owned()),
            PoolError::Closed => Error::Closed,
            PoolError::Backend(error) => match error.into() {
                known @ (Error::Overloaded | Error::OutOfService(_) | Error::Unfit(_)) => known,
                // No connection, so nothing ran: whatever kept it away may pass.
                error => Error::OutOfService(error.to_string()),
            },
            other => Error::driver(other),
        })
    }
}

/// Fails as soon as `future` waits while no statement runs. PostgreSQL would not mind, but
/// SQLite's writer thread can't wait, and a closure must not work on one of them only.
async fn await_only_statements<T>(
    future: impl Future<Output = T>,
    in_statement: &AtomicBool,
) -> Result<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Ok(value)),
        Poll::Pending if in_statement.load(Ordering::Relaxed) => Poll::Pending,
        Poll::Pending => Poll::Ready(Err(Error::ForeignAwait)),
    })
    .await
}

/// Doubles from 1 ms. The spread has to differ between those that collided, nothing more, so
/// it needs no randomness.
fn back_off(run: u32) -> Duration {
    static TURN: AtomicU64 = AtomicU64::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let spread = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    Duration::from_micros((500 << run) * (512 + spread) / 1024)
}

enum Phase {
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
    in_statement: Arc<AtomicBool>,
    collided: bool,
}

enum Ended<T, E> {
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
    fn new(object: Object, phase: Phase) -> Self {
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

    /// Noticed here and not by the closure's result, which may be an error of its own making.
    fn note_collision<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.collided |= matches!(outcome, Err(Error::Conflict));
        outcome
    }

    async fn end<T, E: From<Error>>(mut self, outcome: Result<T, E>) -> Ended<T, E> {
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
            // The server refused, so the outcome is known.
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
    /// Its caller went away in the middle: the connection goes back to the pool when it is clean.
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
