//! Binding over HTTP, on both databases.

mod fido2;
mod link;
mod management;
mod proofs;
mod races;
mod repeats;
mod resend;
mod respelled;
mod steps;

use axum::body::Body;
use axum::http::{Method, Request};
use keymoor_testkit::SoftwareKey;
use keymoor_types::{AuthenticatorConfigId, IdentityId, RealmId};
use serde_json::{Value, json};

use crate::slices::authenticator_configs::model::{
    AuthenticatorConfig, ConfigBody, Embedded, InvocationType,
};

use crate::base::refs::JobRef;
use crate::slices::identities::model::{Identity, Status, Traits, UserHandle};
use crate::slices::realms::model::{Classification, Realm};
use crate::slices::{authenticator_configs, identities, realms};
use crate::testing::{Answer, TestApp};

/// Where the application's pages live.
const APP: &str = "https://app.example";

/// A realm of customers with one person in it, and the config of an application.
struct Customers {
    realm: Realm,
    identity: Identity,
    config: AuthenticatorConfig,
}

impl Customers {
    async fn new(test: &TestApp) -> Self {
        Self::with(test, |_, _| ()).await
    }

    async fn with(test: &TestApp, adjust: impl FnOnce(&mut Identity, &mut Embedded)) -> Self {
        let (now, rng) = (test.app.now(), &*test.app.rng);
        let tenant_id = test.made.tenant.id;
        let realm = Realm {
            tenant_id,
            id: RealmId::generate(now, rng),
            display_name: "Customers".to_owned(),
            classification: Classification::SecureCustomer,
            is_admin: false,
            created_at: now,
            updated_at: now,
        };
        let mut identity = Identity {
            tenant_id,
            realm_id: realm.id,
            id: IdentityId::generate(now, rng),
            display_name: "User One".to_owned(),
            status: Status::Active,
            traits: Traits {
                username: "user1".to_owned(),
                external_id: Some("crm-4711".to_owned()),
                primary_email_address: Some("user1@example.com".to_owned()),
                ..Traits::default()
            },
            user_handle: UserHandle::generate(rng),
            created_at: now,
            updated_at: now,
        };
        let mut embedded = Embedded {
            invocation_type: InvocationType::default(),
            invoke_url: format!("{APP}/go"),
            trusted_origins: vec![APP.to_owned()],
            authentication_methods: None,
        };
        adjust(&mut identity, &mut embedded);
        let config = AuthenticatorConfig {
            tenant_id,
            realm_id: realm.id,
            id: AuthenticatorConfigId::generate(now, rng),
            display_name: None,
            config: ConfigBody::Embedded(embedded),
            is_managed: false,
            created_at: now,
            updated_at: now,
        };
        let customers = Self {
            realm,
            identity,
            config,
        };
        let Self {
            realm,
            identity,
            config,
        } = &customers;
        let rows = (realm.clone(), identity.clone(), config.clone());
        test.app
            .db
            .write(async move |tx| {
                let (realm, identity, config) = &rows;
                realms::store::insert(tx, realm).await?;
                identities::store::insert(tx, identity).await?;
                authenticator_configs::store::insert(tx, config).await
            })
            .await
            .unwrap();
        customers
    }

    /// The path of the person's jobs.
    fn jobs(&self) -> String {
        let Identity {
            tenant_id,
            realm_id,
            id,
            ..
        } = self.identity;
        format!("/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{id}/credential-binding-jobs")
    }

    /// Asks for a job; `job` adds to the config's id, or replaces it.
    async fn create(&self, test: &TestApp, job: Value) -> Answer {
        let mut asked = json!({ "authenticator_config_id": self.config.id });
        asked
            .as_object_mut()
            .unwrap()
            .extend(job.as_object().unwrap().clone());
        test.manage(Method::POST, &self.jobs(), Some(json!({ "job": asked })))
            .await
    }

    /// A job made with RETURN.
    async fn job(&self, test: &TestApp) -> Job {
        let answer = self
            .create(test, json!({ "delivery_method": "RETURN" }))
            .await
            .ok();
        Job::of_link(answer["credential_binding_link"].as_str().unwrap())
    }
}

/// A job as whoever has its link sees it.
#[derive(Clone)]
struct Job {
    path: String,
    token: String,
}

impl Job {
    fn of_link(link: &str) -> Self {
        let (path, token) = link
            .strip_prefix("http://localhost:8021")
            .and_then(|path| path.split_once(":invokeAuthenticator?token="))
            .unwrap_or_else(|| panic!("not a link: {link}"));
        Self {
            path: path.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The ids in the path: tenant, realm, identity, job.
    fn ids(&self) -> [&str; 4] {
        let segments: Vec<&str> = self.path.split('/').collect();
        [segments[3], segments[5], segments[7], segments[9]]
    }

    fn at(&self) -> JobRef {
        let [tenant, realm, identity, job] = self.ids();
        JobRef {
            tenant_id: tenant.parse().unwrap(),
            realm_id: realm.parse().unwrap(),
            identity_id: identity.parse().unwrap(),
            job_id: job.parse().unwrap(),
        }
    }

    fn subject(&self) -> String {
        let [tenant, realm, identity, _] = self.ids();
        format!("CN={identity}, OU={realm}, O={tenant}")
    }

    async fn open(&self, test: &TestApp, accept: &str) -> Answer {
        let uri = format!("{}:invokeAuthenticator?token={}", self.path, self.token);
        test.auth(
            Request::get(uri)
                .header("accept", accept)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    async fn info(&self, test: &TestApp) -> Answer {
        self.post(test, "getInfo", &[], String::new()).await
    }

    async fn bind(&self, test: &TestApp, kind: &str, raw: &str) -> Answer {
        self.post(
            test,
            "bind",
            &[],
            json!({ "type": kind, "raw": raw }).to_string(),
        )
        .await
    }

    async fn bind_new_key(&self, test: &TestApp) -> Answer {
        let proof = SoftwareKey::generate().binding_jws(&self.subject(), &self.token);
        self.bind(test, "JWT", &proof).await
    }

    async fn post(
        &self,
        test: &TestApp,
        verb: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::post(format!("{}:{verb}", self.path))
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        test.auth(request.body(Body::from(body)).unwrap()).await
    }

    async fn read(&self, test: &TestApp) -> Value {
        test.manage(Method::GET, &self.path, None).await.ok()
    }

    async fn state(&self, test: &TestApp) -> String {
        self.read(test).await["state"].as_str().unwrap().to_owned()
    }
}

/// Suspends or reactivates a person.
async fn set_status(test: &TestApp, identity: &Identity, status: Status) {
    let at = identity.at();
    test.app
        .db
        .write(async move |tx| {
            let sql = "UPDATE identities SET status = $4
                WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3";
            assert_eq!(tx.exec(sql, &(at, status)).await?, 1);
            Ok(())
        })
        .await
        .unwrap();
}

/// How many rows a refused request could have left behind, by table.
async fn row_counts(test: &TestApp) -> [i64; 3] {
    test.app
        .db
        .read(async |rx| {
            Ok([
                rx.one("SELECT COUNT(*) FROM credentials", &()).await?,
                rx.one("SELECT COUNT(*) FROM outbox", &()).await?,
                rx.one(
                    "SELECT COUNT(*) FROM binding_jobs WHERE state = 'COMPLETE'",
                    &(),
                )
                .await?,
            ])
        })
        .await
        .unwrap()
}

/// The kinds and outcomes of a realm's events, oldest first.
async fn events(test: &TestApp, realm: RealmId) -> Vec<(String, String)> {
    test.app
        .db
        .read(async |rx| {
            let sql = "SELECT kind, outcome FROM events WHERE realm_id = $1 ORDER BY event_id";
            Ok(rx.all(sql, &realm).await?)
        })
        .await
        .unwrap()
}
