//! Public URLs: whether browsers, SDKs and the listeners can agree on them.

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

/// What plain HTTP breaks or lays open, and where a URL and what the server speaks differ.
pub(in crate::cli) fn schemes(config: &Config) -> Vec<Finding> {
    const BROWSERS: &str = "over which browsers make no passkeys";
    const MANAGEMENT: &str = "over which tokens travel in clear";
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

/// The console's URL, unless what is to say of it is said of sign-in's.
fn console_elsewhere(config: &Config) -> Option<&BaseUrl> {
    Some(&config.console_url).filter(|url| url.origin() != config.auth_url.origin())
}

fn insecure(name: &str, url: &BaseUrl, effect: &str) -> Option<Finding> {
    (!url.is_https() && !url.is_loopback()).then(|| {
        Finding::new(
            "urls",
            format_args!("{name}={} is plain http, {effect}", url.as_str()),
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
    let finding = |problem, mend| {
        let problem = format_args!("{name}={}, and {problem}", url.as_str());
        Finding::new("urls", problem, mend)
    };
    match (url.is_loopback(), url.is_https(), is_tls) {
        // A flag of `serve` can't be seen from the settings.
        (true, true, false) => Some(
            finding(
                "the server speaks plain HTTP",
                "set KEYMOOR_TLS_CERTIFICATE_FILE, serve with --tls-self-signed, or write http",
            )
            .remark(),
        ),
        (true, false, true) => Some(finding("the server speaks TLS", "write https")),
        _ => None,
    }
}
