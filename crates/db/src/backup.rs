//! Online backup of an SQLite file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{self, Path, PathBuf};

use crate::error::{Error, Result};
use crate::sqlite;
use crate::url::DatabaseUrl;

/// Copies the committed state to `target`, which must not exist, and returns when the copy is
/// durable. Takes no lock, blocks no writer and leaves the database unchanged.
///
/// The copy is written under a temporary name first, so a file named `target` is always complete.
///
/// [`Error::Unfit`] for PostgreSQL, which has its own tools, for a target that exists or can't be
/// written, and for a missing database.
pub fn backup(url: &DatabaseUrl, target: &Path) -> Result<()> {
    let DatabaseUrl::Sqlite(database) = url else {
        return Err(Error::Unfit(
            "only SQLite is backed up like this: use pg_dump for PostgreSQL".to_owned(),
        ));
    };
    if target.file_name().is_none() {
        return Err(Error::Unfit("the copy needs a name".to_owned()));
    }
    // SQLite parses a name that begins with `file:` as a URI.
    let target = &path::absolute(target)
        .map_err(|error| Error::Unfit(format!("{}: {error}", target.display())))?;
    let failed = |error: io::Error| Error::Unfit(format!("{}: {error}", target.display()));
    if fs::exists(target).map_err(failed)? {
        return Err(Error::Unfit(format!(
            "{} exists already, and is left as it is",
            target.display()
        )));
    }
    if !database.exists() {
        let problem = format!(
            "there is no database {}: set KEYMOOR_DATABASE_URL",
            database.display()
        );
        return Err(Error::Unfit(problem));
    }
    let unfinished = Unfinished::create(target)?;
    sqlite::copy(database, &unfinished.path)?;
    File::open(&unfinished.path)
        .and_then(|file| file.sync_all())
        // Unlike a rename, a link never replaces a file that was created in the meantime.
        .and_then(|()| fs::hard_link(&unfinished.path, target))
        .and_then(|()| fs::remove_file(&unfinished.path))
        .and_then(|()| File::open(folder(target))?.sync_all())
        .map_err(failed)
}

fn folder(file: &Path) -> &Path {
    file.parent().expect("a file is in a folder")
}

/// A temporary name, deleted on drop whether or not the backup succeeded.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// Creates `{target}.unfinished` with access for its owner only: it holds personal names.
    fn create(target: &Path) -> Result<Self> {
        let mut path = OsString::from(target);
        path.push(".unfinished");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(&path) {
            Ok(_) => Ok(Self { path }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::Unfit(format!(
                    "{} is left from a backup that was interrupted, or being written by another: \
                     delete it unless one runs",
                    path.display()
                )))
            }
            Err(error) => Err(Error::Unfit(format!("{}: {error}", path.display()))),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _deleted_already = fs::remove_file(&self.path);
    }
}
