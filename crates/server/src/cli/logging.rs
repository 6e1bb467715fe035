//! The log: standard error, as text or JSON.

use std::backtrace::Backtrace;
use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use tracing::subscriber::set_global_default;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Config, ConfigError, LogFormat};

/// Sends what the process logs, panics included, to standard error.
///
/// Only our own `tracing` records: the bridge from the `log` crate is left out on purpose, since
/// the PostgreSQL driver logs the parameters of statements there.
pub(super) fn start(config: &Config) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&config.log_filter)
        .map_err(|error| ConfigError::new(format!("KEYMOOR_LOG_FILTER: {error}")))?;
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match config.log {
        LogFormat::Text => set_global_default(log.finish()),
        LogFormat::Json => set_global_default(log.json().flatten_event(true).finish()),
    };
    started.map_err(|error| ConfigError::new(error.to_string()))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    // Empty unless the operator asked for it with RUST_BACKTRACE.
    let backtrace = Backtrace::capture();
    tracing::error!(message, place, %backtrace, "panicked");
}
