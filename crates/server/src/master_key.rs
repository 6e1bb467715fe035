//! The master key file: base64url text of 256 random bits, readable only by its owner.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use keymoor_types::Rng;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::base::vault::MasterKey;

/// Why the master key can't be used, for the operator. Each variant holds the file's name.
#[derive(Debug)]
pub enum MasterKeyError {
    Absent(String),
    /// Absent, and the database has secrets encrypted with it.
    Lost(String),
    Unreadable(String, io::Error),
    Unwritable(String, io::Error),
    Malformed(String),
    /// Another database's key.
    Foreign(String),
}

impl MasterKeyError {
    pub fn problem(&self) -> String {
        match self {
            Self::Absent(file) => format!("the master key file {file} does not exist"),
            Self::Lost(file) => format!(
                "the master key file {file} does not exist, and this database needs its original master key"
            ),
            Self::Unreadable(file, error) => {
                format!("can't read the master key file {file}: {error}")
            }
            Self::Unwritable(file, error) => {
                format!("can't write the master key file {file}: {error}")
            }
            Self::Malformed(file) => format!("{file} contains no valid master key"),
            Self::Foreign(file) => {
                format!("{file} is not this database's master key")
            }
        }
    }

    pub fn fix(&self) -> &'static str {
        match self {
            Self::Absent(_) => "run `keymoor init`, or set KEYMOOR_MASTER_KEY_FILE",
            Self::Lost(_) => "restore the file from its backup, or set KEYMOOR_MASTER_KEY_FILE",
            Self::Unreadable(..) => "give this account permission to read it",
            Self::Unwritable(_, error) if error.kind() == io::ErrorKind::NotFound => {
                "create its directory"
            }
            Self::Unwritable(..) => "give this account permission to write to its directory",
            Self::Malformed(_) => "restore the file from its backup",
            Self::Foreign(_) => "restore the original file",
        }
    }
}

impl fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem(), self.fix())
    }
}

impl Error for MasterKeyError {}

/// Reads the key.
pub fn read(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let name = path.display().to_string();
    // A buffer that grew would leave copies of the key behind. It is wiped on return.
    let mut buffer = Zeroizing::new([0; LONGEST_FILE]);
    let text = match read_into(path, &mut *buffer) {
        Ok(length) => &buffer[..length],
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(MasterKeyError::Absent(name));
        }
        Err(error) => return Err(MasterKeyError::Unreadable(name, error)),
    };
    let is_whole = text.len() < LONGEST_FILE;
    let key = str::from_utf8(text).ok().filter(|_| is_whole);
    key.and_then(MasterKey::decode)
        .ok_or(MasterKeyError::Malformed(name))
}

/// Longer than a key and the white space around it.
const LONGEST_FILE: usize = 256;

/// Reads as much of the file as `buffer` holds, and returns the length.
fn read_into(path: &Path, buffer: &mut [u8]) -> io::Result<usize> {
    let mut file = File::open(path)?;
    let mut length = 0;
    loop {
        match file.read(&mut buffer[length..])? {
            0 => return Ok(length),
            read => length += read,
        }
    }
}

/// Creates a key and its file, which must not exist.
pub fn create(path: &Path, rng: &dyn Rng) -> Result<MasterKey, MasterKeyError> {
    let key = MasterKey::generate(rng);
    write(path, &key)
        .map_err(|error| MasterKeyError::Unwritable(path.display().to_string(), error))?;
    Ok(key)
}

/// Writes the file atomically and durably, since nothing may be sealed with a key that is lost.
fn write(path: &Path, key: &MasterKey) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Temporary files are readable only by their owner.
    let mut file = NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", *key.encode())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::app::SystemRng;

    #[test]
    fn a_key_is_created_once_for_its_owner_alone_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keymoor.key");
        assert!(matches!(read(&path), Err(MasterKeyError::Absent(_))));
        let key = create(&path, &SystemRng).unwrap();
        assert_eq!(*read(&path).unwrap().encode(), *key.encode());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(
            create(&path, &SystemRng),
            Err(MasterKeyError::Unwritable(..))
        ));
        assert_eq!(*read(&path).unwrap().encode(), *key.encode());
    }

    #[test]
    fn a_file_with_something_else_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keymoor.key");
        let long = "A".repeat(LONGEST_FILE);
        for text in ["hunter2".as_bytes(), b"hunter2\xff", long.as_bytes()] {
            std::fs::write(&path, text).unwrap();
            let error = read(&path).err().unwrap().to_string();
            assert!(error.contains("contains no valid master key"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_missing_directory_is_to_be_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/keymoor.key");
        let error = create(&path, &SystemRng).err().unwrap().to_string();
        assert!(error.ends_with(": create its directory"), "{error}");
    }
}
