//! PostgreSQL: a pool and one transaction per write, retried after a collision.

mod assumed;
pub(crate) mod conn;
mod pool;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use tokio::sync::{RwLock, RwLockReadGuard};

use conn::{Conn, Ended, Line, Phase};
#[cfg(any(test, feature = "testing"))]
pub(crate) use pool::session;

use crate::error::{Error, Result};
use crate::foreign_await::await_only_statements;
use crate::options::Options;
use crate::statement::{self, Rx, Tx};
use crate::stats::Stats;
use crate::url::PostgresUrl;

/// How often a colliding transaction runs before its caller gets the error.
const RUNS: u32 = 10;
/// How much longer a scan may take than the server lets it run.
const SCAN_DEADLINE: Duration = Duration::from_secs(35);

pub(crate) struct Postgres {
    pool: Pool,
    /// How long a statement may take.
    deadline: Duration,
    stats: Stats,
    #[cfg(any(test, feature = "testing"))]
    pub(crate) recorder: crate::recorder::Recorder,
    /// Every running call holds it for reading, so that closing waits for them.
    open: RwLock<bool>,
}

impl Postgres {
    /// Opens the pool without connecting: the first statement connects.
    pub(crate) fn open(url: &PostgresUrl, options: &Options, stats: Stats) -> Result<Self> {
        Ok(Self {
            pool: pool::open(url, options)?,
            deadline: options.deadline,
            stats,
            #[cfg(any(test, feature = "testing"))]
            recorder: crate::recorder::Recorder::default(),
            open: RwLock::new(true),
        })
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E>,
        E: From<Error>,
    {
        let _running = self.running().await?;
        let mut is_assuming = true;
        for run in 1..=RUNS {
            let conn = self.conn(Phase::BeforeBegin, self.deadline, is_assuming);
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
                Ended::Disproved => is_assuming = false,
            }
        }
        Err(Error::Conflict.into())
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E>,
        E: From<Error>,
    {
        self.read_within(self.deadline, work).await
    }

    /// Reads with statements that take longer.
    pub(crate) async fn scan<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E>,
        E: From<Error>,
    {
        self.read_within(self.deadline.max(SCAN_DEADLINE), work)
            .await
    }

    async fn read_within<T, E, F>(&self, deadline: Duration, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E>,
        E: From<Error>,
    {
        let _running = self.running().await?;
        let conn = self.conn(Phase::None, deadline, false);
        let in_statement = Arc::clone(&conn.in_statement);
        let mut rx = Rx::new(statement::Conn::Postgres(conn));
        let outcome = await_only_statements(work(&mut rx), &in_statement)
            .await
            .unwrap_or_else(|foreign_await| Err(foreign_await.into()));
        rx.verdict(outcome)
    }

    fn conn(&self, phase: Phase, deadline: Duration, is_assuming: bool) -> Conn {
        Conn {
            pool: self.pool.clone(),
            object: None,
            phase,
            deadline,
            in_statement: Arc::default(),
            line: Line::Idle,
            collided: false,
            is_assuming,
            assumed: Vec::new(),
            is_disproved: false,
            #[cfg(any(test, feature = "testing"))]
            recorder: self.recorder.clone(),
        }
    }

    /// Waits until no call is running, then closes every connection.
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
}

/// Doubles from 1 ms. Delays only have to differ between colliding transactions, so randomness is
/// not required.
fn back_off(run: u32) -> Duration {
    static TURN: AtomicU64 = AtomicU64::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let spread = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    Duration::from_micros((500 << run) * (512 + spread) / 1024)
}
