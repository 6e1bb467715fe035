//! OAuth and OpenID Connect over HTTP, on both databases.

mod authorize;
mod clients;
mod codes;
mod documents;
mod kinds;

use std::sync::Arc;

use keymoor_oauth::client::{GrantType, Protocol};
use serde_json::Value;

use crate::slices::keys::RealmKeys;
use crate::testing::sign_in::{Person, Site};
use crate::testing::{Answer, TestApp};

/// `value` with everything that differs from run to run replaced by its name.
fn redacted(site: &Site, more: &[(&str, &str)], value: &Value) -> Value {
    let application = &site.application;
    let mut text = value.to_string();
    let ids = [
        (site.issuer(), "[issuer]"),
        (application.tenant_id.to_string(), "[tenant]"),
        (application.realm_id.to_string(), "[realm]"),
        (application.id.to_string(), "[application]"),
        (application.client_id.clone(), "[client]"),
        (site.config.id.to_string(), "[config]"),
    ];
    let more = more.iter().map(|&(id, name)| (id.to_owned(), name));
    for (id, name) in ids.into_iter().chain(more) {
        text = text.replace(&id, name);
    }
    serde_json::from_str(&text).unwrap()
}

async fn site_and_ada(test: &TestApp) -> (Site, Person) {
    (Site::new(test).await, Person::new(test, "ada").await)
}

/// An application that calls an API for itself.
async fn machine(test: &TestApp) -> Site {
    Site::with(test, |site| {
        site.application.authenticator_config_id = None;
        let protocol = &mut site.application.protocol;
        protocol.protocol = Protocol::OAuth2;
        protocol.grant_type = vec![GrantType::ClientCredentials];
        protocol.allowed_scopes = "orders:read orders:write".parse().unwrap();
        protocol.redirect_uris = Vec::new();
    })
    .await
}

fn token_of(answer: &Answer) -> String {
    answer.ok()["access_token"].as_str().unwrap().to_owned()
}

/// The first realm's keys.
async fn keys(test: &TestApp) -> Arc<RealmKeys> {
    test.app.keys.of(test.made.realm.at()).await.unwrap()
}
