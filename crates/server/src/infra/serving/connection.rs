//! One connection, from its first byte to its end.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::{HeaderValue, Version};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::Service as _;

use super::host;
use super::seats::{Exchange, Farewell, Seat};
use super::service::Service;
use crate::base::reason::Reason;

/// The longest request line has 8 kB, and headers need as much again. hyper limits HTTP/1 to 100
/// headers. A connection of HTTP/1 may use twice as much for a head, however little it sent before.
const HEAD_BYTES: usize = 16 * 1024;
/// Maximum number of open requests of an HTTP/2 connection.
const STREAMS: u32 = 100;
/// Maximum number of streams that a client may reset before the server accepts them
/// (CVE-2023-44487).
const PENDING_RESETS: usize = 20;
/// Maximum number of streams that the server resets because of a client's errors (CVE-2025-8671).
const PROVOKED_RESETS: usize = 200;
/// Flow-control windows in bytes: of one request, and of a connection. Every body is read at once or
/// never, so a window is only in use until the next time that its connection's task runs.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024;
/// An HTTP/2 peer is pinged after this time without data.
const PING_AFTER: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) type Http = Builder<TokioExecutor>;

/// Builds the HTTP protocol settings of all connections.
pub(super) fn http() -> Http {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // The seat's limit covers this, and also the silence before the first byte.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(PROVOKED_RESETS)
        .max_header_list_size(u32::try_from(HEAD_BYTES).expect("16 kB are a u32"))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_TIMEOUT);
    http
}

/// Serves the requests of `peer` until either side closes the connection.
pub(super) async fn converse<I>(
    http: &Http,
    io: I,
    peer: SocketAddr,
    service: Service,
    seat: Arc<Seat>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(Heard {
        io,
        seat: Arc::clone(&seat),
    });
    let asked = Arc::clone(&seat);
    let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
        let answering = asked
            .asked(request.version() == Version::HTTP_2)
            .map(|exchange| {
                let is_valid = host::is_valid(&request);
                let request = received(request, peer, &exchange);
                let answering = is_valid.then(|| service.clone().call(request));
                (exchange, answering)
            });
        async move {
            let Some((exchange, answering)) = answering else {
                // Only HTTP/2 has several requests open. The client may repeat this one (RFC 9113,
                // section 8.7).
                return Err(h2::Error::from(h2::Reason::REFUSED_STREAM));
            };
            let mut answer = match answering {
                Some(answering) => answering.await.unwrap_or_else(|never| match never {}),
                None => host::refuse(peer),
            };
            exchange.answered();
            // No browser may take what we send for another type.
            let headers = answer.headers_mut();
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            Ok(answer.map(|body| Answering { body, exchange }))
        }
    });
    let mut connection = pin!(http.serve_connection(io, answer));
    loop {
        let farewell = tokio::select! {
            // A response is written before the connection may end.
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    failed(&*error, peer);
                }
                return;
            }
            farewell = seat.told() => farewell,
        };
        if farewell == Farewell::Cut && !seat.is_working() {
            return;
        }
        connection.as_mut().graceful_shutdown();
    }
}

/// Logs the end of a connection. hyper itself answers a request head that it can't read. The peer may
/// be a proxy, so this line doesn't name it as the client's address.
fn failed(error: &(dyn Error + 'static), peer: SocketAddr) {
    let hyper: Option<&hyper::Error> = error.downcast_ref();
    if hyper.is_some_and(hyper::Error::is_parse) {
        tracing::info!(reason = %Reason::Malformed, peer = %peer.ip(), %error, "refused");
    } else {
        tracing::debug!(%error, "connection failed");
    }
}

/// Converts a request for the router, with the peer's address.
fn received(request: Request<Incoming>, peer: SocketAddr, exchange: &Exchange) -> Request {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(ConnectInfo(peer));
    let body = if body.is_end_stream() {
        exchange.whole();
        Body::empty()
    } else {
        Body::new(Receiving {
            body,
            exchange: exchange.clone(),
        })
    };
    Request::from_parts(parts, body)
}

/// A request body that reports its end to the exchange, or that nobody will read it.
struct Receiving {
    body: Incoming,
    exchange: Exchange,
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.exchange.whole();
    }
}

impl HttpBody for Receiving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.exchange.whole();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response body that reports each read to the exchange. Hyper polls it when the client accepts
/// more. The exchange ends with it.
struct Answering {
    body: Body,
    exchange: Exchange,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.exchange.read_on();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that reports arriving bytes to the seat.
struct Heard<I> {
    io: I,
    seat: Arc<Seat>,
}

impl<I: AsyncRead + Unpin> AsyncRead for Heard<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.seat.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Heard<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, buffers)
    }
}
