use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_oauth::client::{Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{ApplicationId, AuthenticatorConfigId, RealmId, Seconds, TenantId};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::{Answer, Person, REDIRECT_URI, Started, TestApp, as_form, form};
use crate::base::secret::Secret;
use crate::slices::applications;
use crate::slices::applications::choices::{IdTokenContent, SigningAlgorithm, SubjectField};
use crate::slices::applications::model::{
    Application, ProtocolConfig, TokenConfiguration, new_client_id,
};
use crate::slices::authenticator_configs;
use crate::slices::authenticator_configs::model::{
    AuthenticatorConfig, ConfigBody, Embedded, InvocationType,
};

/// A confidential OpenID Connect application with an embedded config.
pub(crate) struct Site {
    pub(crate) application: Application,
    pub(crate) config: AuthenticatorConfig,
    pub(crate) secret: Secret,
}

impl Site {
    pub(crate) async fn new(test: &TestApp) -> Self {
        Self::with(test, |_| ()).await
    }

    /// A site of the first realm that `adjust` has changed before it is stored.
    pub(crate) async fn with(test: &TestApp, adjust: impl FnOnce(&mut Self)) -> Self {
        Self::of(test, (test.made.tenant.id, test.made.realm.id), adjust).await
    }

    pub(crate) async fn of(
        test: &TestApp,
        (tenant_id, realm_id): (TenantId, RealmId),
        adjust: impl FnOnce(&mut Self),
    ) -> Self {
        let (now, rng) = (test.app.now(), &*test.app.rng);
        let secret = Secret::new("a secret of 48 characters, but for the exact count");
        let config = AuthenticatorConfig {
            tenant_id,
            realm_id,
            id: AuthenticatorConfigId::generate(now, rng),
            display_name: Some("Shop sign-in".to_owned()),
            config: ConfigBody::Embedded(Embedded {
                invocation_type: InvocationType::Automatic,
                invoke_url: "https://app.example".to_owned(),
                trusted_origins: Vec::new(),
                authentication_methods: None,
            }),
            is_managed: false,
            created_at: now,
            updated_at: now,
        };
        let application = Application {
            tenant_id,
            realm_id,
            id: ApplicationId::generate(now, rng),
            display_name: "Shop".to_owned(),
            classification: "custom".to_owned(),
            is_managed: false,
            resource_server_id: None,
            authenticator_config_id: Some(config.id),
            client_id: new_client_id(rng),
            client_secret_hash: Some(secret.digest()),
            previous_secret_hash: None,
            previous_secret_expires_at: None,
            protocol: ProtocolConfig {
                protocol: Protocol::Oidc,
                confidentiality: Confidentiality::Confidential,
                grant_type: vec![GrantType::AuthorizationCode],
                redirect_uris: vec![REDIRECT_URI.to_owned()],
                allowed_scopes: ScopeSet::default(),
                pkce: PkceSetting::Disabled,
                token_configuration: TokenConfiguration {
                    expires_after: 86_400,
                    token_signing_algorithm: SigningAlgorithm::ES256,
                    subject_field: SubjectField::Id,
                },
                id_token_claims: IdTokenContent::default(),
            },
            created_at: now,
            updated_at: now,
        };
        let mut site = Self {
            application,
            config,
            secret,
        };
        adjust(&mut site);
        let (config, application) = (site.config.clone(), site.application.clone());
        test.app
            .db
            .write(async move |tx| {
                authenticator_configs::store::insert(tx, &config).await?;
                applications::store::insert(tx, &application, None).await
            })
            .await
            .unwrap();
        site
    }

    pub(crate) fn embedded(&mut self) -> &mut Embedded {
        match &mut self.config.config {
            ConfigBody::Embedded(embedded) => embedded,
            ConfigBody::HostedWeb(_) => panic!("not embedded"),
        }
    }

    /// Stores what was changed in the application's protocol, and lets caches expire.
    pub(crate) async fn store_protocol(&self, test: &TestApp) {
        let application = self.application.clone();
        test.app
            .db
            .write(async move |tx| applications::store::update(tx, &application).await)
            .await
            .unwrap();
        test.clock.advance(Seconds(5));
    }

    /// `/v1/tenants/…/applications/…` with `rest` appended.
    pub(crate) fn path(&self, rest: &str) -> String {
        let Application {
            tenant_id,
            realm_id,
            id,
            ..
        } = &self.application;
        format!("/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{id}{rest}")
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://localhost:8021{}", self.path(""))
    }

    pub(crate) async fn get(&self, test: &TestApp, rest: &str) -> Answer {
        test.auth(Request::get(self.path(rest)).body(Body::empty()).unwrap())
            .await
    }

    /// An authorization request; `params` replace the usual ones of their name.
    pub(crate) fn authorization(&self, params: &[(&str, &str)]) -> String {
        let usual = [
            ("response_type", "code"),
            ("client_id", &self.application.client_id),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid"),
        ];
        self.path(&format!("/authorize?{}", form(&usual, params)))
    }

    pub(crate) async fn authorize(&self, test: &TestApp, params: &[(&str, &str)]) -> Answer {
        let request = Request::get(self.authorization(params));
        test.auth(request.body(Body::empty()).unwrap()).await
    }

    /// Starts a sign-in that must work.
    pub(crate) async fn start(&self, test: &TestApp, params: &[(&str, &str)]) -> Started {
        let answer = self.authorize(test, params).await;
        assert_eq!(answer.status, 302, "{}", answer.text);
        Started::at(answer.header("location"))
    }

    pub(crate) async fn answer(&self, test: &TestApp, proof: &Value) -> Answer {
        let body = form(&[], &[("claims", &proof.to_string())]);
        let request = Request::post(self.path("/bi-authenticate"));
        test.auth(as_form(request, body)).await
    }

    /// Signs `person` in and returns the code.
    pub(crate) async fn sign_in(
        &self,
        test: &TestApp,
        person: &Person,
        params: &[(&str, &str)],
    ) -> String {
        let started = self.start(test, params).await;
        let answer = self.answer(test, &person.proof(test, &started)).await.ok();
        assert_eq!(answer["type"], "allow", "{answer}");
        answer["code"].as_str().unwrap().to_owned()
    }

    /// Redeems a code with the site's own secret; `params` replace the usual ones.
    pub(crate) async fn redeem(
        &self,
        test: &TestApp,
        code: &str,
        params: &[(&str, &str)],
    ) -> Answer {
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
        ];
        self.token(test, form(&usual, params)).await
    }

    /// Sends a token request with HTTP Basic, or for a public site with its client id.
    pub(crate) async fn token(&self, test: &TestApp, form: String) -> Answer {
        let request = Request::post(self.path("/token"));
        let Application { client_id, .. } = &self.application;
        let request = match self.application.protocol.confidentiality {
            Confidentiality::Confidential => {
                let credentials = format!("{client_id}:{}", encoded(self.secret.expose()));
                let basic = format!("Basic {}", STANDARD.encode(credentials));
                as_form(request.header("authorization", basic), form)
            }
            Confidentiality::Public => as_form(request, format!("{form}&client_id={client_id}")),
        };
        test.auth(request).await
    }

    pub(crate) async fn userinfo(&self, test: &TestApp, token: &str) -> Answer {
        let request = Request::get(self.path("/userinfo"));
        let request = request.header("authorization", format!("Bearer {token}"));
        test.auth(request.body(Body::empty()).unwrap()).await
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
