//! TLS with a client that trusts only the certificate it is told of.

use axum::body::Bytes;
use keymoor_types::{Seconds, Timestamp};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::infra::serving::self_signed::{self, Kept};
use crate::infra::serving::tls::{Certificate, TlsFiles};

/// 2026-01-01T00:00:00Z
const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

struct Files {
    _folder: TempDir,
    files: TlsFiles,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
        };
        let made = Self {
            _folder: folder,
            files,
        };
        assert_eq!(made.keep(&["localhost"], NOW), Kept::Created);
        made
    }

    fn keep(&self, hosts: &[&str], now: Timestamp) -> Kept {
        let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
        self_signed::keep(&self.files, &hosts, now).unwrap()
    }

    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&self.files.certificate).unwrap()
    }

    /// Replaces both files by those of another certificate.
    fn replace(&self) {
        std::fs::remove_file(&self.files.certificate).unwrap();
        assert_eq!(self.keep(&["localhost"], NOW), Kept::Created);
    }

    fn why_unfit(&self) -> String {
        Tls::start(self.files.clone()).unwrap_err().to_string()
    }
}

/// A handshake with a client that trusts `root`; what it then speaks through.
async fn shake(
    server: &Running,
    root: CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

async fn asks_over_http2(stream: TlsStream<TcpStream>) -> Bytes {
    let (mut client, connection) = hyper::client::conn::http2::handshake::<_, _, Body>(
        TokioExecutor::new(),
        TokioIo::new(stream),
    )
    .await
    .unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get("https://localhost/").body(Body::empty());
    let answer = client.send_request(request.unwrap()).await.unwrap();
    answer.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_speaks_http2_over_tls_1_2_and_1_3() {
    let files = Files::new();
    let tls = Tls::start(files.files.clone()).unwrap();
    let server = Running::start_with(settings(10), Some(tls)).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let stream = shake(&server, files.certificate(), &[version])
            .await
            .unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(asks_over_http2(stream).await, "ok");
    }
    let stranger = Files::new().certificate();
    let refused = shake(&server, stranger, rustls::ALL_VERSIONS).await;
    assert!(refused.is_err());
    server.stop().await;
}

#[tokio::test]
async fn plain_http_gets_no_answer_where_tls_is_spoken() {
    let tls = Tls::start(Files::new().files).unwrap();
    let server = Running::start_with(settings(10), Some(tls)).await;
    let mut plain = server.connect().await;
    plain.ask("/").await;
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, plain.0.read_to_end(&mut rest)).await;
    let _reset = end.expect("the connection ends");
    assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_cut_off() {
    let files = Files::new();
    let tls = Tls::start(files.files.clone()).unwrap();
    let brief = ServingSettings {
        head: SHORT,
        ..settings(10)
    };
    let server = Running::start_with(brief, Some(tls)).await;
    server.connect().await.is_closed().await;
    server.stop().await;
}

#[tokio::test]
async fn a_reload_swaps_the_certificate_and_leaves_connections_alone() {
    let files = Files::new();
    let old = files.certificate();
    let tls = Tls::start(files.files.clone()).unwrap();
    let server = Running::start_with(settings(10), Some(tls.clone())).await;
    let before = shake(&server, old.clone(), rustls::ALL_VERSIONS)
        .await
        .unwrap();
    files.replace();
    tls.reload().unwrap();
    let after = shake(&server, files.certificate(), rustls::ALL_VERSIONS).await;
    assert_eq!(asks_over_http2(after.unwrap()).await, "ok");
    assert!(shake(&server, old, rustls::ALL_VERSIONS).await.is_err());
    assert_eq!(asks_over_http2(before).await, "ok");
    server.stop().await;
}

#[tokio::test]
async fn a_reload_of_something_broken_keeps_the_old_certificate() {
    let files = Files::new();
    let old = files.certificate();
    let tls = Tls::start(files.files.clone()).unwrap();
    let server = Running::start_with(settings(10), Some(tls.clone())).await;
    std::fs::write(&files.files.certificate, "nonsense").unwrap();
    tls.reload().unwrap_err();
    let stream = shake(&server, old, rustls::ALL_VERSIONS).await.unwrap();
    assert_eq!(asks_over_http2(stream).await, "ok");
    server.stop().await;
}

#[test]
fn files_that_can_not_be_used_are_named_with_the_reason() {
    let files = Files::new();
    let certificate = std::fs::read(&files.files.certificate).unwrap();
    std::fs::write(&files.files.certificate, "nonsense").unwrap();
    let nonsense = files.why_unfit();
    assert!(
        nonsense.ends_with("certificate.pem contains no PEM certificate"),
        "{nonsense}"
    );
    std::fs::write(&files.files.certificate, &certificate).unwrap();
    std::fs::write(&files.files.key, &certificate).unwrap();
    let no_key = files.why_unfit();
    assert!(
        no_key.ends_with("key.pem contains no PEM private key"),
        "{no_key}"
    );
    std::fs::copy(&Files::new().files.key, &files.files.key).unwrap();
    let mismatch = files.why_unfit();
    assert!(
        mismatch.contains("does not match the first certificate in"),
        "{mismatch}"
    );
    std::fs::remove_file(&files.files.certificate).unwrap();
    let absent = files.why_unfit();
    assert!(
        absent.starts_with("can't read the TLS file ") && absent.contains("No such file"),
        "{absent}"
    );
}

/// RFC 7468 section 2: white space and text around blocks do not matter. `types::pem` has the rest.
#[test]
fn files_as_editors_leave_them_are_read_in_full_or_refused() {
    let files = Files::new();
    let [certificate, key] = [&files.files.certificate, &files.files.key]
        .map(|path| std::fs::read_to_string(path).unwrap());
    let glued = format!("\u{feff}{}{certificate}", certificate.trim_end());
    let chain = |text: &str| {
        std::fs::write(&files.files.certificate, text).unwrap();
        Certificate::read(&files.files).map(|certificate| certificate.chain_length())
    };
    assert_eq!(chain(&glued).unwrap(), 2);
    assert_eq!(chain(&glued.replace('\n', "\r\n  ")).unwrap(), 2);
    assert_eq!(chain(&format!("{key}text\n{certificate}")).unwrap(), 1);
    for (text, why) in [
        (
            format!(
                "{certificate}{}",
                certificate.replace("-----BEGIN", "----BEGIN")
            ),
            "the BEGIN or END line after PEM block 1 is malformed",
        ),
        (
            format!(
                "{certificate}{}",
                certificate.replace("CERTIFICATE", "TRUSTED CERTIFICATE")
            ),
            "PEM block 2 is no certificate, but a TRUSTED CERTIFICATE",
        ),
        (
            format!("{certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "certificate 2 is malformed",
        ),
    ] {
        let error = chain(&text).unwrap_err().to_string();
        assert!(
            error.contains("certificate.pem") && error.contains(why),
            "{error}"
        );
    }
    chain(&certificate).unwrap();
    let with_key = |text: &str| {
        std::fs::write(&files.files.key, text).unwrap();
        Certificate::read(&files.files).map(|certificate| certificate.chain_length())
    };
    let odd = format!("\u{feff}{certificate}{}", key.replace('\n', "\r\n\t"));
    assert_eq!(with_key(&odd).unwrap(), 1);
    for (text, why) in [
        (format!("{key}{key}"), "contains several private keys"),
        (key.replace("PRIVATE", "ENCRYPTED PRIVATE"), "is encrypted"),
        (
            key.replace("-----END", "--END"),
            "PEM block 1 has no END line",
        ),
    ] {
        let error = with_key(&text).unwrap_err().to_string();
        assert!(error.contains("key.pem") && error.contains(why), "{error}");
    }
}

#[test]
fn a_self_signed_certificate_is_kept_until_it_no_longer_fits() {
    use std::os::unix::fs::PermissionsExt as _;

    let files = Files::new();
    let first = files.certificate();
    for file in [&files.files.key, &files.files.certificate] {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(files.keep(&["localhost"], NOW + Seconds::DAY), Kept::Found);
    assert_eq!(files.certificate(), first);
    let hosts = ["auth.example", "localhost", "127.0.0.1", "::1"];
    assert_eq!(files.keep(&hosts, NOW), Kept::Created);
    assert_eq!(files.keep(&hosts, NOW), Kept::Found);
    assert_eq!(files.keep(&["127.0.0.2"], NOW), Kept::Created);
    let late = Certificate::read(&files.files).unwrap().not_after - Seconds::DAY;
    assert_eq!(files.keep(&["127.0.0.2"], late), Kept::Created);
}
