//! The loop that accepts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::connection::{self, Http};
use super::seats::{Guard, Seats};
use super::service::Service;
use super::settings::ServingSettings;
use super::tls::Tls;
use super::traffic::Traffic;

/// The pause after an error that would repeat at once, such as running out of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// What all connections of a listener share.
struct Shared {
    http: Http,
    tls: Option<Tls>,
    service: Service,
}

/// A bound listen address.
pub struct Listener {
    socket: TcpListener,
    /// Absent: plain HTTP.
    tls: Option<Tls>,
    seats: Arc<Seats>,
}

impl Listener {
    /// Binds the address. Clients may connect, and wait until [`Listener::serve`] runs.
    ///
    /// # Errors
    /// When the address is in use or not local.
    pub async fn bind(
        address: SocketAddr,
        settings: ServingSettings,
        tls: Option<Tls>,
        traffic: Traffic,
    ) -> io::Result<Self> {
        Ok(Self {
            socket: TcpListener::bind(address).await?,
            tls,
            seats: Arc::new(Seats::new(settings, traffic)),
        })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop` ends, then accepts no more connections and returns when all requests in
    /// progress are finished. Dropping the future cancels them.
    pub async fn serve(self, service: Service, stop: impl Future<Output = ()>) {
        let Self { socket, tls, seats } = self;
        let shared = Shared {
            http: connection::http(),
            tls,
            service,
        };
        let keeper = seats.keep();
        let serving = async {
            let shared = Arc::new(shared);
            let mut connections = JoinSet::new();
            tokio::select! {
                () = stop => {}
                () = accept(&socket, &seats, &shared, &mut connections) => {}
            }
            drop(socket);
            seats.dismiss();
            while connections.join_next().await.is_some() {}
        };
        tokio::select! {
            () = serving => {}
            () = keeper => {}
        }
    }
}

/// Never returns.
async fn accept(
    socket: &TcpListener,
    seats: &Arc<Seats>,
    shared: &Arc<Shared>,
    connections: &mut JoinSet<()>,
) {
    loop {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_clients_own(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, connections = seats.taken(), "can't accept connections");
                seats.make_room();
                tokio::time::sleep(BACK_OFF).await;
                continue;
            }
        };
        let guard = seats.take(peer.ip()).await;
        connections.spawn(attend(stream, peer, Arc::clone(shared), guard));
        while connections.try_join_next().is_some() {}
    }
}

async fn attend(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, guard: Guard) {
    // Responses are small and complete, so waiting for more data to send gains nothing.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "failed to set TCP_NODELAY");
    }
    let Shared { http, tls, service } = &*shared;
    let service = service.clone();
    let seat = Arc::clone(&guard.seat);
    let Some(tls) = tls else {
        return connection::converse(http, stream, peer, service, seat).await;
    };
    let shaken = tokio::select! {
        shaken = tls.acceptor.accept(stream) => shaken,
        // Before the first request there is nothing to finish.
        _ = seat.told() => return,
    };
    match shaken {
        Ok(stream) => connection::converse(http, stream, peer, service, seat).await,
        Err(error) => tracing::debug!(%error, "TLS handshake failed"),
    }
}

/// Whether an error concerns one connection only, and accepting can go on at once.
fn is_clients_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Open files beside connections: those of the database, the log and the event loop.
const OWN_FILES: u64 = 256;

/// Raises the process's limit of open files to the maximum, and logs a warning if that is too low
/// for `connections` clients.
pub fn allow_open_files(connections: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    if let Some(allowed) = allowed.filter(|&files| files < connections + OWN_FILES) {
        tracing::warn!(
            allowed,
            connections,
            "the limit of open files is too low for the configured connections: raise it (LimitNOFILE, ulimit -n)"
        );
    }
}
