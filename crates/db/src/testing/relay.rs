//! A way to the test server on which everything can get lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::{DatabaseUrl, PostgresUrl};

/// Relays connections to PostgreSQL. While it is silent it still accepts connections and reads all
/// that is sent, and passes nothing on.
pub struct Relay {
    address: SocketAddr,
    config: Config,
    is_silent: Arc<AtomicBool>,
}

impl Relay {
    /// Starts a relay to the server of this URL, which must be PostgreSQL's.
    pub async fn to(url: &DatabaseUrl) -> Self {
        let DatabaseUrl::Postgres(url) = url else {
            panic!("only PostgreSQL is reached over a network")
        };
        let server = match (url.config.get_hosts(), url.config.get_ports()) {
            ([Host::Tcp(host)], ports) => (host.clone(), ports.first().copied().unwrap_or(5432)),
            _ => panic!("the test server is reached by TCP"),
        };
        let mut config = Config::new();
        config.user(url.config.get_user().expect("the test URL has a user"));
        config.dbname(url.config.get_dbname().expect("a test database has a name"));
        if let Some(password) = url.config.get_password() {
            config.password(password);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        config.host("127.0.0.1").port(address.port());
        let is_silent = Arc::new(AtomicBool::new(false));
        let silent = Arc::clone(&is_silent);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (server, silent) = (server.clone(), Arc::clone(&silent));
                tokio::spawn(async move {
                    if let Ok(far) = TcpStream::connect(server).await {
                        let (from_near, to_near) = near.into_split();
                        let (from_far, to_far) = far.into_split();
                        tokio::spawn(pass_on(from_far, to_near, Arc::clone(&silent)));
                        pass_on(from_near, to_far, silent).await;
                    }
                });
            }
        });
        Self {
            address,
            config,
            is_silent,
        }
    }

    /// The database by way of the relay.
    pub fn url(&self) -> DatabaseUrl {
        DatabaseUrl::Postgres(Box::new(PostgresUrl::from(self.config.clone())))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Swallows everything from here on.
    pub fn fall_silent(&self) {
        self.is_silent.store(true, Ordering::SeqCst);
    }

    /// Passes on what arrives from here on. What was swallowed stays lost.
    pub fn speak(&self) {
        self.is_silent.store(false, Ordering::SeqCst);
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_silent: Arc<AtomicBool>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if !is_silent.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
