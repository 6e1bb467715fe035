//! Rejects a closure that awaits anything but its own statements.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use crate::error::{Error, Result};

/// Polls `future` once. Statements on SQLite never wait, so a future that awaits only statements is
/// ready then; any other has awaited something foreign.
pub(crate) fn poll_once<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err(Error::ForeignAwait),
    }
}

/// Fails as soon as `future` waits while no statement runs. PostgreSQL would allow it, but SQLite's
/// writer thread can't wait, and a closure must not work on one database only.
pub(crate) async fn await_only_statements<T>(
    future: impl Future<Output = T>,
    in_statement: &AtomicBool,
) -> Result<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Ok(value)),
        Poll::Pending if in_statement.load(Ordering::Relaxed) => Poll::Pending,
        Poll::Pending => Poll::Ready(Err(Error::ForeignAwait)),
    })
    .await
}
