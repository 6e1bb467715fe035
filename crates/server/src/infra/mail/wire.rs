//! The connection to a mail server, in clear and over TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use keymoor_db::tls::{Certificates, client_config};
use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::bounded::Bounded;

/// What a server says before the first command. After STARTTLS it says nothing (RFC 3207, section
/// 4.2), but the library that speaks SMTP expects a greeting on every connection.
const GREETING: &[u8] = b"220 TLS\r\n";

/// Opens TLS to one mail server.
pub(super) struct Tls {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl Tls {
    pub(super) fn new(host: &str, certificates: &Certificates) -> Result<Self, String> {
        let failed = |why: &dyn ToString| {
            format!(
                "TLS for the mail server can't be set up: {}",
                why.to_string()
            )
        };
        let config = client_config(certificates).map_err(|error| failed(&error))?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            server: ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?,
        })
    }

    /// Performs the handshake.
    pub(super) async fn open(&self, wire: Clear) -> io::Result<Encrypted> {
        self.connector.connect(self.server.clone(), wire).await
    }
}

pub(super) type Clear = Bounded<TcpStream>;
pub(super) type Encrypted = TlsStream<Clear>;

/// The stream that the SMTP library reads. It limits what the library has to parse and spells the
/// keywords in replies as the library expects.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: Bounded<S>,
    peer: SocketAddr,
    greeting: &'static [u8],
    line: ReplyLine,
}

impl<S> Wire<S> {
    /// A connection whose server speaks first.
    pub(super) fn new(stream: S, peer: SocketAddr) -> Self {
        Self {
            stream: Bounded::new(stream),
            peer,
            greeting: &[],
            line: ReplyLine::default(),
        }
    }

    /// A connection that STARTTLS has encrypted.
    pub(super) fn greeted(stream: S, peer: SocketAddr) -> Self {
        Self {
            greeting: GREETING,
            ..Self::new(stream, peer)
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> AsyncTokioStream
    for Wire<S>
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (now, later) = self
                .greeting
                .split_at(self.greeting.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.line.spell_keywords(&mut buffer.filled_mut()[before..]);
        Poll::Ready(Ok(()))
    }
}

/// The position in a line of a reply.
#[derive(Debug, Default)]
struct ReplyLine {
    column: usize,
    /// Whether every byte so far was that of a 250 reply.
    is_success: bool,
}

impl ReplyLine {
    /// Converts the text of 250 replies to upper case. EHLO keywords are case-insensitive (RFC 5321,
    /// section 2.4), but the library knows only this spelling. No other 250 reply's text is read.
    fn spell_keywords(&mut self, heard: &mut [u8]) {
        for byte in heard {
            match (self.column, *byte) {
                (_, b'\n') => {
                    self.column = 0;
                    continue;
                }
                (0, first) => self.is_success = first == b'2',
                (1, second) => self.is_success &= second == b'5',
                (2, third) => self.is_success &= third == b'0',
                _ if self.is_success => byte.make_ascii_uppercase(),
                _ => {}
            }
            self.column = self.column.saturating_add(1);
        }
    }
}

/// A stream that its lender can take back, for TLS after STARTTLS. The borrower drops bytes that it
/// has read ahead, so nothing that was sent in clear passes as encrypted.
#[derive(Debug)]
pub(super) struct Lent<S>(Arc<Mutex<Option<S>>>);

impl<S> Lent<S> {
    /// Returns two handles of the stream.
    pub(super) fn pair(stream: S) -> (Self, Self) {
        let stream = Arc::new(Mutex::new(Some(stream)));
        (Self(Arc::clone(&stream)), Self(stream))
    }

    /// Takes the stream from the other handle, which fails from now on.
    pub(super) fn take(&self) -> io::Result<S> {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream.take().ok_or_else(taken)
    }

    fn with<T>(&self, poll: impl FnOnce(Pin<&mut S>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>>
    where
        S: Unpin,
    {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *stream {
            Some(stream) => poll(Pin::new(stream)),
            None => Poll::Ready(Err(taken())),
        }
    }
}

fn taken() -> io::Error {
    io::Error::other("the connection continues over TLS")
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buffer))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(chunks: &[&str]) -> String {
        let mut line = ReplyLine::default();
        let mut heard = Vec::new();
        for chunk in chunks {
            let mut bytes = chunk.as_bytes().to_vec();
            line.spell_keywords(&mut bytes);
            heard.extend(bytes);
        }
        String::from_utf8(heard).unwrap()
    }

    /// RFC 5321, section 2.4.
    #[test]
    fn keywords_of_ehlo_are_case_insensitive() {
        let reply = "250-mail.example\r\n250-auth Plain\r\n250 StartTls\r\n";
        let expected = "250-MAIL.EXAMPLE\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";
        assert_eq!(spelled(&[reply]), expected);
        let single: Vec<&str> = reply.split_inclusive(|_| true).collect();
        assert_eq!(spelled(&single), expected);
    }

    #[test]
    fn other_replies_stay_as_they_are() {
        for reply in [
            "334 VXNlcm5hbWU6\r\n",
            "220 mail.example\r\n",
            "550 5.1.1 unknown\r\n",
        ] {
            assert_eq!(spelled(&[reply]), reply);
        }
    }
}
