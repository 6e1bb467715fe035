//! TLS to PostgreSQL: a front that speaks it, with the test server behind.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_postgres::config::Host;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{DatabaseUrl, Options};

/// What a client asks before it speaks TLS (PostgreSQL's message SSLRequest).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A PostgreSQL server as a client sees it, made of the test server and a TLS end of its own.
struct Front {
    test: TestDb,
    port: u16,
    folder: TempDir,
    with_tls: Arc<AtomicUsize>,
    without: Arc<AtomicUsize>,
}

impl Front {
    /// Its certificate is made out to `name`; without one it has no TLS.
    async fn start(name: Option<&str>) -> Self {
        let test = fresh_postgres().await;
        let folder = tempfile::tempdir().unwrap();
        let acceptor = name.map(|name| acceptor(name, &folder.path().join("root.pem")));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let socket = folder.path().join(format!(".s.PGSQL.{port}"));
        let socket = UnixListener::bind(socket).unwrap();
        let front = Self {
            port,
            test,
            folder,
            with_tls: Arc::default(),
            without: Arc::default(),
        };
        let behind = front.behind();
        let (with_tls, without) = (front.with_tls.clone(), front.without.clone());
        tokio::spawn({
            let (behind, without) = (front.behind(), front.without.clone());
            async move {
                // PostgreSQL has no TLS on such sockets.
                while let Ok((client, _)) = socket.accept().await {
                    let (behind, without) = (behind.clone(), without.clone());
                    tokio::spawn(pass_on(client, None, behind, Arc::default(), without));
                }
            }
        });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                let (with_tls, without) = (with_tls.clone(), without.clone());
                tokio::spawn(pass_on(client, acceptor, behind, with_tls, without));
            }
        });
        front
    }

    /// Host and port of the test server.
    fn behind(&self) -> (String, u16) {
        let DatabaseUrl::Postgres(url) = &self.test.options().url else {
            unreachable!("it is the PostgreSQL of the tests")
        };
        let Host::Tcp(host) = &url.config.get_hosts()[0] else {
            unreachable!("it is reached over TCP")
        };
        (host.clone(), url.config.get_ports()[0])
    }

    /// Asks something through the front; says why it can't.
    async fn ask(&self, host: &str, parameters: &str) -> std::result::Result<(), String> {
        let DatabaseUrl::Postgres(behind) = &self.test.options().url else {
            unreachable!("it is the PostgreSQL of the tests")
        };
        let user = behind.config.get_user().unwrap();
        let name = behind.config.get_dbname().unwrap();
        let mut url = format!("postgres://{user}@/{name}?{parameters}&port={}", self.port);
        if !host.is_empty() {
            url.push_str("&host=");
            url.push_str(host);
        }
        let options = Options {
            connections: 1,
            ..url.parse::<DatabaseUrl>().unwrap().into()
        };
        let db = Db::open(&options).map_err(|error| error.to_string())?;
        let health = db.health().await.map_err(|error| error.to_string());
        db.close().await;
        health
    }

    fn root(&self) -> String {
        let path = self.folder.path().join("root.pem");
        format!("sslmode=verify-full&sslrootcert={}", path.display())
    }

    /// Connections with and without TLS since the last time.
    fn connections(&self) -> (usize, usize) {
        (
            self.with_tls.swap(0, Ordering::Relaxed),
            self.without.swap(0, Ordering::Relaxed),
        )
    }
}

fn acceptor(name: &str, root: &Path) -> TlsAcceptor {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    std::fs::write(root, cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn pass_on(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    acceptor: Option<TlsAcceptor>,
    behind: (String, u16),
    with_tls: Arc<AtomicUsize>,
    without: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(behind).await?;
    let mut first = [0; 8];
    client.read_exact(&mut first).await?;
    if first == SSL_REQUEST {
        if let Some(acceptor) = acceptor {
            client.write_all(b"S").await?;
            let mut client = acceptor.accept(client).await?;
            with_tls.fetch_add(1, Ordering::Relaxed);
            copy_bidirectional(&mut client, &mut server).await?;
            return Ok(());
        }
        client.write_all(b"N").await?;
        client.read_exact(&mut first).await?;
    }
    without.fetch_add(1, Ordering::Relaxed);
    server.write_all(&first).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_spoken_as_sslmode_says() {
    let front = Front::start(Some("localhost")).await;
    for (parameters, connections) in [
        ("", (1, 0)),
        ("sslmode=disable", (0, 1)),
        ("sslmode=prefer", (1, 0)),
        ("sslmode=require", (1, 0)),
        (front.root().as_str(), (1, 0)),
    ] {
        front.ask("localhost", parameters).await.unwrap();
        assert_eq!(front.connections(), connections, "{parameters}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_spoken_to_only_if_that_may_be() {
    let front = Front::start(None).await;
    for parameters in ["", "sslmode=disable", "sslmode=prefer"] {
        front.ask("localhost", parameters).await.unwrap();
        assert_eq!(front.connections(), (0, 1), "{parameters}");
    }
    for parameters in ["sslmode=require", "sslmode=verify-full"] {
        let why = front.ask("localhost", parameters).await.unwrap_err();
        assert!(why.ends_with("server does not support TLS"), "{why}");
        assert_eq!(front.connections(), (0, 0), "{parameters}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unix_socket_is_spoken_to_without_tls_unless_that_must_be() {
    let front = Front::start(Some("localhost")).await;
    let folder = front.folder.path().to_str().unwrap();
    for parameters in ["", "sslmode=disable", "sslmode=prefer"] {
        front.ask(folder, parameters).await.unwrap();
        assert_eq!(front.connections(), (0, 1), "{parameters}");
    }
    let why = front.ask(folder, "sslmode=require").await.unwrap_err();
    assert!(why.ends_with("server does not support TLS"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_enough_for_tls() {
    let front = Front::start(Some("127.0.0.1")).await;
    for mode in ["sslmode=prefer", "sslmode=require", &front.root()] {
        let parameters = format!("hostaddr=127.0.0.1&{mode}");
        front.ask("", &parameters).await.unwrap();
        assert_eq!(front.connections(), (1, 0), "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_full_refuses_a_stranger_and_another_name() {
    let front = Front::start(Some("localhost")).await;
    let other = Front::start(Some("localhost")).await;
    for (host, parameters) in [
        // Made by nobody whom the system trusts.
        ("localhost", "sslmode=verify-full"),
        ("localhost", &other.root()),
        ("127.0.0.1", &front.root()),
    ] {
        let why = front.ask(host, parameters).await.unwrap_err();
        assert!(why.contains("invalid peer certificate"), "{why}");
    }
    assert_eq!(front.connections(), (0, 0));
    // To be read along by whoever poses as the server is what this mode puts up with.
    front.ask("127.0.0.1", "sslmode=require").await.unwrap();
}

#[tokio::test]
async fn a_file_without_certificates_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let body = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    for path in [
        write("empty.pem", ""),
        folder.path().join("absent.pem"),
        // RFC 7468: without its END line, and with a dash too few.
        write("cut.pem", body),
        write("dashes.pem", &body.replace("-----BEGIN", "----BEGIN")),
    ] {
        let url = format!(
            "postgres://localhost/keymoor?sslmode=verify-full&sslrootcert={}",
            path.display()
        );
        let url: DatabaseUrl = url.parse().unwrap();
        let error = Db::open(&url.into()).err().unwrap();
        assert!(
            matches!(&error, Error::Unfit(why) if why.contains(&path.display().to_string())),
            "{error}"
        );
    }
}
