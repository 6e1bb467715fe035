//! A connection that limits how much the server can send.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Far more than a server needs to send for one mail, including its certificates.
const MAX_BYTES: usize = 32 << 10;
/// A legitimate server sends less than a tenth of this in clear. Encrypted data of the maximum
/// length looks like about half of it.
const MAX_LINES: usize = 256;

/// Fails once the server has sent more than this. For each line of a reply, the SMTP library parses
/// the whole reply again. An endless reply would occupy a processor, past every timeout.
#[derive(Debug)]
pub(super) struct Bounded<S> {
    stream: S,
    bytes_left: usize,
    lines_left: usize,
}

impl<S> Bounded<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self {
            stream,
            bytes_left: MAX_BYTES,
            lines_left: MAX_LINES,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let heard = &buffer.filled()[before..];
        let lines = heard.split(|&byte| byte == b'\n').count() - 1;
        let left = (
            self.bytes_left.checked_sub(heard.len()),
            self.lines_left.checked_sub(lines),
        );
        let (Some(bytes_left), Some(lines_left)) = left else {
            return Poll::Ready(Err(io::Error::other("the mail server's reply is too long")));
        };
        self.bytes_left = bytes_left;
        self.lines_left = lines_left;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
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
