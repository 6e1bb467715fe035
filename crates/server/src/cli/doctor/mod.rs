//! `keymoor doctor`: checks everything that the server depends on, and changes no data.

pub(super) mod files;
mod finding;
pub(super) mod services;
mod stored;
pub(super) mod urls;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use keymoor_types::{Clock, Timestamp};

use finding::Finding;

use crate::cli::outcome::{self, Outcome};
use crate::config::{Config, ConfigError};

/// The finding for a configuration that fails to load.
pub(super) fn no_configuration(error: &ConfigError) -> Finding {
    Finding::new(
        "configuration",
        error,
        "see docs/reference/configuration.md",
    )
}

/// Prints the findings.
///
/// # Errors
/// When a finding is not a remark.
pub(super) fn finish(findings: &[Finding], json: bool) -> Outcome {
    outcome::print(&report(findings, json))?;
    match findings.iter().filter(|finding| !finding.is_remark).count() {
        0 => Ok(()),
        1 => Err("1 finding".into()),
        many => Err(format!("{many} findings").into()),
    }
}

/// The printed findings: one line each, or JSON.
fn report(findings: &[Finding], json: bool) -> String {
    if json {
        return serde_json::json!({ "findings": findings }).to_string();
    }
    if findings.is_empty() {
        return "no problems found".to_owned();
    }
    let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
    lines.join("\n")
}

/// Runs every check.
pub(super) async fn examine(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    let began = clock.now();
    let mut findings = urls::findings(config);
    findings.extend(configuration(config));
    findings.extend(files::master_key(config).await);
    findings.extend(files::exposed(config));
    findings.extend(files::attestation_roots(config, began));
    findings.extend(files::tls(config, began));
    findings.extend(services::database(config, clock).await);
    findings.extend(services::mail(config).await);
    findings.extend(clock_sanity(began, clock.now()));
    findings
}

fn configuration(config: &Config) -> Option<Finding> {
    let address = config.metrics_listen.filter(is_public)?;
    Some(Finding::new(
        "configuration",
        format_args!(
            "KEYMOOR_METRICS_LISTEN={address} is a public address, and metrics need no credentials"
        ),
        "use a loopback or private address",
    ))
}

fn is_public(address: &SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => !(ip.is_loopback() || ip.is_private()),
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unique_local()),
    }
}

/// 2026-01-01T00:00:00Z, before any version of this server existed.
const FIRST_PLAUSIBLE: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// 2100-01-01T00:00:00Z
const LAST_PLAUSIBLE: Timestamp = Timestamp::from_seconds(4_102_444_800);

fn clock_sanity(began: Timestamp, ended: Timestamp) -> Option<Finding> {
    let fix = "synchronise the clock, for example with NTP";
    if !(FIRST_PLAUSIBLE..LAST_PLAUSIBLE).contains(&began) {
        let problem = format!("the system's clock shows {began}");
        return Some(Finding::new("clock", problem, fix));
    }
    let problem = "the system's clock went backwards during this check";
    (ended < began).then(|| Finding::new("clock", problem, fix))
}
