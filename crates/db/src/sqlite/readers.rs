//! Read-only connections, lent out one at a time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::connection;
use crate::error::{Error, Result};
use crate::foreign_await::poll_once;
use crate::statement::{Conn, Rx};

/// More than this many at once are opened and closed again: enough for every worker of any
/// machine this runs on, and idle ones cost a few hundred kilobytes.
const KEPT_IDLE: usize = 32;

/// Connections to read from.
///
/// Reads never wait for each other: a read never yields, so there are at most as many as threads.
pub(crate) struct Readers {
    path: PathBuf,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::new(Some(Vec::new())),
        }
    }

    /// Runs `work` on this thread, in one go.
    pub(crate) fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T, E>,
        E: From<Error>,
    {
        let mut rx = Rx::new(Conn::Sqlite(self.take()?));
        let outcome = poll_once(work(&mut rx)).unwrap_or_else(|error| Err(error.into()));
        let outcome = rx.verdict(outcome);
        if let Conn::Sqlite(conn) = rx.into_conn() {
            self.give_back(conn);
        }
        outcome
    }

    pub(super) fn close(&self) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    fn take(&self) -> Result<Connection> {
        match self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            None => return Err(Error::Closed),
            Some(idle) => {
                if let Some(conn) = idle.pop() {
                    return Ok(conn);
                }
            }
        }
        Ok(connection::open_to_read(&self.path)?)
    }

    fn give_back(&self, conn: Connection) {
        if let Some(idle) = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
            && idle.len() < KEPT_IDLE
        {
            idle.push(conn);
        }
    }
}
