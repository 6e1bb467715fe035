//! Connections and their settings.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const WRITER_CACHE_MIB: i64 = 32;
const READER_CACHE_MIB: i64 = 8;
const JOURNAL_LIMIT_BYTES: i64 = 64 << 20;
/// 16 MiB of pages of 4 KiB: rarer checkpoints mean more throughput, and longer ones.
const CHECKPOINT_PAGES: i64 = 4000;

/// Opens the connection of the writer thread, and turns WAL on.
pub(super) fn open_to_write(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    conn.pragma_update(None, "journal_size_limit", JOURNAL_LIMIT_BYTES)?;
    configure(&conn, WRITER_CACHE_MIB)?;
    Ok(conn)
}

/// Opens a connection that can't change the database.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    configure(&conn, READER_CACHE_MIB)?;
    Ok(conn)
}

fn configure(conn: &Connection, cache_mib: i64) -> rusqlite::Result<()> {
    conn.pragma_update(None, "cache_size", -1024 * cache_mib)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // A statement's plan never depends on bound values, so running it with other values never
    // prepares it again.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(())
}
