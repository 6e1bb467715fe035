//! Checks of the files that the server reads.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use keymoor_types::{Seconds, Timestamp};

use super::finding::Finding;
use crate::attestation_roots;
use crate::cli::node;
use crate::config::Config;
use crate::db::DatabaseUrl;
use crate::infra::serving::self_signed;
use crate::infra::serving::tls::Certificate;

/// A certificate that expires within this time is reported.
const SOON: Seconds = Seconds::DAY.times(14);

/// Whether other accounts have any permission on the file.
fn is_exposed(file: &Metadata) -> bool {
    file.permissions().mode() & 0o077 != 0
}

pub(super) async fn master_key(config: &Config) -> Option<Finding> {
    let error = node::master_key(config).await.err()?;
    Some(Finding::new("master_key", error.problem(), error.fix()))
}

/// Reports the files with secrets and personal data that other accounts have permissions on.
///
/// It is no reason to stop: Kubernetes mounts secrets with the mode 0644.
pub(in crate::cli) fn exposed(config: &Config) -> Vec<Finding> {
    let mut files = vec![("master_key", config.master_key_file.clone())];
    let tls_key = config.tls.as_ref().map(|files| &files.key);
    files.extend(tls_key.map(|path| ("tls", path.clone())));
    // It may contain passwords of the database and the mail server.
    let settings = config.config_file.as_ref();
    files.extend(settings.map(|path| ("configuration", path.clone())));
    if let DatabaseUrl::Sqlite(database) = &config.database_url {
        let beside = ["", "-wal", "-shm", ".lock"].map(|ending| {
            let mut path = database.clone().into_os_string();
            path.push(ending);
            ("database", PathBuf::from(path))
        });
        files.extend(beside);
    }
    files.retain(|(_, path)| path.metadata().is_ok_and(|file| is_exposed(&file)));
    let finding = |(check, path): (&'static str, PathBuf)| {
        Finding::new(
            check,
            format_args!("other accounts have permissions on {}", path.display()),
            format_args!("chmod 600 {}", path.display()),
        )
    };
    files.into_iter().map(finding).collect()
}

/// Reports roots that can't be read or trusted, also for being out of date.
pub(in crate::cli) fn attestation_roots(config: &Config, now: Timestamp) -> Vec<Finding> {
    let Some(path) = &config.attestation_roots else {
        return Vec::new();
    };
    let (problems, fix) = match attestation_roots::invalid_at(path, now) {
        Ok(problems) => (problems, "replace it, and restart the server"),
        Err(error) => (
            vec![error.to_string()],
            "set KEYMOOR_ATTESTATION_ROOTS to PEM certificates",
        ),
    };
    let finding = |problem| Finding::new("attestation_roots", problem, fix);
    problems.into_iter().map(finding).collect()
}

pub(super) fn tls(config: &Config, now: Timestamp) -> Vec<Finding> {
    let Some(files) = &config.tls else {
        return Vec::new();
    };
    let certificate = match Certificate::read(files) {
        Ok(certificate) => certificate,
        Err(error) => {
            let fix = "use a PEM certificate chain and the private key of its first certificate";
            return vec![Finding::new("tls", error, fix)];
        }
    };
    let name = files.certificate.display();
    let mut findings = Vec::new();
    if certificate.not_after <= now + SOON {
        findings.push(Finding::new(
            "tls",
            format_args!(
                "the certificate in {name} expires at {}",
                certificate.not_after
            ),
            "renew it, and send SIGHUP to the server",
        ));
    }
    let hosts = config.hosts();
    if !self_signed::names(certificate.leaf(), &hosts) {
        findings.push(Finding::new(
            "tls",
            format_args!(
                "the certificate in {name} does not cover all of the hosts {}",
                hosts.join(", ")
            ),
            "use a certificate that covers them all",
        ));
    }
    findings
}
