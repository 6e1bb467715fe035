//! TLS to PostgreSQL, and the choice of trusted certificates for it and for others.
//!
//! Channel binding (RFC 5929) is not supported: the server's certificate proves its identity.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use keymoor_types::pem;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_rustls::{TlsConnector, client};

use crate::error::{Error, Result};

/// Which server certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Certificates {
    /// Any. Protects against passive eavesdropping, but not against an attacker that
    /// impersonates the server.
    #[default]
    Any,
    /// Those issued for the server's host name by an authority that the operating system trusts.
    System,
    /// Those issued for the server's host name by a certificate in this PEM file.
    File(PathBuf),
}

/// Opens TLS on connections to PostgreSQL.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// Fails with [`Error::Unfit`] when there are no trusted certificates.
    pub(crate) fn new(certificates: &Certificates) -> Result<Self> {
        let mut config = client_config(certificates)?;
        // Servers require it with `sslnegotiation=direct`.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

/// Returns the settings of TLS to a server with trusted certificates.
///
/// # Errors
/// [`Error::Unfit`] when there are no trusted certificates.
pub fn client_config(certificates: &Certificates) -> Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(Error::driver)?;
    let roots = match certificates {
        Certificates::Any => None,
        Certificates::System => Some(system_roots()?),
        Certificates::File(path) => Some(roots_of(path)?),
    };
    let config = match roots {
        Some(roots) => builder.with_root_certificates(roots),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))),
    };
    Ok(config.with_no_client_auth())
}

fn system_roots() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _unreadable) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(Error::Unfit(
            "the system trusts no certificates: name a file with sslrootcert".to_owned(),
        ));
    }
    Ok(roots)
}

fn roots_of(path: &Path) -> Result<RootCertStore> {
    let unfit =
        |why: &dyn ToString| Error::Unfit(format!("{}: {}", path.display(), why.to_string()));
    let text = std::fs::read(path).map_err(|error| unfit(&error))?;
    let certificates = pem::certificates(&text).map_err(|error| unfit(&error))?;
    let mut roots = RootCertStore::empty();
    for (at, certificate) in certificates.into_iter().enumerate() {
        let added = roots.add(CertificateDer::from(certificate));
        added.map_err(|error| unfit(&format_args!("certificate {}: {error}", at + 1)))?;
    }
    Ok(roots)
}

/// Trusts every server, but still requires proof that it holds its certificate's key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A [`Tls`] for one server.
pub(crate) struct TlsTo {
    connector: TlsConnector,
    /// Absent on a Unix socket, which never uses TLS.
    server: Option<ServerName<'static>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = TlsStream<S>;
    type TlsConnect = TlsTo;
    type Error = Infallible;

    /// Called for every connection, also for those that will be without TLS.
    fn make_tls_connect(&mut self, host: &str) -> Result<TlsTo, Self::Error> {
        Ok(TlsTo {
            connector: self.0.clone(),
            server: ServerName::try_from(host.to_owned()).ok(),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for TlsTo {
    type Stream = TlsStream<S>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<TlsStream<S>>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let nameless = || io::Error::other("TLS needs a host name or an address");
            let server = self.server.ok_or_else(nameless)?;
            let stream = self.connector.connect(server, stream).await?;
            Ok(TlsStream(stream))
        })
    }
}

/// A stream that the driver treats as a TLS stream.
pub(crate) struct TlsStream<S>(client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for TlsStream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
