//! Checks of the database and the mail server.

use std::fs::OpenOptions;
use std::io::ErrorKind;

use keymoor_types::{Clock, Seconds, Timestamp};

use super::finding::Finding;
use super::stored;
use crate::base::context::Context;
use crate::base::error::Error;
use crate::cli::node;
use crate::config::Config;
use crate::db::{self, DatabaseUrl, Db, MIGRATIONS, Unready, lock_path};
use crate::infra::mail::SmtpMailer;
use crate::master_key::{self, MasterKeyError};
use crate::slices::provision;

/// Largest difference between synchronised clocks of two machines.
const MAX_SKEW: Seconds = Seconds(5);

pub(super) async fn database(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    if let DatabaseUrl::Sqlite(path) = &config.database_url
        && !path.exists()
    {
        let problem = format_args!("the file {} does not exist", path.display());
        let folder = path.parent().filter(|folder| !folder.exists());
        let first = folder.map_or_else(String::new, |folder| {
            format!("create the directory {} and ", folder.display())
        });
        let fix = format_args!("{first}run `keymoor init`, or set KEYMOOR_DATABASE_URL");
        return vec![Finding::new("database", problem, fix)];
    }
    let mut findings: Vec<_> = lock(&config.database_url).into_iter().collect();
    let db = match Db::open_read_only(&config.database()) {
        Ok(db) => db,
        Err(error) => {
            findings.push(unusable(error));
            return findings;
        }
    };
    findings.extend(opened(config, &db, clock).await);
    db.close().await;
    findings
}

fn unusable(error: db::Error) -> Finding {
    match error {
        db::Error::Unready(Unready::NotMigrated) => {
            let fix = "run `keymoor init` for a new database, `keymoor migrate` after an update";
            Finding::new("database", Unready::NotMigrated.problem(), fix)
        }
        db::Error::Unready(reason) => Finding::new("database", reason.problem(), reason.fix()),
        error => unreachable(error),
    }
}

fn unreachable(error: impl std::fmt::Display) -> Finding {
    Finding::new(
        "database",
        format_args!("the database can't be used: {error}"),
        "check that KEYMOOR_DATABASE_URL is right, its password percent-encoded, the database runs and \
         this account has access",
    )
}

/// Checks whether the lock file is writable. Does not take the lock, which a starting server needs.
fn lock(url: &DatabaseUrl) -> Option<Finding> {
    let DatabaseUrl::Sqlite(database) = url else {
        return None;
    };
    let path = lock_path(database);
    let error = OpenOptions::new().append(true).open(&path).err()?;
    (error.kind() != ErrorKind::NotFound).then(|| {
        Finding::new(
            "database",
            format_args!("can't lock {}: {error}", path.display()),
            "give this account permission to write to the file and its directory",
        )
    })
}

async fn opened(config: &Config, db: &Db, clock: &dyn Clock) -> Vec<Finding> {
    if let Err(error) = db.readable().await {
        return vec![unusable(error)];
    }
    let mut findings = Vec::new();
    if let Err(error) = db.check_server().await {
        let fix = "use PostgreSQL 15 or newer and a database with collation C and encoding UTF8";
        findings.push(Finding::new("database", error, fix));
    }
    findings.extend(journal(db).await);
    findings.extend(skew(db, clock).await);
    match db.require_current_schema(MIGRATIONS).await {
        Ok(()) => {
            findings.extend(sealed(config, db).await);
            match stored::findings(db).await {
                Ok(found) => findings.extend(found),
                Err(error) => findings.push(unreachable(error)),
            }
        }
        Err(error) => findings.push(unusable(error)),
    }
    findings
}

async fn journal(db: &Db) -> Option<Finding> {
    match db.journal_mode().await {
        Ok(Some(mode)) if mode != "wal" => Some(Finding::new(
            "database",
            format_args!("SQLite's journal mode is {mode}, not wal"),
            "put the file on a local file system that supports shared memory, and start the server, \
             which sets the mode",
        )),
        Ok(_) => None,
        Err(error) => Some(unreachable(error)),
    }
}

async fn skew(db: &Db, clock: &dyn Clock) -> Option<Finding> {
    let before = clock.now();
    let theirs: Timestamp = match db.clock().await {
        Ok(time) => time?,
        Err(error) => return Some(unreachable(error)),
    };
    let is_close = theirs + MAX_SKEW >= before && theirs - MAX_SKEW <= clock.now();
    (!is_close).then(|| {
        Finding::new(
            "clock",
            format_args!("the time is {before} here and {theirs} on the database server"),
            "synchronise both clocks, for example with NTP",
        )
    })
}

/// Checks whether the master key decrypts the database's secrets.
async fn sealed(config: &Config, db: &Db) -> Option<Finding> {
    // A missing key is already a finding.
    let key = master_key::read(&config.master_key_file).ok()?;
    let app = node::app(config.clone(), db.clone(), key).ok()?;
    match provision::master_key_fits(&Context::system(&app)).await {
        Ok(true) => None,
        Ok(false) => Some(Finding::new(
            "database",
            "no tenant exists",
            "run `keymoor init`",
        )),
        Err(Error::Sealed(_)) => {
            let foreign = MasterKeyError::Foreign(config.master_key_file.display().to_string());
            Some(Finding::new("master_key", foreign.problem(), foreign.fix()))
        }
        Err(error) => Some(unreachable(error)),
    }
}

pub(in crate::cli) fn no_mail_server() -> Finding {
    let problem = "no mail server is configured: binding jobs with EMAIL are rejected, and nobody is \
                   notified of new passkeys";
    let fix = "set KEYMOOR_SMTP_URL and KEYMOOR_MAIL_FROM";
    Finding::new("mail", problem, fix).remark()
}

pub(super) async fn mail(config: &Config) -> Option<Finding> {
    let Some(settings) = config.mail.clone() else {
        return Some(no_mail_server());
    };
    let probed = match SmtpMailer::new(settings) {
        Ok(mailer) => mailer.probe().await,
        Err(error) => Err(error),
    };
    let error = probed.err()?;
    Some(Finding::new(
        "mail",
        format_args!("the mail server rejects the connection or the sign-in: {error}"),
        "check host, port, TLS, user and password in KEYMOOR_SMTP_URL",
    ))
}
