//! Checks of the public URLs: whether browsers and SDKs can use them, and the listeners match.

use std::net::IpAddr;

use super::finding::Finding;
use crate::config::{BaseUrl, Config, Listen};

pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let (auth, management) = match config.listen {
        Listen::Together(address) => (address, address),
        Listen::Apart { auth, management } => (auth, management),
    };
    let mut findings = schemes(config);
    findings.extend(address_as_host("KEYMOOR_AUTH_URL", &config.auth_url));
    let console = console_elsewhere(config);
    findings.extend(console.and_then(|url| address_as_host("KEYMOOR_CONSOLE_URL", url)));
    findings.extend(port("KEYMOOR_AUTH_URL", &config.auth_url, auth.port()));
    findings.extend(port("KEYMOOR_API_URL", &config.api_url, management.port()));
    findings
}

/// Reports plain HTTP outside loopback, and URLs whose scheme differs from the server's.
pub(in crate::cli) fn schemes(config: &Config) -> Vec<Finding> {
    const BROWSERS: &str = "where browsers create no passkeys";
    const MANAGEMENT: &str = "which sends tokens unencrypted";
    let is_tls = config.tls.is_some();
    [
        ("KEYMOOR_AUTH_URL", Some(&config.auth_url), BROWSERS),
        ("KEYMOOR_API_URL", Some(&config.api_url), MANAGEMENT),
        ("KEYMOOR_CONSOLE_URL", console_elsewhere(config), BROWSERS),
    ]
    .into_iter()
    .filter_map(|(name, url, effect)| Some((name, url?, effect)))
    .flat_map(|(name, url, effect)| [insecure(name, url, effect), scheme(name, url, is_tls)])
    .flatten()
    .collect()
}

/// The console's URL, unless it shares the origin of sign-in, whose findings cover it.
fn console_elsewhere(config: &Config) -> Option<&BaseUrl> {
    Some(&config.console_url).filter(|url| url.origin() != config.auth_url.origin())
}

fn insecure(name: &str, url: &BaseUrl, effect: &str) -> Option<Finding> {
    (!url.is_https() && !url.is_loopback()).then(|| {
        Finding::new(
            "urls",
            format_args!("{name}={} is plain http, {effect}", url.as_str()),
            "use https, with KEYMOOR_TLS_CERTIFICATE_FILE or a reverse proxy; http is only for localhost",
        )
    })
}

/// Reports an IP address as host. A passkey belongs to a domain name (WebAuthn Level 3, section
/// 5.1.2), and the published SDK follows no link to `127.0.0.1`.
fn address_as_host(name: &str, url: &BaseUrl) -> Option<Finding> {
    let address: IpAddr = url.host().parse().ok()?;
    Some(Finding::new(
        "urls",
        format_args!(
            "{name}={} has an IP address as host, for which browsers create no passkeys",
            url.as_str()
        ),
        if address.is_loopback() {
            "use localhost"
        } else {
            "use a domain name"
        },
    ))
}

/// Remarks on a loopback URL whose port differs from the listener's. It is right behind a port
/// mapping, such as a container's.
fn port(name: &str, url: &BaseUrl, listened_on: u16) -> Option<Finding> {
    (url.is_loopback() && url.port() != listened_on).then(|| {
        Finding::new(
            "urls",
            format_args!(
                "{name}={} has port {}, but the server listens on {listened_on}",
                url.as_str(),
                url.port()
            ),
            format_args!("use the same port in {name} and KEYMOOR_LISTEN, or map one to the other"),
        )
        .remark()
    })
}

fn scheme(name: &str, url: &BaseUrl, is_tls: bool) -> Option<Finding> {
    let finding = |problem, fix| {
        let problem = format_args!("{name}={}, but {problem}", url.as_str());
        Finding::new("urls", problem, fix)
    };
    match (url.is_loopback(), url.is_https(), is_tls) {
        // `--tls-self-signed` is no setting, so this check can't see it.
        (true, true, false) => Some(
            finding(
                "the server uses plain HTTP",
                "set KEYMOOR_TLS_CERTIFICATE_FILE, serve with --tls-self-signed, or use http",
            )
            .remark(),
        ),
        (true, false, true) => Some(finding("the server uses TLS", "use https")),
        _ => None,
    }
}
