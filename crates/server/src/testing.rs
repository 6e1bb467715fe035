//! A server in the test's own process: HTTP in, HTTP out, on either database, at a chosen time.

mod documented;
pub(crate) mod held;
pub(crate) mod logged;
pub(crate) mod sign_in;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use keymoor_oauth::claims::Principal;
use keymoor_oauth::client::GrantType;
use keymoor_oauth::jose::Algorithm;
use keymoor_oauth::scope::ScopeSet;
use keymoor_testkit::{Authority, CredentialKey, SoftwareKey};
use keymoor_types::{Clock, RealmId, Seconds, Timestamp};
use keymoor_webauthn::AttestationRoots;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::app::{App, Ports, SystemRng};
use crate::base::context::Context;
use crate::base::error::Error;
use crate::base::limits::LimitSettings;
use crate::base::refusal::Refusal;
use crate::base::scope;
use crate::base::scope::MANAGEMENT_AUDIENCE;
use crate::base::secret::Secret;
use crate::base::vault::{MasterKey, Vault};
use crate::config::{BindingSettings, Config, Listen, LogFormat, OutboxSettings};
use crate::db::testing::TestDb;
use crate::db::{DatabaseUrl, Db, testing};
use crate::http::router;
use crate::infra::mail::testing::RecordingMailer;
use crate::infra::outbox::worker;
use crate::infra::serving::{Service, ServingSettings};
use crate::jobs;
use crate::slices::events::EventKind;
use crate::slices::provision::{self, NewTenant, Provisioned};
use crate::slices::realms;
use crate::slices::realms::model::{Classification, Realm};
use crate::slices::tokens::access;

/// Runs each listed `async fn name(test: TestApp)` as `name::sqlite` and `name::postgres`, each
/// with its own server and tenant.
///
/// The compiler reports a test that no list names as dead code.
macro_rules! both_apps {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::testing::TestApp::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::testing::TestApp::postgres().await).await;
            }
        }
    )+};
}
pub(crate) use both_apps;

/// A clock that stands still until told otherwise.
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(crate) fn advance(&self, by: Seconds) {
        self.0.fetch_add(by.0 * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) clock: Arc<ManualClock>,
    /// Every mail that was sent, and what becomes of the next.
    pub(crate) mailbox: Arc<RecordingMailer>,
    /// The first tenant.
    pub(crate) made: Provisioned,
    auth: Service,
    management: Service,
    pub(crate) db: TestDb,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The JSON body of an answer that must be 200.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// Asserts 200 without a body.
    pub(crate) fn ok_empty(&self) {
        assert_eq!((self.status.as_u16(), self.text.as_str()), (200, ""));
    }

    /// The body of an answer that must be a refusal with this status.
    pub(crate) fn refused(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.json();
        assert!(
            body["code"].is_string() && body["message"].is_string(),
            "{body}"
        );
        body
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl TestApp {
    pub(crate) async fn sqlite() -> Self {
        Self::with(testing::fresh_sqlite().await, LimitSettings::unlimited()).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::with(testing::fresh_postgres().await, LimitSettings::unlimited()).await
    }

    pub(crate) async fn with(db: TestDb, limits: LimitSettings) -> Self {
        // 2026-01-01T00:00:00Z
        let clock = Arc::new(ManualClock(AtomicI64::new(1_767_225_600_000_000)));
        let mailbox = Arc::new(RecordingMailer::default());
        let app = app(&db, limits, &clock, &mailbox);
        let new = NewTenant {
            display_name: "Acme".to_owned(),
            admin_username: "admin".to_owned(),
            admin_email_address: Some("admin@example.com".to_owned()),
        };
        let made = Box::pin(provision::tenant(&Context::system(&app), &new))
            .await
            .expect("a tenant can be made");
        Self::over(db, app, clock, mailbox, made)
    }

    /// Another server with the same master key, on a copy of this one's database.
    pub(crate) fn on_copy(&self, db: TestDb) -> Self {
        let (clock, mailbox) = (self.clock.clone(), self.mailbox.clone());
        let app = app(&db, LimitSettings::unlimited(), &clock, &mailbox);
        Self::over(db, app, clock, mailbox, self.made.clone())
    }

    fn over(
        db: TestDb,
        app: App,
        clock: Arc<ManualClock>,
        mailbox: Arc<RecordingMailer>,
        made: Provisioned,
    ) -> Self {
        Self {
            auth: router::auth(&app),
            management: router::management(&app),
            app,
            clock,
            mailbox,
            made,
            db,
        }
    }

    /// How another process reaches the same database.
    pub(crate) fn database(&self) -> &DatabaseUrl {
        &self.db.options().url
    }

    pub(crate) fn context(&self) -> Context {
        Context::system(&self.app)
    }

    /// A bearer token of the first tenant's management application with these scopes.
    pub(crate) async fn token(&self, scopes: &[&str]) -> Secret {
        let application = &self.made.management;
        let grant = access::Grant {
            application: application.at(),
            client_id: &application.client_id,
            subject: &application.client_id,
            principal: Principal::Application {
                tenant_id: application.tenant_id,
                realm_id: application.realm_id,
                application_id: application.id,
            },
            credential: None,
            audience: vec![MANAGEMENT_AUDIENCE.to_owned()],
            scope: ScopeSet::from_tokens(scopes.iter().copied()).unwrap(),
            grant_type: GrantType::ClientCredentials,
            lifetime: Seconds::DAY.times(90),
            algorithm: Algorithm::Es256,
        };
        access::issue(&self.app, self.app.now(), grant)
            .await
            .unwrap()
            .token
    }

    /// Calls the management API with every scope.
    pub(crate) async fn manage(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.manage_as(scope::ALL, method, path, body).await
    }

    /// Calls the management API with just these scopes.
    pub(crate) async fn manage_as(
        &self,
        scopes: &[&str],
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let token = self.token(scopes).await;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", token.expose()));
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.management(request.unwrap()).await
    }

    /// Sends a request to the management listener as it is.
    pub(crate) async fn management(&self, request: Request<Body>) -> Answer {
        send(&self.management, request).await
    }

    /// Sends a request to the management listener, and returns the response with its unread body.
    pub(crate) async fn management_response(&self, request: Request<Body>) -> Response {
        let response = self.management.clone().oneshot(request).await;
        response.expect("the router never fails")
    }

    /// Sends a request to the listener of sign-in and binding as it is.
    pub(crate) async fn auth(&self, request: Request<Body>) -> Answer {
        send(&self.auth, request).await
    }

    /// Sends a request to it, and returns a response that may not have ended.
    pub(crate) async fn auth_response(&self, request: Request<Body>) -> Response {
        let response = self.auth.clone().oneshot(request).await;
        response.expect("the router never fails")
    }

    /// Runs every outbox job that is due, and returns the number of attempts.
    pub(crate) async fn run_due_jobs(&self) -> usize {
        worker::run_due(&self.app, &jobs::all())
            .await
            .expect("the outbox can be read")
    }

    /// One more realm of the first tenant, with nothing in it.
    pub(crate) async fn new_realm(&self) -> RealmId {
        let realm = Realm {
            id: RealmId::generate(self.app.now(), &*self.app.rng),
            display_name: "Customers".to_owned(),
            classification: Classification::SecureCustomer,
            is_admin: false,
            ..self.made.realm.clone()
        };
        let id = realm.id;
        self.app
            .db
            .write(async move |tx| realms::store::insert(tx, &realm).await)
            .await
            .expect("a realm can be made");
        id
    }

    /// Another tenant on the same server.
    pub(crate) async fn other_tenant(&self) -> Provisioned {
        let new = NewTenant {
            display_name: "Umbrella".to_owned(),
            admin_username: "admin".to_owned(),
            admin_email_address: None,
        };
        provision::tenant(&self.context(), &new)
            .await
            .expect("a second tenant can be made")
    }

    /// Binds a software passkey to an identity of the admin realm; the id of the credential.
    pub(crate) async fn bind_passkey(&self, identity: &str) -> String {
        self.bind_passkey_from(identity, None).await
    }

    /// As [`Self::bind_passkey`], from a browser with this header.
    pub(crate) async fn bind_passkey_from(
        &self,
        identity: &str,
        user_agent: Option<&str>,
    ) -> String {
        let jobs = self.realm_path(&format!("/identities/{identity}/credential-binding-jobs"));
        let job = json!({ "job": {
            "delivery_method": "RETURN",
            "authenticator_config_id": self.made.console_config.id,
        } });
        let made = self.manage(Method::POST, &jobs, Some(job)).await.ok();
        let link = made["credential_binding_link"].as_str().unwrap();
        let (_, token) = link.split_once("?token=").unwrap();
        let (tenant, realm) = (self.made.tenant.id, self.made.realm.id);
        let subject = format!("CN={identity}, OU={realm}, O={tenant}");
        let proof = SoftwareKey::generate().binding_jws(&subject, token);
        let id = made["credential_binding_job"]["id"].as_str().unwrap();
        let request = Request::post(format!("{jobs}/{id}:bind"))
            .header("authorization", format!("Bearer {token}"))
            .header("user-agent", user_agent.unwrap_or_default())
            .body(Body::from(
                json!({ "type": "JWT", "raw": proof }).to_string(),
            ));
        let bound = self.auth(request.unwrap()).await.ok();
        bound["id"].as_str().unwrap().to_owned()
    }

    /// The outcomes of the events of `kind`, in the order of their times.
    pub(crate) async fn outcomes(&self, kind: EventKind) -> Vec<String> {
        const SQL: &str =
            "SELECT outcome FROM events WHERE tenant_id = $1 AND kind = $2 ORDER BY created_at";
        let tenant = self.made.tenant.id;
        self.app
            .db
            .read(async |rx| Ok::<_, Error>(rx.all(SQL, &(tenant, kind.as_str())).await?))
            .await
            .expect("events can be read")
    }

    /// `/v1/tenants/{tenant}/realms/{admin realm}` with `rest` appended.
    pub(crate) fn realm_path(&self, rest: &str) -> String {
        format!(
            "/v1/tenants/{}/realms/{}{rest}",
            self.made.tenant.id, self.made.realm.id
        )
    }
}

/// `value` with every id replaced by its member's name, for snapshots.
pub(crate) fn without_ids(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for (name, member) in members {
                *member = if name == "id" || name.ends_with("_id") {
                    format!("[{name}]").into()
                } else {
                    without_ids(member.take())
                };
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = without_ids(item.take())),
        _ => {}
    }
    value
}

async fn send(service: &Service, request: Request<Body>) -> Answer {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = service.clone().oneshot(request).await;
    let response = response.expect("the router never fails");
    assert!(
        response.status().as_u16() < 400 || response.extensions().get::<Refusal>().is_some(),
        "{method} {uri} is refused without a reason for the log"
    );
    let answer = read(response).await;
    documented::check(&method, uri.path(), answer.status);
    answer
}

async fn read(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.expect("answers are small");
    let text = String::from_utf8(bytes.to_vec()).expect("answers are text");
    Answer {
        status: parts.status,
        headers: parts.headers,
        text,
    }
}

fn app(
    db: &TestDb,
    limits: LimitSettings,
    clock: &Arc<ManualClock>,
    mailbox: &Arc<RecordingMailer>,
) -> App {
    let rng = Arc::new(SystemRng);
    App::new(Ports {
        db: Db::clone(db),
        clock: clock.clone(),
        rng: rng.clone(),
        vault: Vault::new(&MasterKey::of([42; 32]), rng),
        mailer: mailbox.clone(),
        attestation_roots: attestation_roots(),
        config: Config {
            limits,
            ..config(db)
        },
    })
}

/// The key of the one authority that test servers trust to vouch for authenticators.
pub(crate) fn attestation_authority() -> CredentialKey {
    CredentialKey::es256(0xca)
}

fn attestation_roots() -> AttestationRoots {
    let authority = Authority::new("Attestation CA", attestation_authority());
    AttestationRoots::from_der(vec![authority.root()]).expect("a certificate")
}

fn config(db: &TestDb) -> Config {
    let anywhere = "127.0.0.1:0".parse().unwrap();
    Config {
        config_file: None,
        database_url: db.options().url.clone(),
        database_connections: 16,
        listen: Listen::Apart {
            auth: anywhere,
            management: anywhere,
        },
        auth_url: "http://localhost:8021".parse().unwrap(),
        api_url: "http://localhost:8023".parse().unwrap(),
        console_url: "http://localhost:8021/console".parse().unwrap(),
        master_key_file: "/nonexistent".into(),
        mail: None,
        management_token_lifetime: Seconds::HOUR,
        outbox: OutboxSettings::default(),
        attestation_roots: None,
        trusted_proxies: ["10.0.0.1", "10.0.0.2"]
            .map(|ip| ip.parse().unwrap())
            .into(),
        limits: LimitSettings::unlimited(),
        binding: BindingSettings::default(),
        serving: ServingSettings::default(),
        tls: None,
        metrics_listen: None,
        otlp_endpoint: None,
        log: LogFormat::Text,
        log_filter: "info".to_owned(),
        shutdown: Seconds(10),
    }
}
