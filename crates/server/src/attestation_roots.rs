//! The trusted root certificates for attestations of new passkeys, in PEM.

use std::io;
use std::path::{Path, PathBuf};

use keymoor_types::Timestamp;
use keymoor_webauthn::{AttestationRoots, RootError};

/// Why the roots can't be used, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum AttestationRootsError {
    #[error("can't read attestation roots at {0}: {1}")]
    Io(PathBuf, io::Error),
    #[error("the directory {0} of attestation roots has no .pem file")]
    Empty(PathBuf),
    #[error("attestation roots in {0}: {1}")]
    Malformed(PathBuf, RootError),
}

/// Reads a file, or every file of a directory that ends in `.pem`.
pub fn read(path: &Path) -> Result<AttestationRoots, AttestationRootsError> {
    let mut roots = AttestationRoots::NONE;
    for file in files(path)? {
        let text =
            std::fs::read(&file).map_err(|error| AttestationRootsError::Io(file.clone(), error))?;
        let found = AttestationRoots::from_pem(&text)
            .map_err(|error| AttestationRootsError::Malformed(file, error))?;
        roots.append(found);
    }
    Ok(roots)
}

/// Returns one text for each root that is not valid at `now`. Attestations that lead to it are not
/// trusted.
pub fn invalid_at(path: &Path, now: Timestamp) -> Result<Vec<String>, AttestationRootsError> {
    let mut invalid = Vec::new();
    for file in files(path)? {
        let name = file.display();
        let roots = read(&file)?;
        invalid.extend(roots.invalid_at(now).map(|at| {
            format!("certificate {at} of the attestation roots in {name} has expired or is not valid yet")
        }));
    }
    Ok(invalid)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, AttestationRootsError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries: io::Result<Vec<PathBuf>> = path
        .read_dir()
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut files = entries.map_err(|error| AttestationRootsError::Io(path.to_owned(), error))?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "pem"));
    if files.is_empty() {
        return Err(AttestationRootsError::Empty(path.to_owned()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use keymoor_testkit::{Certificate, CredentialKey};

    use super::*;

    fn root(name: &str) -> String {
        let key = CredentialKey::es256(1);
        Certificate::authority(name, &key, name).pem_signed_by(&key)
    }

    #[test]
    fn a_file_or_every_pem_file_of_a_directory_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let two = format!("Text between.\n{}{}", root("One"), root("Two"));
        std::fs::write(path("two.pem"), two).unwrap();
        std::fs::write(path("three.pem"), root("Three")).unwrap();
        std::fs::write(path("README"), "not a certificate").unwrap();
        assert_eq!(read(&path("two.pem")).unwrap().len(), 2);
        assert_eq!(read(folder.path()).unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_root_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = |path: &Path| read(path).unwrap_err().to_string();
        assert!(refusal(folder.path()).contains("no .pem file"));
        let bad = folder.path().join("bad.pem");
        assert!(refusal(&bad).contains("bad.pem"), "{}", refusal(&bad));
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (text, expected) in [
            (String::new(), "there is no PEM certificate"),
            (
                format!("{}{key}", root("One")),
                "PEM block 2 is no certificate",
            ),
            (format!("{}{garbage}", root("One")), "certificate 2 is not"),
        ] {
            std::fs::write(&bad, text).unwrap();
            for path in [bad.as_path(), folder.path()] {
                let message = refusal(path);
                assert!(
                    message.contains("bad.pem") && message.contains(expected),
                    "{message}"
                );
            }
        }
    }
}
