//! A mail server that speaks TLS after STARTTLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

fn acceptor() -> TlsAcceptor {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(issued.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Answers each line as `reply` says, up to and including STARTTLS.
async fn answer<S>(stream: &mut BufReader<S>, reply: impl Fn(&str) -> &'static str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        let _sent = stream.write_all(reply(line.trim_end()).as_bytes()).await;
        if line.starts_with("STARTTLS") {
            return;
        }
        line.clear();
    }
}

fn in_clear(line: &str) -> &'static str {
    match line.split(' ').next() {
        Some("EHLO") => "250-sink\r\n250 starttls\r\n",
        Some("STARTTLS") => "220 go on\r\n",
        _ => "503 not in clear\r\n",
    }
}

fn over_tls(line: &str) -> &'static str {
    match line.split(' ').next() {
        Some("EHLO") => "250-sink\r\n250 auth plain\r\n",
        Some("AUTH") => "235 welcome\r\n",
        Some("DATA") => "354 go on\r\n",
        _ if line == "." => "250 queued\r\n",
        Some("MAIL" | "RCPT" | "QUIT") => "250 ok\r\n",
        _ => "",
    }
}

/// RFC 3207, section 4.
#[tokio::test]
async fn signing_in_and_mail_go_over_tls() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut clear = BufReader::new(stream);
        clear.write_all(b"220 sink\r\n").await.unwrap();
        answer(&mut clear, in_clear).await;
        let encrypted = acceptor().accept(clear.into_inner()).await.unwrap();
        answer(&mut BufReader::new(encrypted), over_tls).await;
    });
    let mailer = mailer(port, "ada:secret@", Seconds::MINUTE);
    assert_eq!(mailer.send(&link_mail(ada())).await, Outcome::Accepted);
    server.await.unwrap();
}

#[tokio::test]
async fn d13_an_endless_reply_over_tls_is_cut_off() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&sent);
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut clear = BufReader::new(stream);
        clear.write_all(b"220 sink\r\n").await.unwrap();
        answer(&mut clear, in_clear).await;
        let mut encrypted = acceptor().accept(clear.into_inner()).await.unwrap();
        let endless = "250-more\r\n".repeat(100);
        while encrypted.write_all(endless.as_bytes()).await.is_ok() {
            counted.fetch_add(endless.len(), Ordering::Relaxed);
        }
    });
    // Opportunistic: the server's next connection is refused.
    let outcome = mailer(port, "", Seconds::MINUTE)
        .send(&link_mail(ada()))
        .await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    server.await.unwrap();
    // What the buffers of the kernel and of TLS hold besides.
    assert!(sent.load(Ordering::Relaxed) < 16 << 20);
}
