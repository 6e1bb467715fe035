//! `KEYMOOR_DATABASE_URL`, and the lock that keeps two servers off one file.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use tokio_postgres::config::SslMode;

use crate::error::{Error, Result, unfit_file};
use crate::tls::Certificates;

/// Where the database is: `sqlite:///absolute/path.db` or `postgres://user@host/name`.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// A file, created if it is missing.
    Sqlite(PathBuf),
    /// A server, version 15 or newer, and a database on it with collation "C".
    Postgres(Box<PostgresUrl>),
}

/// A PostgreSQL server, and how it must prove its identity.
#[derive(Clone)]
pub struct PostgresUrl {
    pub(crate) config: tokio_postgres::Config,
    /// Unused when `config` disables TLS.
    pub(crate) certificates: Certificates,
}

/// The text is not a valid database URL. Never quotes the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDatabaseUrlError {
    /// Another scheme, or none.
    #[error("expected sqlite:///absolute/path.db or postgres://user:password@host/database")]
    Scheme,
    /// The path is relative, names no file, or has parameters.
    #[error("expected an absolute path and nothing else, as in sqlite:///var/lib/keymoor.db")]
    SqlitePath,
    /// The part after `postgres://` is invalid.
    #[error(
        "expected postgres://user:password@host:port/database?parameters, with special characters \
         of the password percent-encoded, such as %40 for @"
    )]
    Postgres,
    /// libpq's modes `allow` and `verify-ca` are not supported.
    #[error("sslmode must be disable, prefer, require or verify-full")]
    SslMode,
    /// In libpq the file would turn `require` into a mode between the two.
    #[error("sslrootcert is used only with sslmode=verify-full")]
    SslRootCert,
}

impl FromStr for DatabaseUrl {
    type Err = ParseDatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, ParseDatabaseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            // Used literally: `%` and spaces in a path are not escaped.
            if !path.starts_with('/') || path.ends_with('/') || path.contains('?') {
                return Err(ParseDatabaseUrlError::SqlitePath);
            }
            Ok(Self::Sqlite(path.into()))
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(Self::Postgres(Box::new(text.parse()?)))
        } else {
            Err(ParseDatabaseUrlError::Scheme)
        }
    }
}

impl FromStr for PostgresUrl {
    type Err = ParseDatabaseUrlError;

    /// Parses `sslmode` and `sslrootcert` here, because the driver does not support them fully, and
    /// passes the rest to the driver.
    fn from_str(text: &str) -> Result<Self, ParseDatabaseUrlError> {
        // The driver parses everything up to the first `@` as user and password.
        let host = text.find('@').unwrap_or(0);
        let query = text[host..].find('?').map(|at| host + at);
        let (mut url, query) = match query {
            Some(at) => (text[..at].to_owned(), &text[at + 1..]),
            None => (text.to_owned(), ""),
        };
        let (mut mode, mut root, mut separator) = (None, None, '?');
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => root = Some(value),
                _ => {
                    url.push(separator);
                    url.push_str(parameter);
                    separator = '&';
                }
            }
        }
        let mut config: tokio_postgres::Config =
            url.parse().map_err(|_| ParseDatabaseUrlError::Postgres)?;
        let (mode, verified) = match mode {
            None | Some("prefer") => (SslMode::Prefer, false),
            Some("disable") => (SslMode::Disable, false),
            Some("require") => (SslMode::Require, false),
            Some("verify-full") => (SslMode::Require, true),
            Some(_) => return Err(ParseDatabaseUrlError::SslMode),
        };
        // Behind the @ of the credentials, another one is the rest of a password that is not
        // percent-encoded.
        let before_query = url.split('?').next().unwrap_or_default();
        if before_query.matches('@').count() > 1 {
            return Err(ParseDatabaseUrlError::Postgres);
        }
        config.ssl_mode(mode);
        let certificates = match (verified, root) {
            (false, None) => Certificates::Any,
            (false, Some(_)) => return Err(ParseDatabaseUrlError::SslRootCert),
            (true, None | Some("system")) => Certificates::System,
            (true, Some(path)) => Certificates::File(decoded(path)?.into()),
        };
        Ok(Self {
            config,
            certificates,
        })
    }
}

fn decoded(text: &str) -> Result<String, ParseDatabaseUrlError> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(String::from)
        .map_err(|_| ParseDatabaseUrlError::Postgres)
}

impl From<tokio_postgres::Config> for PostgresUrl {
    fn from(config: tokio_postgres::Config) -> Self {
        Self {
            config,
            certificates: Certificates::Any,
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    /// Without host, user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

/// Locks a SQLite file for the one process that serves or migrates it: two would mistake each
/// other's work for their own. Lasts until it is dropped or the process ends for any reason.
#[derive(Debug)]
pub struct DbLock {
    _file: Option<File>,
}

impl DbLock {
    /// Acquires the lock without waiting, on `{database}.lock` beside the database. The lock file
    /// is never deleted. On PostgreSQL, where several servers may share a database, it does
    /// nothing.
    ///
    /// Fails with [`Error::Unfit`] when another process holds it or the file can't be created.
    pub fn acquire(url: &DatabaseUrl) -> Result<Self> {
        match url {
            DatabaseUrl::Postgres(_) => Ok(Self { _file: None }),
            DatabaseUrl::Sqlite(path) => Ok(Self {
                _file: Some(lock_beside(path)?),
            }),
        }
    }
}

/// Returns the path of an SQLite file's lock.
pub fn lock_path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn lock_beside(database: &Path) -> Result<File> {
    let path = lock_path(database);
    let failed = |error| unfit_file("lock", &path, &error);
    // Whoever can open the file can hold the lock, and so keep the server from starting.
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    let file = options.open(&path).map_err(failed)?;
    // Earlier versions created it for everybody. Another account's file can't be changed.
    let _not_ours = file.set_permissions(Permissions::from_mode(0o600));
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(failed(error)),
        Err(TryLockError::WouldBlock) => Err(Error::Unfit(format!(
            "{} is in use: another keymoor process serves or migrates it",
            database.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schemes_parse() {
        let sqlite = "sqlite:///var/lib/key moor/100%.db".parse().unwrap();
        assert!(matches!(sqlite, DatabaseUrl::Sqlite(path)
            if path == Path::new("/var/lib/key moor/100%.db")));
        for url in [
            "postgres://u:p@localhost:5433/keymoor",
            "postgresql:///keymoor",
        ] {
            assert!(matches!(url.parse(), Ok(DatabaseUrl::Postgres(_))), "{url}");
        }
    }

    #[test]
    fn sslmode_and_sslrootcert_mean_what_they_do_to_libpq() {
        let parse = |parameters: &str| {
            let url = format!("postgres://u:p%3F@h/keymoor?{parameters}");
            let url: PostgresUrl = url.parse().unwrap();
            assert_eq!(url.config.get_dbname(), Some("keymoor"));
            (url.config.get_ssl_mode(), url.certificates)
        };
        let file = |path: &str| Certificates::File(path.into());
        for (parameters, meant) in [
            ("", (SslMode::Prefer, Certificates::Any)),
            ("sslmode=disable", (SslMode::Disable, Certificates::Any)),
            ("sslmode=prefer", (SslMode::Prefer, Certificates::Any)),
            ("sslmode=require", (SslMode::Require, Certificates::Any)),
            (
                "sslmode=verify-full&connect_timeout=3",
                (SslMode::Require, Certificates::System),
            ),
            (
                "sslmode=verify-full&sslrootcert=system",
                (SslMode::Require, Certificates::System),
            ),
            (
                "sslrootcert=/etc/key%20moor/root.pem&sslmode=verify-full",
                (SslMode::Require, file("/etc/key moor/root.pem")),
            ),
        ] {
            assert_eq!(parse(parameters), meant, "{parameters}");
        }
        let url: PostgresUrl =
            "postgres://h/keymoor?sslmode=require&connect_timeout=3&application_name=k"
                .parse()
                .unwrap();
        let timeout = url.config.get_connect_timeout();
        assert_eq!(timeout, Some(&std::time::Duration::from_secs(3)));
        assert_eq!(url.config.get_application_name(), Some("k"));
    }

    #[test]
    fn anything_else_is_refused() {
        use ParseDatabaseUrlError::{Postgres, Scheme, SqlitePath, SslMode, SslRootCert};
        for (url, error) in [
            ("", Scheme),
            ("/var/lib/keymoor.db", Scheme),
            ("mysql://localhost/keymoor", Scheme),
            ("sqlite://keymoor.db", SqlitePath),
            ("sqlite:///var/lib/", SqlitePath),
            ("sqlite:///keymoor.db?mode=ro", SqlitePath),
            ("postgres://localhost:port/keymoor", Postgres),
            ("postgres://localhost/keymoor?unheard_of=1", Postgres),
            ("postgres://u:p@ss@localhost/keymoor", Postgres),
            ("postgres://u:p@ss/word@localhost/keymoor", Postgres),
            ("postgres://localhost/keymoor?sslmode=verify-ca", SslMode),
            ("postgres://localhost/keymoor?sslmode=", SslMode),
            (
                "postgres://localhost/keymoor?sslmode=require&sslrootcert=/root.pem",
                SslRootCert,
            ),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().err(), Some(error), "{url}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let url: DatabaseUrl = "postgres://u:hunter2@localhost/keymoor".parse().unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }

    #[test]
    fn e5_a_second_holder_of_the_lock_is_refused_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("keymoor.db"));
        let first = DbLock::acquire(&url).unwrap();
        let refused = DbLock::acquire(&url).unwrap_err();
        assert!(
            refused.to_string().contains("another keymoor process"),
            "{refused}"
        );
        drop(first);
        DbLock::acquire(&url).unwrap();
    }

    #[test]
    fn e5_only_the_owner_can_open_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("keymoor.db");
        let mode = || {
            lock_path(&database)
                .metadata()
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        let url = DatabaseUrl::Sqlite(database.clone());
        drop(DbLock::acquire(&url).unwrap());
        assert_eq!(mode(), 0o600);
        let as_before = Permissions::from_mode(0o666);
        std::fs::set_permissions(lock_path(&database), as_before).unwrap();
        drop(DbLock::acquire(&url).unwrap());
        assert_eq!(mode(), 0o600);
    }
}
