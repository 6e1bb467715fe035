//! A copy of an SQLite file, taken while others write to it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{DatabaseUrl, Error, Result, sqlite};

/// Writes what is committed now to `target`, a file that must not be there yet, and returns when
/// it is durable. Takes no lock, holds no writer up and changes nothing in the database.
///
/// The copy is written beside its place first: a file named `target` is a whole one.
///
/// [`Error::Unfit`] for PostgreSQL, which has tools of its own, for a target that exists or can't
/// be written, and for a database that is not there.
pub fn backup(url: &DatabaseUrl, target: &Path) -> Result<()> {
    let DatabaseUrl::Sqlite(database) = url else {
        return Err(Error::Unfit(
            "only SQLite is backed up like this: use pg_dump for PostgreSQL".to_owned(),
        ));
    };
    let failed = |error: io::Error| Error::Unfit(format!("{}: {error}", target.display()));
    if fs::exists(target).map_err(failed)? {
        return Err(Error::Unfit(format!(
            "{} exists already, and is left as it is",
            target.display()
        )));
    }
    let unfinished = Unfinished::create(target)?;
    sqlite::copy(database, &unfinished.path)?;
    File::open(&unfinished.path)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&unfinished.path, target))
        .and_then(|()| File::open(folder(target))?.sync_all())
        .map_err(failed)
}

/// Where a file is; the working directory for a mere name.
fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A file that is deleted unless it got its final name.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// Makes `{target}.unfinished`, readable by nobody else: it holds people's names.
    fn create(target: &Path) -> Result<Self> {
        let mut path = OsString::from(target);
        path.push(".unfinished");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(&path) {
            Ok(_) => Ok(Self { path }),
            Err(error) => Err(Error::Unfit(format!("{}: {error}", path.display()))),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _renamed_already = fs::remove_file(&self.path);
    }
}
