//! Read-only connections, lent out one at a time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::configure;
use crate::statement::Conn;
use crate::{Error, Result, Rx};

/// More than this many at once are opened and closed again: enough for every worker of any
/// machine this runs on, and idle ones cost a few hundred kilobytes.
const KEPT_IDLE: usize = 32;
const CACHE_MIB: i64 = 8;

/// Connections to read from.
///
/// None waits for another: a read never yields, so there are never more than threads that read.
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
        let outcome = super::poll_once(work(&mut rx)).unwrap_or_else(|error| Err(error.into()));
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
        Ok(open(&self.path)?)
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

/// A connection that can't change the database.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(super::writer::BUSY_TIMEOUT)?;
    configure(&conn, CACHE_MIB)?;
    Ok(conn)
}
