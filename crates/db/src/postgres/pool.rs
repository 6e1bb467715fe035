//! Connections to PostgreSQL and their settings.

use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
    Timeouts,
};
use tokio_postgres::Config;

use crate::error::{Error, Result};
use crate::options::Options;
use crate::tls::Tls;
use crate::url::PostgresUrl;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After this much silence, TCP keepalive probes check whether the server is still there. Data
/// unacknowledged by then is given up.
const DEAD_PEER: Duration = Duration::from_secs(20);
/// Transactions last milliseconds: the timeouts bound how long a stuck one can block others.
///
/// Every statement has an index that fits. A sequential scan looks cheaper while a table is small,
/// and a prepared statement keeps such a plan when the table has grown. Compiling a plan takes
/// longer than any of them runs. The last setting proves that all of them arrived.
const SESSION: &str = "-c statement_timeout=30s -c lock_timeout=5s \
                       -c idle_in_transaction_session_timeout=30s \
                       -c enable_seqscan=off -c jit=off -c keymoor.session=direct";

/// Opens the pool without connecting: the first statement connects.
pub(super) fn open(url: &PostgresUrl, options: &Options) -> Result<Pool> {
    let tls = Tls::new(&url.certificates)?;
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    Pool::builder(Manager::from_config(session(url), tls, recycling))
        .max_size(options.connections)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait: Some(options.patience),
            create: Some(options.patience),
            recycle: Some(options.patience),
        })
        .build()
        .map_err(Error::driver)
}

/// Returns how a connection of the layer is opened.
pub(crate) fn session(url: &PostgresUrl) -> Config {
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
    config
}

pub(super) async fn acquire(pool: &Pool) -> Result<Object> {
    pool.get().await.map_err(|error| match error {
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
