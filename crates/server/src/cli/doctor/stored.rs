//! Checks of the URLs that applications and authenticator configs have stored.

use std::fmt;

use keymoor_types::{RealmId, TenantId};
use url::{Host, Url};

use super::finding::Finding;
use crate::base::error::Result;
use crate::db::Db;
use crate::slices::applications;
use crate::slices::applications::model::Application;
use crate::slices::authenticator_configs;
use crate::slices::authenticator_configs::model::{AuthenticatorConfig, ConfigBody};

const CONFIGS: &str = "authenticator_configs";
const APPLICATIONS: &str = "applications";

/// The findings about every tenant's configs and applications. Keymoor's own are checked by the
/// settings that they follow.
pub(super) async fn findings(db: &Db) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut after = (TenantId::from_i64(-1), RealmId::from_i64(-1), String::new());
    loop {
        let from = after.clone();
        let found = db
            .scan(async move |rx| authenticator_configs::store::list_all(rx, &from).await)
            .await?;
        let Some(last) = found.last() else { break };
        after = (last.tenant_id, last.realm_id, last.id.to_string());
        findings.extend(found.iter().flat_map(of_config));
    }
    let mut after = (TenantId::from_i64(-1), RealmId::from_i64(-1), String::new());
    loop {
        let from = after.clone();
        let found = db
            .scan(async move |rx| applications::store::list_all(rx, &from).await)
            .await?;
        let Some(last) = found.last() else { break };
        after = (last.tenant_id, last.realm_id, last.id.to_string());
        findings.extend(found.iter().flat_map(of_application));
    }
    Ok(findings)
}

fn of_config(config: &AuthenticatorConfig) -> Vec<Finding> {
    let name = format_args!("config {} of realm {}", config.id, config.realm_id);
    let origins = match &config.config {
        ConfigBody::Embedded(embedded) => &embedded.trusted_origins,
        ConfigBody::HostedWeb(hosted) => &hosted.trusted_origins,
    };
    let mut findings: Vec<_> = origins
        .iter()
        .filter_map(|origin| insecure(CONFIGS, name, "trusted origin", origin))
        .collect();
    match &config.config {
        ConfigBody::Embedded(embedded) => {
            let url = &embedded.invoke_url;
            findings.extend(insecure(CONFIGS, name, "invoke_url", url));
            findings.extend(single_word(CONFIGS, name, "invoke_url", url));
        }
        ConfigBody::HostedWeb(_) => findings.push(
            Finding::new(
                CONFIGS,
                format_args!(
                    "{name} is hosted_web, for which there are no pages yet: signing in with it is \
                     refused"
                ),
                "use an embedded config, and pages of your own",
            )
            .remark(),
        ),
    }
    findings
}

fn of_application(application: &Application) -> Vec<Finding> {
    let name = format_args!(
        "application {} of realm {}",
        application.id, application.realm_id
    );
    let uris = &application.protocol.redirect_uris;
    uris.iter()
        .flat_map(|uri| {
            [
                insecure(APPLICATIONS, name, "redirect URI", uri),
                single_word(APPLICATIONS, name, "redirect URI", uri),
            ]
        })
        .flatten()
        .collect()
}

/// Reports plain HTTP outside loopback. Codes, links and passkeys need https there (RFC 9700,
/// section 2.6; WebAuthn Level 3, section 5).
fn insecure(
    check: &'static str,
    name: impl fmt::Display,
    field: &str,
    text: &str,
) -> Option<Finding> {
    let url = Url::parse(text).ok()?;
    (url.scheme() == "http" && !is_loopback(&url)).then(|| {
        Finding::new(
            check,
            format_args!("{name} has the {field} {text}, which is plain http"),
            "use https; http is only for localhost",
        )
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reports an app's scheme without a dot. It should be a domain name of the app's maker in reverse
/// (RFC 8252, section 7.1).
fn single_word(
    check: &'static str,
    name: impl fmt::Display,
    field: &str,
    text: &str,
) -> Option<Finding> {
    let url = Url::parse(text).ok()?;
    let scheme = url.scheme();
    (!matches!(scheme, "http" | "https") && !scheme.contains('.')).then(|| {
        Finding::new(
            check,
            format_args!(
                "{name} has the {field} {text}, whose scheme {scheme} other apps may register too"
            ),
            "use a domain name of yours in reverse as scheme, such as com.example.app \
             (RFC 8252, section 7.1)",
        )
        .remark()
    })
}
