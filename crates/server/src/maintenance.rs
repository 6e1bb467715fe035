//! Regular clean-up in the background.

use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::slices::{applications, authentication, binding, events, sessions, statistics, tokens};

const PERIOD: Duration = Duration::from_mins(1);

/// Sweeps once a minute until `stop` is true.
pub async fn keep(app: App, mut stop: watch::Receiver<bool>) {
    let sweeping = async {
        loop {
            sweep(&app).await;
            tokio::time::sleep(PERIOD).await;
        }
    };
    // Stopping cancels a sweep between two writes. The next one continues.
    tokio::select! {
        _told = stop.wait_for(|&stop| stop) => {}
        () = sweeping => {}
    }
    write_repeated_refusals(&app).await;
}

/// Runs every slice's sweep once. A sweep is a loop of short writes, and may be repeated and run on
/// several nodes at once.
pub async fn sweep(app: &App) {
    app.limits.shrink();
    write_repeated_refusals(app).await;
    if let Err(error) = binding::ops::erase_old_tokens(app).await {
        tracing::warn!(%error, "failed to delete old link tokens");
    }
    if let Err(error) = binding::ops::sweep_expired(app).await {
        tracing::warn!(%error, "failed to record expired binding jobs");
    }
    if let Err(error) = authentication::ops::sweep(app).await {
        tracing::warn!(%error, "failed to delete old codes");
    }
    if let Err(error) = sessions::ops::sweep(app).await {
        tracing::warn!(%error, "failed to delete expired sessions");
    }
    if let Err(error) = tokens::ops::sweep(app).await {
        tracing::warn!(%error, "failed to delete expired tokens");
    }
    if let Err(error) = applications::subjects::sweep(app).await {
        tracing::warn!(%error, "failed to free reserved subject fields");
    }
    if let Err(error) = statistics::ops::count(app).await {
        tracing::warn!(%error, "failed to count events");
    }
}

async fn write_repeated_refusals(app: &App) {
    if let Err(error) = events::repeats::write_repeated(app).await {
        tracing::warn!(%error, "failed to record repeated refusals");
    }
}
