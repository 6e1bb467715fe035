//! The log on standard error, as text or JSON.
//!
//! It has no colours. With colours compiled in, formatting costs more even where they are off.

use std::backtrace::Backtrace;
use std::fs::File;
use std::os::fd::AsFd as _;
use std::panic::PanicHookInfo;

use tokio::runtime::Handle;
use tracing::subscriber::set_global_default;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

use super::log_writer::LogWriter;
use super::traces::{self, Traces};
use crate::config::{Config, ConfigError, LogFormat};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The running log and exporter, to be finished when the process ends.
pub(super) struct Logging {
    traces: Traces,
    log: Log,
}

/// Writes what is queued when it is dropped, also by a panic that ends the process.
struct Log(LogWriter);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.finish();
    }
}

impl Logging {
    /// Sends what has not been sent yet, and ends the log with `last`, if any.
    pub(super) fn finish(self, last: Option<&str>) {
        self.traces.finish();
        if let Some(last) = last {
            self.log.0.append(last.as_bytes());
        }
    }
}

/// Sends the log, including panics, to standard error, and traces to the configured collector.
///
/// Only `tracing` records are logged. The bridge from the `log` crate is omitted on purpose: the
/// PostgreSQL driver logs the parameters of statements there.
pub(super) fn start(config: &Config, runtime: &Handle) -> Result<Logging, ConfigError> {
    let filter = filter(&config.log_filter)?;
    let (layer, traces) = traces::start(config, runtime)?;
    let writer = stderr()
        .and_then(LogWriter::start)
        .map_err(|error| ConfigError::new(format!("can't start the log: {error}")))?;
    let log = fmt::layer().with_writer(writer.clone());
    let all = registry().with(filter).with(layer);
    let started = match config.log {
        LogFormat::Text => set_global_default(all.with(log)),
        LogFormat::Json => set_global_default(all.with(log.json().flatten_event(true))),
    };
    started.map_err(|error| ConfigError::new(error.to_string()))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(Logging {
        traces,
        log: Log(writer),
    })
}

/// Returns standard error as a file without the lock of [`std::io::Stderr`], which a blocked write
/// would hold.
fn stderr() -> std::io::Result<File> {
    let stderr = std::io::stderr().as_fd().try_clone_to_owned()?;
    Ok(stderr.into())
}

/// Parses the filter. `tracing` would accept a misspelled level as the name of a target and log
/// nothing else, and read an empty filter as `error`.
fn filter(text: &str) -> Result<EnvFilter, ConfigError> {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    text.split(',')
        .all(|directive| match directive.rsplit_once('=') {
            Some((target, level)) => !target.is_empty() && is_level(level),
            None => is_level(directive),
        })
        .then(|| EnvFilter::try_new(text).ok())
        .flatten()
        .ok_or_else(|| {
            ConfigError::new(
                "KEYMOOR_LOG_FILTER: must be off, error, warn, info, debug, trace, or target=level \
                 pairs separated by commas",
            )
        })
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    // Empty unless RUST_BACKTRACE is set.
    let backtrace = Backtrace::capture();
    tracing::error!(panic = message, place, %backtrace, "panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused_and_not_taken_for_a_target() {
        for text in [
            "info",
            "off",
            "WARN",
            "keymoor_server=debug",
            "warn,hyper=trace",
        ] {
            assert!(filter(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "3",
            "info,",
            "loud",
            "info,loud",
            "keymoor_server",
            "a=loud",
            "a=",
            "=info",
        ] {
            let error = filter(text).expect_err(text).to_string();
            assert!(error.contains("must be off, error, warn"), "{error}");
        }
    }
}
