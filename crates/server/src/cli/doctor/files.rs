//! Files that a server reads: the master key and the TLS certificate.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;

use keymoor_types::{Seconds, Timestamp};

use super::finding::Finding;
use crate::attestation_roots;
use crate::cli::node;
use crate::config::Config;
use crate::infra::serving::self_signed;
use crate::infra::serving::tls::Certificate;

/// Time to get a new certificate.
const SOON: Seconds = Seconds::DAY.times(14);

/// Whether anybody but the owner may do anything with the file.
fn is_exposed(file: &Metadata) -> bool {
    file.permissions().mode() & 0o077 != 0
}

pub(super) async fn master_key(config: &Config) -> Vec<Finding> {
    let path = &config.master_key_file;
    let mut findings = Vec::new();
    if let Err(error) = node::master_key(config).await {
        findings.push(Finding::new("master_key", error.problem(), error.mend()));
    }
    if path.metadata().is_ok_and(|file| is_exposed(&file)) {
        findings.push(Finding::new(
            "master_key",
            format_args!("{} may be read by others than its owner", path.display()),
            format_args!("chmod 600 {}", path.display()),
        ));
    }
    findings
}

pub(super) fn attestation_roots(config: &Config) -> Option<Finding> {
    let path = config.attestation_roots.as_ref()?;
    let error = attestation_roots::read(path).err()?;
    let mend = "give PEM certificates in KEYMOOR_ATTESTATION_ROOTS";
    Some(Finding::new("attestation_roots", error, mend))
}

pub(super) fn tls(config: &Config, now: Timestamp) -> Vec<Finding> {
    let Some(files) = &config.tls else {
        return Vec::new();
    };
    let certificate = match Certificate::read(files) {
        Ok(certificate) => certificate,
        Err(error) => {
            let mend = "give a PEM certificate chain and the key of its first certificate";
            return vec![Finding::new("tls", error, mend)];
        }
    };
    let name = files.certificate.display();
    let mut findings = Vec::new();
    if certificate.not_after <= now + SOON {
        findings.push(Finding::new(
            "tls",
            format_args!(
                "the certificate in {name} ends at {}",
                certificate.not_after
            ),
            "get a new one, and send the server SIGHUP",
        ));
    }
    let hosts = config.hosts();
    if !self_signed::names(certificate.leaf(), &hosts) {
        findings.push(Finding::new(
            "tls",
            format_args!(
                "the certificate in {name} is not for every host of {}",
                hosts.join(", ")
            ),
            "get one that names them all",
        ));
    }
    findings
}
