//! Checks of the files that the server reads.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;

use keymoor_types::{Seconds, Timestamp};

use super::finding::Finding;
use crate::attestation_roots;
use crate::cli::node;
use crate::config::Config;
use crate::infra::serving::self_signed;
use crate::infra::serving::tls::Certificate;

/// A certificate that expires within this time is reported.
const SOON: Seconds = Seconds::DAY.times(14);

/// Whether other accounts have any permission on the file.
fn is_exposed(file: &Metadata) -> bool {
    file.permissions().mode() & 0o077 != 0
}

pub(super) async fn master_key(config: &Config) -> Vec<Finding> {
    let path = &config.master_key_file;
    let mut findings = Vec::new();
    if let Err(error) = node::master_key(config).await {
        findings.push(Finding::new("master_key", error.problem(), error.fix()));
    }
    if path.metadata().is_ok_and(|file| is_exposed(&file)) {
        findings.push(Finding::new(
            "master_key",
            format_args!("other accounts have permissions on {}", path.display()),
            format_args!("chmod 600 {}", path.display()),
        ));
    }
    findings
}

pub(super) fn attestation_roots(config: &Config) -> Option<Finding> {
    let path = config.attestation_roots.as_ref()?;
    let error = attestation_roots::read(path).err()?;
    let fix = "set KEYMOOR_ATTESTATION_ROOTS to PEM certificates";
    Some(Finding::new("attestation_roots", error, fix))
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
