//! What must be tidied up regularly, whoever asks for nothing.

use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::slices::{authentication, binding, tokens};

const PERIOD: Duration = Duration::from_mins(1);

/// Sweeps once a minute until told to stop.
pub async fn keep(app: App, mut stop: watch::Receiver<bool>) {
    let sweeping = async {
        loop {
            sweep(&app).await;
            tokio::time::sleep(PERIOD).await;
        }
    };
    // A sweep is cut off between two of its writes; the next start goes on.
    tokio::select! {
        _told = stop.wait_for(|&stop| stop) => {}
        () = sweeping => {}
    }
}

/// Every sweep, once. A slice that leaves something behind adds its own here: short writes in a
/// loop, safe to repeat and to run on several nodes at once.
pub async fn sweep(app: &App) {
    app.limits.shrink();
    if let Err(error) = binding::ops::erase_old_tokens(app).await {
        tracing::warn!(%error, "old link tokens were not erased");
    }
    if let Err(error) = authentication::ops::sweep(app).await {
        tracing::warn!(%error, "old codes were not swept");
    }
    if let Err(error) = tokens::ops::sweep(app).await {
        tracing::warn!(%error, "expired tokens were not swept");
    }
}
