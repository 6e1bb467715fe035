//! TLS from the first byte of a connection to a mail server (RFC 8314, section 3.3).

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::bounded::Bounded;

/// TLS with one mail server.
pub(super) struct ImplicitTls {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl ImplicitTls {
    /// # Errors
    /// When `host` is neither a name nor an address.
    pub(super) fn new(host: &str, roots: RootCertStore) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS for the mail server can't be set up: {error}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host} is not the name of a mail server"))?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            server,
        })
    }

    /// Encrypts `stream`. The limits hold for what the server sends, and for what it means.
    pub(super) async fn connect(
        &self,
        stream: Bounded<TcpStream>,
    ) -> io::Result<Bounded<TlsStream<Bounded<TcpStream>>>> {
        let peer = stream.peer();
        let encrypted = self.connector.connect(self.server.clone(), stream).await?;
        Ok(Bounded::new(encrypted, peer))
    }
}

/// Returns the certificates that the operating system trusts.
pub(super) fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _unreadable) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(
            "the system trusts no certificates, so it can't trust a mail server".to_owned(),
        );
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use keymoor_types::{OutboxId, Seconds, Timestamp};
    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::infra::mail::letters::{Addressee, passkey_added};
    use crate::infra::mail::{MailSettings, Mailer as _, Outcome, SmtpMailer};

    /// Far more than the limit and what the sockets hold.
    const ENDLESS: usize = 32 << 20;

    struct Server {
        certificate: CertificateDer<'static>,
        acceptor: TlsAcceptor,
        listener: TcpListener,
    }

    impl Server {
        async fn start() -> Self {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let certificate = made.cert.der().clone();
            let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate.clone()], key)
                .unwrap();
            Self {
                certificate,
                acceptor: TlsAcceptor::from(Arc::new(config)),
                listener: TcpListener::bind(("127.0.0.1", 0)).await.unwrap(),
            }
        }

        fn mailer(&self) -> SmtpMailer {
            let port = self.listener.local_addr().unwrap().port();
            let mut mailer = SmtpMailer::new(MailSettings {
                server: format!("smtps://127.0.0.1:{port}").parse().unwrap(),
                from: "Keymoor <keymoor@example.com>".parse().unwrap(),
                timeout: Seconds::MINUTE,
            })
            .unwrap();
            let mut roots = RootCertStore::empty();
            roots.add(self.certificate.clone()).unwrap();
            mailer.implicit_tls = Some(ImplicitTls::new("localhost", roots).unwrap());
            mailer
        }

        /// Repeats `reply` until the client hangs up, and returns the number of bytes it took.
        async fn say(&self, reply: &[u8]) -> usize {
            let (stream, _) = self.listener.accept().await.unwrap();
            let mut stream = self.acceptor.accept(stream).await.unwrap();
            let chunk = reply.repeat((16 << 10) / reply.len());
            let mut taken = 0;
            while taken < ENDLESS && stream.write_all(&chunk).await.is_ok() {
                taken += chunk.len();
            }
            taken
        }
    }

    #[tokio::test]
    async fn an_endless_reply_over_tls_is_cut_off() {
        for reply in [&b"220-more\r\n"[..], b"220-\r\n", b"x"] {
            let server = Server::start().await;
            let mailer = server.mailer();
            let id: OutboxId = "019b7717-7c00-7000-8000-000000000000".parse().unwrap();
            let ada = Addressee {
                address: "ada@example.com".to_owned(),
                username: "ada@example.com".to_owned(),
                realm: "Acme".to_owned(),
            };
            let mail = passkey_added(id, Timestamp::from_seconds(1_767_225_600), ada).unwrap();
            let (outcome, taken) = tokio::join!(mailer.send(&mail), server.say(reply));
            assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
            assert!(taken < ENDLESS, "{taken} bytes were taken");
        }
    }
}
