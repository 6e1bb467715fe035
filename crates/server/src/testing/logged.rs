//! What a piece of work logs.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, registry};

use crate::config::LogFormat;

/// Runs `work` and returns its result and the lines that it logs at `level`.
pub(crate) async fn logged_at<T>(
    level: &str,
    format: LogFormat,
    work: impl Future<Output = T>,
) -> (T, Vec<String>) {
    let log = Log::default();
    let layer = fmt::layer().with_writer(log.clone());
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let subscriber = registry().with(EnvFilter::new(level)).with(layer);
    let result = work.with_subscriber(subscriber).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (result, text.lines().map(str::to_owned).collect())
}

/// As [`logged_at`] the default level.
pub(crate) async fn logged<T>(
    format: LogFormat,
    work: impl Future<Output = T>,
) -> (T, Vec<String>) {
    logged_at("info", format, work).await
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
