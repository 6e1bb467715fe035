//! `GET /metrics`, on a separate address.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::process;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::config::Config;
use crate::db::DatabaseUrl;
use crate::infra::outbox;
use crate::infra::serving::{Service, plain};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The service of the metrics address.
pub fn service(app: &App) -> Service {
    plain(
        Router::new()
            .route("/metrics", get(show))
            .with_state(app.clone()),
    )
}

async fn show(State(app): State<App>) -> Response {
    if let Err(error) = refresh(&app).await {
        tracing::warn!(%error, "failed to count due mails");
    }
    match app.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "failed to encode the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Updates the values that are read on each scrape.
async fn refresh(app: &App) -> Result<()> {
    let asked = &app.metrics.asked;
    asked.writes_queued.set(gauge(app.db.queue_length() as u64));
    asked.wal_bytes.set(gauge(wal_bytes(&app.config)));
    asked
        .resident_bytes
        .set(process::resident_bytes().unwrap_or_default());
    asked
        .open_files
        .set(process::open_files().unwrap_or_default());
    let now = app.now();
    let due = app
        .db
        .scan(async move |rx| outbox::store::count_due(rx, now).await)
        .await?;
    asked.mails_due.set(due);
    Ok::<_, Error>(())
}

fn wal_bytes(config: &Config) -> u64 {
    let DatabaseUrl::Sqlite(path) = &config.database_url else {
        return 0;
    };
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    std::fs::metadata(wal).map_or(0, |file| file.len())
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
