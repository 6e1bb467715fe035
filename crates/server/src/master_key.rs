//! The file that holds the master key: base64url text of 256 random bits, readable by its owner.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use keymoor_types::Rng;
use tempfile::NamedTempFile;

use crate::base::vault::MasterKey;

/// Why there is no master key, or not the right one, for the operator. Each is about the file of
/// this name.
#[derive(Debug)]
pub enum MasterKeyError {
    Absent(String),
    /// Absent, and the database holds what it sealed.
    Lost(String),
    Unreadable(String, io::Error),
    Unwritable(String, io::Error),
    Malformed(String),
    /// A key that does not open what the database holds.
    Foreign(String),
}

impl MasterKeyError {
    pub fn problem(&self) -> String {
        match self {
            Self::Absent(file) => format!("there is no master key file {file}"),
            Self::Lost(file) => format!(
                "there is no master key file {file}, and this database needs the one it was made with"
            ),
            Self::Unreadable(file, error) => {
                format!("can't read the master key file {file}: {error}")
            }
            Self::Unwritable(file, error) => {
                format!("can't write the master key file {file}: {error}")
            }
            Self::Malformed(file) => format!("{file} holds no master key"),
            Self::Foreign(file) => {
                format!("{file} is not the master key that this database was made with")
            }
        }
    }

    pub fn mend(&self) -> &'static str {
        match self {
            Self::Absent(_) => "run `keymoor init`, or set KEYMOOR_MASTER_KEY_FILE",
            Self::Lost(_) => "put it back from its copy, or set KEYMOOR_MASTER_KEY_FILE",
            Self::Unreadable(..) => "let this user read it",
            Self::Unwritable(_, error) if error.kind() == io::ErrorKind::NotFound => {
                "make its folder"
            }
            Self::Unwritable(..) => "let this user write to its folder",
            Self::Malformed(_) => "put the file back from its copy",
            Self::Foreign(_) => "put that one back",
        }
    }
}

impl fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem(), self.mend())
    }
}

impl Error for MasterKeyError {}

/// Reads the key.
pub fn read(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let name = path.display().to_string();
    let text = match std::fs::read(path) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(MasterKeyError::Absent(name));
        }
        Err(error) => return Err(MasterKeyError::Unreadable(name, error)),
    };
    let key = str::from_utf8(&text).ok().and_then(MasterKey::decode);
    key.ok_or(MasterKeyError::Malformed(name))
}

/// Makes a key and its file, which must not exist.
pub fn create(path: &Path, rng: &dyn Rng) -> Result<MasterKey, MasterKeyError> {
    let key = MasterKey::new(rng.bytes());
    write(path, &key)
        .map_err(|error| MasterKeyError::Unwritable(path.display().to_string(), error))?;
    Ok(key)
}

/// On disk before anything is sealed with it, and whole under its name or not there at all.
fn write(path: &Path, key: &MasterKey) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Readable by its owner alone.
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
    fn a_key_is_made_once_for_its_owner_alone_and_read_again() {
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
        for text in ["hunter2".as_bytes(), b"hunter2\xff"] {
            std::fs::write(&path, text).unwrap();
            let error = read(&path).err().unwrap().to_string();
            assert!(error.contains("holds no master key"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_missing_folder_is_to_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/keymoor.key");
        let error = create(&path, &SystemRng).err().unwrap().to_string();
        assert!(error.ends_with(": make its folder"), "{error}");
    }
}
