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

/// The pause after an error that the next attempt would meet too, such as too few file
/// descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// How every connection of a listener is spoken with.
struct Ways {
    http: Http,
    tls: Option<Tls>,
    service: Service,
}

/// An address that is listened on.
pub struct Listener {
    socket: TcpListener,
    /// Without it, plain HTTP is spoken.
    tls: Option<Tls>,
    seats: Arc<Seats>,
}

impl Listener {
    /// Clients may connect from now on; answers come when [`Listener::serve`] runs.
    ///
    /// # Errors
    /// When the address is taken or not ours.
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

    /// Serves until `stop` ends, then accepts no more and returns when everything begun is
    /// finished. Dropping the future cuts off what is left.
    pub async fn serve(self, service: Service, stop: impl Future<Output = ()>) {
        let Self { socket, tls, seats } = self;
        let ways = Ways {
            http: connection::http(),
            tls,
            service,
        };
        let keeper = seats.keep();
        let serving = async {
            let ways = Arc::new(ways);
            let mut connections = JoinSet::new();
            tokio::select! {
                () = stop => {}
                () = accept(&socket, &seats, &ways, &mut connections) => {}
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
    ways: &Arc<Ways>,
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
        connections.spawn(attend(stream, peer, Arc::clone(ways), guard));
        while connections.try_join_next().is_some() {}
    }
}

async fn attend(stream: TcpStream, peer: SocketAddr, ways: Arc<Ways>, guard: Guard) {
    // Answers are small and complete: nothing is gained by waiting for more to send.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let Ways { http, tls, service } = &*ways;
    let service = service.clone();
    let seat = Arc::clone(&guard.seat);
    let Some(tls) = tls else {
        return connection::converse(http, stream, peer, service, seat).await;
    };
    let shaken = tokio::select! {
        shaken = tls.acceptor.accept(stream) => shaken,
        // Before the first request there is nothing that could be finished.
        _ = seat.told() => return,
    };
    match shaken {
        Ok(stream) => connection::converse(http, stream, peer, service, seat).await,
        Err(error) => tracing::debug!(%error, "no TLS with a client"),
    }
}

/// Whether the next connection has nothing to do with what befell this one.
fn is_clients_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Files of our own beside connections: the database's, the log, the event loop's.
const OWN_FILES: u64 = 256;

/// Lets the process open as many files as the operating system permits it, and says so where
/// that is too few for `connections` clients.
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
            "fewer files may be open than connections: raise the limit (LimitNOFILE, ulimit -n)"
        );
    }
}
