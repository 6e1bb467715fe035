//! TLS: one configuration for all listeners, with a certificate that can be replaced while serving.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use keymoor_types::Timestamp;
use keymoor_types::pem::{self, PemError};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the server's certificate first, then the intermediate certificates.
    pub certificate: PathBuf,
    /// PEM: the private key of the first certificate.
    pub key: PathBuf,
}

/// Why a certificate can't be used, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("can't read the TLS file {0}: {1}")]
    Io(String, std::io::Error),
    #[error("{0} contains no PEM certificate")]
    NoCertificate(String),
    #[error("{0} contains no PEM private key")]
    NoKey(String),
    #[error("{0} can't be read as PEM: {1}")]
    Pem(String, PemError),
    #[error("the private key in {0} is encrypted: store it without a password")]
    EncryptedKey(String),
    #[error("{0} contains several private keys: leave that of the first certificate")]
    SeveralKeys(String),
    #[error("the key in {key} does not match the first certificate in {certificate}")]
    Mismatch { certificate: String, key: String },
    #[error("the certificate in {0} can't be used: {1}")]
    Unfit(String, String),
}

/// A certificate and its matching key.
#[derive(Debug)]
pub struct Certificate {
    certified: Arc<CertifiedKey>,
    /// When it expires.
    pub not_after: Timestamp,
}

impl Certificate {
    /// Reads and checks both files.
    pub fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let name = files.certificate.display().to_string();
        let chain = certificates(&files.certificate, &name)?;
        let key = private_key(&files.key)?;
        let provider = aws_lc_rs::default_provider();
        let certified = certified(chain, key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
                certificate: name.clone(),
                key: files.key.display().to_string(),
            },
            error => TlsError::Unfit(name.clone(), error.to_string()),
        })?;
        let not_after = not_after(&certified).map_err(|error| TlsError::Unfit(name, error))?;
        Ok(Self {
            certified: Arc::new(certified),
            not_after,
        })
    }

    /// The number of certificates, the server's own included.
    #[cfg(test)]
    pub(super) fn chain_length(&self) -> usize {
        self.certified.cert.len()
    }

    /// The server's own certificate, in DER.
    pub fn leaf(&self) -> &[u8] {
        self.certified.cert.first().map_or(&[], AsRef::as_ref)
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, rustls::Error> {
    CertifiedKey::from_der(chain, key, provider)
}

fn certificates(path: &Path, name: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = std::fs::read(path).map_err(|error| TlsError::Io(name.to_owned(), error))?;
    let chain = pem::certificates(&text).map_err(|error| match error {
        PemError::Empty => TlsError::NoCertificate(name.to_owned()),
        error => TlsError::Pem(name.to_owned(), error),
    })?;
    for (at, certificate) in chain.iter().enumerate() {
        if X509Certificate::from_der(certificate).is_err() {
            let problem = format!("certificate {} is malformed", at + 1);
            return Err(TlsError::Unfit(name.to_owned(), problem));
        }
    }
    Ok(chain.into_iter().map(CertificateDer::from).collect())
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let name = path.display().to_string();
    let text = match std::fs::read(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => return Err(TlsError::Io(name, error)),
    };
    let blocks = pem::blocks(&text).map_err(|error| match error {
        PemError::Empty => TlsError::NoKey(name.clone()),
        error => TlsError::Pem(name.clone(), error),
    })?;
    let mut keys = Vec::new();
    for block in blocks {
        match block.label.as_str() {
            "PRIVATE KEY" => keys.push(PrivateKeyDer::Pkcs8(block.der.into())),
            "RSA PRIVATE KEY" => keys.push(PrivateKeyDer::Pkcs1(block.der.into())),
            "EC PRIVATE KEY" => keys.push(PrivateKeyDer::Sec1(block.der.into())),
            "ENCRYPTED PRIVATE KEY" => return Err(TlsError::EncryptedKey(name)),
            // The certificate, or parameters of the key.
            _ => {}
        }
    }
    match keys.len() {
        0 => Err(TlsError::NoKey(name)),
        1 => Ok(keys.remove(0)),
        _ => Err(TlsError::SeveralKeys(name)),
    }
}

fn not_after(certified: &CertifiedKey) -> Result<Timestamp, String> {
    let leaf = certified
        .end_entity_cert()
        .map_err(|error| error.to_string())?;
    let (_, leaf) = X509Certificate::from_der(leaf).map_err(|error| error.to_string())?;
    let seconds = leaf.validity().not_after.timestamp();
    Ok(Timestamp::from_micros(seconds.saturating_mul(1_000_000)))
}

/// The TLS configuration that listeners share. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    current: Arc<Current>,
    pub(super) acceptor: TlsAcceptor,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.files).finish()
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 with the certificate in `files`.
    ///
    /// # Errors
    /// When the files can't be read or don't match.
    pub fn start(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Arc::new(Current(RwLock::new(Certificate::read(&files)?.certified)));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the suites of TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            files,
            current,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// Reads the files again. New handshakes use the new certificate; open connections continue.
    ///
    /// # Errors
    /// As [`Tls::start`]. The old certificate stays in use then.
    pub fn reload(&self) -> Result<Timestamp, TlsError> {
        let Certificate {
            certified,
            not_after,
        } = Certificate::read(&self.files)?;
        *self
            .current
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner) = certified;
        Ok(not_after)
    }
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}
