//! `keymoor serve`: starts, runs and stops the server.

use std::net::SocketAddr;
use std::time::Duration;

use keymoor_types::Clock as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::doctor::{files, services, urls};
use super::node;
use super::outcome::{Failure, Outcome};
use crate::app::{App, SystemClock};
use crate::base::context::Context;
use crate::config::{Config, Listen};
use crate::db::{DatabaseUrl, Db, DbLock, MIGRATIONS};
use crate::http::router;
use crate::infra::metrics::scrape;
use crate::infra::outbox;
use crate::infra::serving::self_signed::{self, Kept};
use crate::infra::serving::tls::{Tls, TlsFiles};
use crate::infra::serving::{self, Listener, Service};
use crate::jobs;
use crate::maintenance;
use crate::slices::batches;
use crate::slices::{events, provision};

/// Time limit for recording the outcome of a mail.
const RECORDING: Duration = Duration::from_secs(5);

/// Time limit for closing the database after everything else has ended.
const CLOSING: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT.
///
/// SIGHUP reloads the TLS certificate.
pub async fn until_signalled(config: Config) -> Outcome {
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut server = Server::start(config).await?;
    loop {
        tokio::select! {
            _ = hang_up.recv() => server.reload(),
            dead = server.died() => return Err(format!("{dead} ended unexpectedly; see the log").into()),
            _ = terminate.recv() => {
                tracing::info!("SIGTERM: stopping");
                break;
            }
            _ = interrupt.recv() => {
                tracing::info!("SIGINT: stopping");
                break;
            }
        }
    }
    server.stop().await
}

/// A running server.
pub struct Server {
    app: App,
    /// The addresses that it listens on, in the order of the configuration.
    pub addresses: Vec<SocketAddr>,
    /// The address of `/metrics`, if configured.
    pub metrics_address: Option<SocketAddr>,
    tls: Option<Tls>,
    listeners: Part,
    worker: Part,
    _lock: DbLock,
}

/// Tasks that stop together.
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

    /// Asks the tasks to end and waits for them. Returns false if `deadline` passed and the rest
    /// were cancelled.
    async fn stop(&mut self, deadline: Instant) -> bool {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let in_time = timeout_at(deadline, ended).await.is_ok();
        self.tasks.shutdown().await;
        in_time
    }
}

impl Server {
    /// Opens everything and starts to listen and serve.
    ///
    /// # Errors
    /// When another process serves the database, the database is not migrated, the master key is
    /// wrong, or an address is in use.
    pub async fn start(config: Config) -> Outcome<Self> {
        let lock = DbLock::acquire(&config.database_url)?;
        let key = node::master_key(&config).await?;
        let db = Db::open(&config.database())?;
        db.require_current_schema(MIGRATIONS).await?;
        let app = node::app(config, db, key)?;
        check_start(&app).await?;
        app.revocations.refresh().await?;

        let mut listeners = Part::new();
        let tls = app.config.tls.clone().map(Tls::start).transpose()?;
        let services = services(&app, tls.as_ref());
        let each = u64::from(app.config.serving.connections.get());
        serving::allow_open_files(each * services.len() as u64);
        // Every address is bound before the first one serves: `/readyz` vouches for all of them.
        let mut bound = Vec::new();
        let mut addresses = Vec::new();
        for Served {
            name,
            setting,
            address,
            tls,
            service,
        } in services
        {
            let listener =
                Listener::bind(address, app.config.serving, tls, app.metrics.traffic(name))
                    .await
                    .map_err(|error| {
                        Failure::from(format!(
                            "can't listen on {address}: {error}; set another address in {setting}"
                        ))
                    })?;
            addresses.push(listener.address()?);
            bound.push((listener, service));
        }
        let metrics_address = match app.config.metrics_listen {
            Some(_) => addresses.pop(),
            None => None,
        };
        for (listener, service) in bound {
            let stop = told(listeners.stop.subscribe());
            listeners.tasks.spawn(listener.serve(service, stop));
        }
        let mut worker = Part::new();
        let stop = worker.stop.subscribe();
        worker
            .tasks
            .spawn(outbox::worker::work(app.clone(), jobs::all(), stop.clone()));
        worker
            .tasks
            .spawn(batches::worker::work(app.clone(), stop.clone()));
        let (keeper, told) = (app.clone(), stop.clone());
        worker
            .tasks
            .spawn(async move { keeper.revocations.keep(told).await });
        worker.tasks.spawn(maintenance::keep(app.clone(), stop));
        tracing::info!(
            ?addresses,
            ?metrics_address,
            tls = tls.is_some(),
            version = env!("CARGO_PKG_VERSION"),
            "listening"
        );
        Ok(Self {
            app,
            addresses,
            metrics_address,
            tls,
            listeners,
            worker,
            _lock: lock,
        })
    }

    /// Waits until something ends that only [`Server::stop`] should end, and returns its name.
    async fn died(&mut self) -> &'static str {
        tokio::select! {
            () = self.app.db.stopped() => "the database's writer",
            _panicked = self.listeners.tasks.join_next() => "a listener",
            _panicked = self.worker.tasks.join_next() => "the background work",
        }
    }

    /// Reloads the TLS certificate. If that fails, logs the error and uses the old one.
    pub fn reload(&self) {
        let Some(tls) = &self.tls else {
            return tracing::info!("SIGHUP: no TLS certificate is configured");
        };
        match tls.reload() {
            Ok(not_after) => {
                tracing::info!(%not_after, "SIGHUP: reloaded the TLS certificate");
            }
            Err(error) => {
                tracing::error!(%error, "SIGHUP: failed to reload the TLS certificate; using the old one");
            }
        }
    }

    /// Stops accepting connections, finishes requests, then mail, then closes the database.
    pub async fn stop(mut self) -> Outcome {
        let limit = self.app.config.shutdown.0.unsigned_abs();
        let deadline = Instant::now() + Duration::from_secs(limit);
        self.app.feeds.close();
        if !self.listeners.stop(deadline).await {
            tracing::warn!("some requests took too long and were cancelled");
        }
        // A mail in flight gets its full time, however long the requests took: an accepted mail that
        // is not recorded would be sent again.
        let mail = self
            .app
            .config
            .mail
            .as_ref()
            .map_or(0, |mail| mail.timeout.0.unsigned_abs());
        let deadline = deadline.max(Instant::now() + Duration::from_secs(mail) + RECORDING);
        if !self.worker.stop(deadline).await {
            tracing::warn!(
                "background work took too long and was cancelled; the next start sends the remaining mail"
            );
        }
        let closing = tokio::time::timeout(CLOSING, self.app.db.close());
        closing
            .await
            .map_err(|_| "the database did not close in time")?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Checks what would otherwise fail request by request, and updates the console's configs to the
/// settings.
async fn check_start(app: &App) -> Outcome {
    if app.config.mail.is_none() {
        tracing::warn!("{}", services::no_mail_server());
    }
    let config = &app.config;
    let findings = urls::schemes(config)
        .into_iter()
        .chain(files::exposed(config))
        .chain(files::attestation_roots(config, app.now()));
    for finding in findings {
        tracing::warn!("{finding}");
    }
    let ctx = Context::system(app);
    let is_provisioned = provision::master_key_fits(&ctx)
        .await
        .map_err(|error| node::failure(&app.config, error))?;
    if !is_provisioned {
        tracing::warn!("no tenant exists: run `keymoor init`");
    }
    events::log::enter_cluster(&app.db).await?;
    Ok(provision::console::follow_settings(&ctx).await?)
}

/// A listen address and its service.
struct Served {
    name: &'static str,
    /// The setting that its address comes from.
    setting: &'static str,
    address: SocketAddr,
    tls: Option<Tls>,
    service: Service,
}

/// The services of all listen addresses. Metrics, always in plain HTTP, come last.
fn services(app: &App, tls: Option<&Tls>) -> Vec<Served> {
    let public = |name, address, service| Served {
        name,
        setting: "KEYMOOR_LISTEN",
        address,
        tls: tls.cloned(),
        service,
    };
    let mut services = match app.config.listen {
        Listen::Together(address) => vec![public("all", address, router::combined(app))],
        Listen::Apart { auth, management } => vec![
            public("auth", auth, router::auth(app)),
            public("management", management, router::management(app)),
        ],
    };
    services.extend(app.config.metrics_listen.map(|address| Served {
        name: "metrics",
        setting: "KEYMOOR_METRICS_LISTEN",
        address,
        tls: None,
        service: scrape::service(app),
    }));
    services
}

/// The files of the self-signed certificate: beside the SQLite file, else beside the master key.
fn self_signed_files(config: &Config) -> TlsFiles {
    let beside = match &config.database_url {
        DatabaseUrl::Sqlite(path) => path,
        DatabaseUrl::Postgres(_) => &config.master_key_file,
    };
    TlsFiles {
        certificate: beside.with_extension("tls-certificate.pem"),
        key: beside.with_extension("tls-key.pem"),
    }
}

/// Returns the configuration with a self-signed certificate, and creates it unless a usable one
/// exists.
///
/// # Errors
/// When a certificate is configured already, or the files can't be written.
pub(super) fn with_self_signed(config: Config) -> Outcome<Config> {
    if config.tls.is_some() {
        return Err("--tls-self-signed can't be combined with KEYMOOR_TLS_CERTIFICATE_FILE".into());
    }
    let files = self_signed_files(&config);
    let mut hosts = config.hosts();
    hosts.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    hosts.sort();
    hosts.dedup();
    let certificate = files.certificate.display();
    let kept = self_signed::keep(&files, &hosts, SystemClock.now()).map_err(|error| {
        format!("can't write the self-signed certificate {certificate}: {error}")
    })?;
    tracing::warn!(
        %certificate,
        ?hosts,
        created = kept == Kept::Created,
        "the TLS certificate is self-signed, for development only: browsers warn until they \
         trust it"
    );
    Ok(Config {
        tls: Some(files),
        ..config
    })
}

/// Waits until the part stops or is dropped.
async fn told(mut stop: watch::Receiver<bool>) {
    let _gone = stop.wait_for(|&stop| stop).await;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::poll_immediate;

    use super::*;
    use crate::cli::tests::Place;

    #[tokio::test]
    async fn a_part_that_dies_is_noticed() {
        let place = Place::sqlite().await;
        place.init().await.unwrap();
        let mut server = Server::start(place.config()).await.unwrap();
        assert_eq!(poll_immediate(server.died()).await, None);
        server.listeners.tasks.abort_all();
        assert_eq!(server.died().await, "a listener");
        while server.listeners.tasks.join_next().await.is_some() {}
        server.listeners.tasks.spawn(std::future::pending());
        server.worker.tasks.abort_all();
        assert_eq!(server.died().await, "the background work");
    }

    #[tokio::test]
    async fn cancelled_tasks_have_released_everything() {
        let held = Arc::new(());
        let mut part = Part::new();
        let its_own = Arc::clone(&held);
        part.tasks.spawn(async move {
            std::future::pending::<()>().await;
            drop(its_own);
        });
        assert!(!part.stop(Instant::now()).await);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
