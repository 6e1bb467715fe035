//! `keymoor serve`: from start to a clean end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::{Failure, Outcome, node};
use crate::app::App;
use crate::config::{Config, Listen};
use crate::db::{Db, DbLock};
use crate::http::context::Context;
use crate::http::router::{self, Service};
use crate::outbox;
use crate::provision;
use crate::serving::{self, Listener};
use crate::tokens::revocations;
use crate::{maintenance, master_key};

/// How long the outcome of a mail may take to be written down.
const RECORDING: Duration = Duration::from_secs(5);

/// How long closing the database may take after everything else has ended.
const CLOSING: Duration = Duration::from_secs(5);

/// Serves until the process is told to stop by SIGTERM or SIGINT.
pub async fn until_signalled(config: Config) -> Outcome {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::start(config).await?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        () = server.app.db.stopped() => {
            return Err("the database's writer has died; see the log".into());
        }
    }
    server.stop().await
}

/// A running server.
pub struct Server {
    app: App,
    /// The addresses it listens on, in the order of the configuration.
    pub addresses: Vec<SocketAddr>,
    listeners: Part,
    worker: Part,
    _lock: DbLock,
}

/// Tasks that end together when told to.
struct Part {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Part {
    fn new() -> Self {
        Self {
            stop: watch::Sender::new(false),
            tasks: JoinSet::new(),
        }
    }

    /// Tells the tasks to end and waits until they have. False: some were still at it at
    /// `deadline` and were cut off.
    async fn stop(&mut self, deadline: Instant) -> bool {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        timeout_at(deadline, ended).await.is_ok()
    }
}

impl Server {
    /// Opens everything and starts to listen. Answers come from then on.
    ///
    /// # Errors
    /// When another process serves the database, it is not migrated, the master key is not its
    /// own, or an address is taken.
    pub async fn start(config: Config) -> Outcome<Self> {
        let lock = DbLock::acquire(&config.database_url)?;
        let key = master_key::read(&config.master_key_file)?;
        let db = Db::open(&config.database())?;
        db.require_current_schema().await?;
        let app = node::app(config, db, &key)?;
        check_start(&app).await?;
        app.revocations.refresh(&app).await?;

        let mut listeners = Part::new();
        let mut addresses = Vec::new();
        let services: Vec<(SocketAddr, Service)> = match app.config.listen {
            Listen::Together(address) => vec![(address, router::combined(&app))],
            Listen::Apart { auth, management } => vec![
                (auth, router::auth(&app)),
                (management, router::management(&app)),
            ],
        };
        let each = u64::from(app.config.serving.connections.get());
        serving::allow_open_files(each * services.len() as u64);
        // Every address answers before the first one says that the server is ready.
        let mut bound = Vec::new();
        for (address, service) in services {
            let listener = listen(&app, address).await?;
            addresses.push(listener.address()?);
            bound.push((listener, service));
        }
        for (listener, service) in bound {
            let stop = told(listeners.stop.subscribe());
            listeners.tasks.spawn(listener.serve(service, stop));
        }
        let mut worker = Part::new();
        let stop = worker.stop.subscribe();
        worker
            .tasks
            .spawn(outbox::worker::work(app.clone(), stop.clone()));
        worker
            .tasks
            .spawn(revocations::keep(app.clone(), stop.clone()));
        worker.tasks.spawn(maintenance::keep(app.clone(), stop));
        tracing::info!(?addresses, version = env!("CARGO_PKG_VERSION"), "listening");
        Ok(Self {
            app,
            addresses,
            listeners,
            worker,
            _lock: lock,
        })
    }

    /// Accepts nothing more, finishes requests, then mail, then closes the database.
    pub async fn stop(mut self) -> Outcome {
        let limit = self.app.config.shutdown.0.unsigned_abs();
        let deadline = Instant::now() + Duration::from_secs(limit);
        if !self.listeners.stop(deadline).await {
            tracing::warn!("requests were cut off");
        }
        // A mail in flight is given the time that it may take, however long the requests took: one
        // that was accepted and not recorded would be sent again.
        let mail = self
            .app
            .config
            .mail
            .as_ref()
            .map_or(0, |mail| mail.timeout.0.unsigned_abs());
        let deadline = deadline.max(Instant::now() + Duration::from_secs(mail) + RECORDING);
        if !self.worker.stop(deadline).await {
            tracing::warn!("mail was cut off, and is sent after the next start");
        }
        let closing = tokio::time::timeout(CLOSING, self.app.db.close());
        closing
            .await
            .map_err(|_| "the database did not close in time")?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Finds out at once what would otherwise fail request by request, and mends what the settings have
/// left behind.
async fn check_start(app: &App) -> Outcome {
    if app.config.mail.is_none() {
        tracing::warn!(
            "no mail server is configured: mail waits for one, and is given up when its attempts are used up"
        );
    }
    let ctx = Context::system(app);
    if !provision::master_key_fits(&ctx).await? {
        tracing::warn!("there is no tenant yet: run `keymoor init`");
    }
    Ok(provision::console::follow_settings(&ctx).await?)
}

async fn listen(app: &App, address: SocketAddr) -> Outcome<Listener> {
    Listener::bind(address, app.config.serving)
        .await
        .map_err(|error| Failure::from(format!("can't listen on {address}: {error}")))
}

/// Ends when the part is told to stop, or is gone.
async fn told(mut stop: watch::Receiver<bool>) {
    let _gone = stop.wait_for(|&stop| stop).await;
}
