//! PostgreSQL: a pool and one transaction per write, retried after a collision.

pub(crate) mod conn;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
    Timeouts,
};
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio_postgres::Config;

use conn::{Conn, Ended, Phase};

use crate::error::{Error, Result};
use crate::foreign_await::await_only_statements;
use crate::options::Options;
use crate::statement::{self, Rx, Tx};
use crate::stats::Stats;
use crate::tls::Tls;
use crate::url::PostgresUrl;

/// How often a colliding transaction runs before its caller gets the error.
const RUNS: u32 = 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After this much silence, TCP keepalive probes check whether the server is still there. Data
/// unacknowledged by then is given up.
const DEAD_PEER: Duration = Duration::from_secs(20);
/// Transactions last milliseconds: these limits bound how long a stuck one can block others.
const SESSION: &str = "-c statement_timeout=30s -c lock_timeout=10s \
                       -c idle_in_transaction_session_timeout=30s";

pub(crate) struct Postgres {
    pool: Pool,
    stats: Stats,
    /// Every running call holds it for reading, so that closing waits for them.
    open: RwLock<bool>,
}

impl Postgres {
    /// Opens the pool without connecting: the first statement connects.
    pub(crate) fn open(url: &PostgresUrl, options: &Options, stats: Stats) -> Result<Self> {
        let tls = Tls::new(&url.certificates)?;
        let mut config = url.config.clone();
        // The URL's options come later and so take precedence.
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
        // TLS verifies the host name: without one, use the address.
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

    async fn connection(&self) -> Result<Object> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => Error::Overloaded,
            PoolError::Timeout(_) => Error::OutOfService("it does not answer in time".to_owned()),
            PoolError::Closed => Error::Closed,
            PoolError::Backend(error) => match error.into() {
                known @ (Error::Overloaded
                | Error::OutOfService(_)
                | Error::Unfit(_)
                | Error::Unready(_)) => known,
                // Without a connection nothing ran, and the cause may pass.
                error => Error::OutOfService(error.to_string()),
            },
            other => Error::driver(other),
        })
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
