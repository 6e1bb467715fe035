//! Public URLs: whether browsers, SDKs and the listeners can agree on them.

use std::net::IpAddr;

use super::Finding;
use crate::config::{BaseUrl, Config, Listen};

pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let (auth, management) = match config.listen {
        Listen::Together(address) => (address, address),
        Listen::Apart { auth, management } => (auth, management),
    };
    let is_tls = config.tls.is_some();
    let mut findings: Vec<_> = [
        ("KEYMOOR_AUTH_URL", &config.auth_url),
        ("KEYMOOR_API_URL", &config.api_url),
        ("KEYMOOR_CONSOLE_URL", &config.console_url),
    ]
    .into_iter()
    .flat_map(|(name, url)| [insecure(name, url), scheme(name, url, is_tls)])
    .flatten()
    .collect();
    findings.extend(address_as_host("KEYMOOR_AUTH_URL", &config.auth_url));
    findings.extend(address_as_host("KEYMOOR_CONSOLE_URL", &config.console_url));
    findings.extend(port("KEYMOOR_AUTH_URL", &config.auth_url, auth.port()));
    findings.extend(port("KEYMOOR_API_URL", &config.api_url, management.port()));
    findings
}

fn insecure(name: &str, url: &BaseUrl) -> Option<Finding> {
    (!url.is_https() && !url.is_loopback()).then(|| {
        Finding::new(
            "urls",
            format_args!(
                "{name}={} is plain http, over which browsers make no passkeys",
                url.as_str()
            ),
            "use https, by KEYMOOR_TLS_CERTIFICATE_FILE or a reverse proxy; http is for localhost",
        )
    })
}

/// A passkey belongs to a domain name (WebAuthn Level 3, section 5.1.2), and the published SDK
/// follows no link to `127.0.0.1`.
fn address_as_host(name: &str, url: &BaseUrl) -> Option<Finding> {
    let address: IpAddr = url.host().parse().ok()?;
    Some(Finding::new(
        "urls",
        format_args!(
            "{name}={} names an IP address, for which browsers make no passkeys",
            url.as_str()
        ),
        if address.is_loopback() {
            "write localhost"
        } else {
            "use a domain name"
        },
    ))
}

/// Behind a proxy the ports may well differ.
fn port(name: &str, url: &BaseUrl, listened_on: u16) -> Option<Finding> {
    (url.is_loopback() && url.port() != listened_on).then(|| {
        Finding::new(
            "urls",
            format_args!(
                "{name}={} leads to port {}, and the server listens on {listened_on}",
                url.as_str(),
                url.port()
            ),
            format_args!("make {name} and KEYMOOR_LISTEN agree"),
        )
    })
}

fn scheme(name: &str, url: &BaseUrl, is_tls: bool) -> Option<Finding> {
    let (problem, mend) = match (url.is_loopback(), url.is_https(), is_tls) {
        (true, true, false) => (
            "the server speaks plain HTTP",
            "set KEYMOOR_TLS_CERTIFICATE_FILE, or write http",
        ),
        (true, false, true) => ("the server speaks TLS", "write https"),
        _ => return None,
    };
    Some(Finding::new(
        "urls",
        format_args!("{name}={}, and {problem}", url.as_str()),
        mend,
    ))
}
