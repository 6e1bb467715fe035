//! The loop that accepts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::ServingSettings;
use super::connection::{self, Http};
use super::seats::{Guard, Seats};
use crate::http::router::Service;

/// The pause after an error that the next attempt would meet too, such as too few file
/// descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// An address that is listened on.
pub struct Listener {
    listener: TcpListener,
    seats: Arc<Seats>,
}

impl Listener {
    /// Clients may connect from now on; answers come when [`Listener::serve`] runs.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(address: SocketAddr, settings: ServingSettings) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            seats: Arc::new(Seats::new(settings)),
        })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` ends, then accepts no more and returns when everything begun is
    /// finished. Dropping the future cuts off what is left.
    pub async fn serve(self, service: Service, stop: impl Future<Output = ()>) {
        let Self { listener, seats } = self;
        let keeper = seats.keep();
        let serving = async {
            let http = Arc::new(connection::http());
            let mut connections = JoinSet::new();
            tokio::select! {
                () = stop => {}
                () = accept(&listener, &seats, &service, &http, &mut connections) => {}
            }
            drop(listener);
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
    listener: &TcpListener,
    seats: &Arc<Seats>,
    service: &Service,
    http: &Arc<Http>,
    connections: &mut JoinSet<()>,
) {
    loop {
        let (stream, peer) = match listener.accept().await {
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
        let (service, http) = (service.clone(), Arc::clone(http));
        connections.spawn(attend(stream, peer, service, http, guard));
        while connections.try_join_next().is_some() {}
    }
}

async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    service: Service,
    http: Arc<Http>,
    guard: Guard,
) {
    // Answers are small and complete: nothing is gained by waiting for more to send.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let seat = Arc::clone(&guard.seat);
    connection::converse(&http, stream, peer, service, seat).await;
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
