//! SQLite: one writer thread that commits in groups, and read-only connections used inline.

mod connection;
mod constraints;
mod inbox;
mod readers;
pub(crate) mod statements;
mod writer;

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use readers::Readers;
use writer::Writer;

use crate::error::{Error, Result, unfit_file};
use crate::stats::Stats;

/// Both ends of one database file.
pub(crate) struct Sqlite {
    pub(crate) writer: Writer,
    pub(crate) readers: Readers,
    pub(crate) scanners: Readers,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, patience: Duration, stats: Stats) -> Result<Self> {
        create_private(path).map_err(|error| unfit_file("open", path, &error))?;
        Ok(Self {
            // Turns WAL on, without which readers can't open.
            writer: Writer::start(path, patience, stats)?,
            readers: Readers::new(path),
            scanners: Readers::new(path),
        })
    }

    /// Without a writer.
    pub(crate) fn open_read_only(path: &Path) -> Self {
        Self {
            writer: Writer::none(),
            readers: Readers::new(path),
            scanners: Readers::new(path),
        }
    }

    /// Finishes queued work, then closes every connection.
    pub(crate) async fn close(&self) {
        self.readers.close();
        self.scanners.close();
        self.writer.close().await;
    }
}

/// Creates the file readable by its owner only: SQLite would create it readable by all users.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Copies the committed state of a database to an empty file.
///
/// Uses `VACUUM INTO` instead of the backup API: in steps, that restarts at each concurrent write,
/// and so never ends beside a busy server.
pub(crate) fn copy(database: &Path, empty: &Path) -> Result<()> {
    let conn = connection::open_to_read(database)
        .map_err(|error| Error::Unfit(format!("can't open {}: {error}", database.display())))?;
    let target = empty
        .to_str()
        .ok_or_else(|| Error::Unfit("the path of the copy must be valid Unicode".to_owned()))?;
    conn.execute("VACUUM INTO ?1", [target])?;
    Ok(())
}
