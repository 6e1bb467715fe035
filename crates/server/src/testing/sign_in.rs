//! An application that signs people in, people with passkeys, and the messages between them.

mod person;
mod site;

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::RealmId;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

pub(crate) use person::{Passkey, Person};
pub(crate) use site::Site;

use super::{Answer, TestApp};
use crate::db::{Rx, Tx};
use crate::slices::realms;
use crate::slices::realms::model::Realm;

/// The application's page.
pub(crate) const ORIGIN: &str = "https://app.example";
const RP_ID: &str = "app.example";
pub(crate) const REDIRECT_URI: &str = "https://app.example/cb";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CODE_CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The usual parameters, replaced by those of the same name in `params`, and then these.
pub(crate) fn form(usual: &[(&str, &str)], params: &[(&str, &str)]) -> String {
    let kept = usual
        .iter()
        .filter(|(name, _)| params.iter().all(|(other, _)| other != name));
    Serializer::new(String::new())
        .extend_pairs(kept.chain(params))
        .finish()
}

pub(crate) fn as_form(request: Builder, body: String) -> Request<Body> {
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap()
}

/// A challenge as it arrived at the device.
pub(crate) struct Started {
    pub(crate) url: String,
    pub(crate) jwt: String,
    pub(crate) claims: Value,
    pub(crate) transaction_id: String,
    pub(crate) nonce: String,
    pub(crate) audience: String,
}

impl Started {
    pub(crate) fn at(url: &str) -> Self {
        let parsed = Url::parse(url).unwrap();
        let (_, jwt) = parsed
            .query_pairs()
            .find(|(name, _)| name == "request")
            .unwrap_or_else(|| panic!("no challenge in {url}"));
        let claims = claims_of(&jwt);
        let authn = &claims["authn"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (base, tenant, realm, application) = (
            text(&authn["base_url"]),
            text(&authn["tid"]),
            text(&authn["rid"]),
            text(&authn["aid"]),
        );
        let prove = &authn["action"]["prove"];
        Self {
            url: url.to_owned(),
            transaction_id: text(&prove["transaction_id"]),
            nonce: text(&prove["nonce"]),
            audience: format!(
                "{base}/v1/tenants/{tenant}/realms/{realm}/applications/{application}/bi-authenticate"
            ),
            jwt: jwt.into_owned(),
            claims,
        }
    }

    /// The challenge for WebAuthn that came along.
    pub(crate) fn fido2_challenge(&self) -> Vec<u8> {
        let options = &self.claims["authn"]["fido2"]["request_options"];
        let challenge = options["challenge"].as_str().expect("options for WebAuthn");
        URL_SAFE_NO_PAD.decode(challenge).unwrap()
    }
}

/// The claims of a JWT whose signature is not the point.
pub(crate) fn claims_of(jwt: &str) -> Value {
    let claims = jwt.split('.').nth(1).expect("a JWT has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// One more realm of the first tenant, with nothing in it.
pub(crate) async fn another_realm(test: &TestApp) -> RealmId {
    let realm = Realm {
        id: RealmId::generate(test.app.now(), &*test.app.rng),
        display_name: "Customers".to_owned(),
        is_admin: false,
        ..test.made.realm.clone()
    };
    let id = realm.id;
    let insert = async move |tx: &mut Tx| realms::store::insert(tx, &realm).await;
    test.app.db.write(insert).await.unwrap();
    id
}

impl TestApp {
    /// The outcomes of the audit events of this kind, sorted: the clock stands still.
    pub(crate) async fn events(&self, kind: &str) -> Vec<String> {
        let sql = "SELECT outcome FROM events WHERE tenant_id = $1 AND kind = $2
            ORDER BY outcome";
        let tenant = self.made.tenant.id;
        let read = async |rx: &mut Rx| Ok(rx.all(sql, &(tenant, kind)).await?);
        self.app.db.read(read).await.unwrap()
    }

    /// How many rows a statement without parameters counts.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let read = async |rx: &mut Rx| Ok(rx.one(sql, &()).await?);
        self.app.db.read(read).await.unwrap()
    }
}

impl Answer {
    /// The body of a refusal in OAuth's words, which must have this status and code.
    pub(crate) fn oauth_error(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["error"], code, "{body}");
        body["error_description"].as_str().unwrap().to_owned()
    }

    /// The parameters of the redirect to the application's own URI that the answer must be.
    pub(crate) fn redirected(&self) -> BTreeMap<String, String> {
        assert_eq!(self.status, 302, "{}", self.text);
        let location = self.header("location");
        assert!(location.starts_with(REDIRECT_URI), "{location}");
        Url::parse(location)
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect()
    }
}
