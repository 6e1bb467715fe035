//! The fixtures of ceremonies, created over the management API.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::SoftwareKey;
use keymoor_types::wire::{BindRequest, ProofKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{Body, Connection, Request, Server};
use super::load::{Serving, Turn, closed_loop};

/// Where the SDK's pages would be.
pub(crate) const APPLICATION_URL: &str = "https://app.example";
pub(crate) const REDIRECT_URI: &str = "https://app.example/callback";

/// Connections that create the fixtures.
const CONNECTIONS: usize = 16;

/// Creating fixtures has no time limit in practice.
const UNLIMITED: Duration = Duration::from_hours(1);

/// What `keymoor init --json` prints.
#[derive(Deserialize)]
pub(crate) struct Init {
    pub(crate) auth_url: String,
    api_url: String,
    tenant_id: String,
    management: Management,
}

#[derive(Deserialize)]
struct Management {
    client_id: String,
    client_secret: String,
    token_endpoint: String,
}

/// A realm with a config and two applications.
pub(crate) struct Directory {
    management: Server,
    pid: u32,
    authorization: String,
    tenant_id: String,
    realm_id: String,
    config_id: String,
    /// Signs users in.
    pub(crate) site: Application,
    /// Gets tokens for itself.
    pub(crate) machine: Application,
    named: Cell<u64>,
}

/// A confidential application.
pub(crate) struct Application {
    /// The path of its issuer.
    pub(crate) path: String,
    pub(crate) client_id: String,
    /// `Basic` with its secret.
    pub(crate) authorization: String,
}

/// An unopened link, and the proof of a key that could be bound with it.
pub(crate) struct Link {
    pub(crate) subject: String,
    pub(crate) key: SoftwareKey,
    /// Path and query.
    pub(crate) target: String,
    /// The job's path, to which `:getInfo` and `:bind` are appended.
    pub(crate) job: String,
    /// `Bearer` with the link's token.
    pub(crate) authorization: String,
    /// The body of `:bind`.
    pub(crate) bind: String,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
struct CreatedApplication {
    id: String,
    protocol_config: Credentials,
}

#[derive(Deserialize)]
struct Credentials {
    client_id: String,
    client_secret: String,
}

#[derive(Deserialize)]
struct CreatedJob {
    credential_binding_link: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

impl Directory {
    pub(crate) async fn new(init: &Init, pid: u32) -> Result<Self> {
        let management = Server::at(&init.api_url)?;
        let mut connection = management.connect().await?;
        let authorization = management_token(init).await?;
        let tenant = format!("/v1/tenants/{}", init.tenant_id);
        let mut make = async |path: &str, body: Value| -> Result<Value> {
            let (target, body) = (format!("{tenant}{path}"), body.to_string());
            let request = Request::post(&target, Body::json(&body)).authorized(&authorization);
            connection.send(request).await?.json()
        };
        let realm = json!({ "realm": { "display_name": "Measured" } });
        let realm: Created = serde_json::from_value(make("/realms", realm).await?)?;
        let realm_path = format!("/realms/{}", realm.id);
        let config = json!({ "type": "embedded", "invoke_url": APPLICATION_URL });
        let config = json!({ "authenticator_config": { "config": config } });
        let config = make(&format!("{realm_path}/authenticator-configs"), config).await?;
        let Created { id: config_id } = serde_json::from_value(config)?;
        let mut client = async |protocol: Value, config_id: &str| -> Result<Application> {
            let mut application = json!({ "application": {
                "display_name": "Measured",
                "authenticator_config_id": config_id,
                "protocol_config": protocol,
            } });
            application["application"]["protocol_config"]["token_configuration"] =
                json!({ "expires_after": 3_600, "token_signing_algorithm": "ES256" });
            let answer = make(&format!("{realm_path}/applications"), application).await?;
            let created: CreatedApplication = serde_json::from_value(answer)?;
            let Credentials {
                client_id,
                client_secret,
            } = created.protocol_config;
            Ok(Application {
                path: format!("{tenant}{realm_path}/applications/{}", created.id),
                authorization: basic(&client_id, &client_secret),
                client_id,
            })
        };
        let site = json!({
            "type": "oidc",
            "grant_type": ["authorization_code"],
            "redirect_uris": [REDIRECT_URI],
            "pkce": "s256",
        });
        let machine = json!({ "type": "oauth2", "grant_type": ["client_credentials"] });
        let site = client(site, &config_id).await?;
        let machine = client(machine, "").await?;
        Ok(Self {
            site,
            machine,
            management,
            pid,
            authorization,
            tenant_id: init.tenant_id.clone(),
            realm_id: realm.id,
            config_id,
            named: Cell::default(),
        })
    }

    /// So many links, each for another identity.
    pub(crate) async fn links(&self, count: usize) -> Result<Vec<Link>> {
        let links = RefCell::new(Vec::with_capacity(count));
        let begun = Cell::new(0);
        let server = (&self.management, Serving::Process(self.pid));
        closed_loop(server, CONNECTIONS, UNLIMITED, async |connection| {
            if begun.get() == count {
                return Ok(Turn::Exhausted);
            }
            begun.set(begun.get() + 1);
            let link = self.link(connection).await?;
            links.borrow_mut().push(link);
            Ok(Turn::Done)
        })
        .await?;
        Ok(links.into_inner())
    }

    async fn link(&self, connection: &mut Connection) -> Result<Link> {
        self.named.set(self.named.get() + 1);
        let identity = json!({ "identity": {
            "display_name": "Somebody",
            "traits": { "type": "traits_v0", "username": format!("user-{}", self.named.get()) },
        } });
        let Created { id: identity_id } = self.make(connection, "/identities", &identity).await?;
        let job = json!({ "job": {
            "delivery_method": "RETURN",
            "authenticator_config_id": self.config_id,
        } });
        let path = format!("/identities/{identity_id}/credential-binding-jobs");
        let CreatedJob {
            credential_binding_link: url,
        } = self.make(connection, &path, &job).await?;
        let path = url.find("/v1/").context("a link without path")?;
        let target = url[path..].to_owned();
        let (job, token) = target
            .split_once(":invokeAuthenticator?token=")
            .context("a link of another form")?;
        let key = SoftwareKey::generate();
        let (realm_id, tenant_id) = (&self.realm_id, &self.tenant_id);
        let subject = format!("CN={identity_id}, OU={realm_id}, O={tenant_id}");
        let bind = BindRequest {
            kind: ProofKind::Jwt,
            raw: key.binding_jws(&subject, token),
        };
        Ok(Link {
            job: job.to_owned(),
            authorization: format!("Bearer {token}"),
            bind: serde_json::to_string(&bind)?,
            subject,
            key,
            target,
        })
    }

    async fn make<T: serde::de::DeserializeOwned>(
        &self,
        connection: &mut Connection,
        path: &str,
        body: &Value,
    ) -> Result<T> {
        let (tenant_id, realm_id) = (&self.tenant_id, &self.realm_id);
        let target = format!("/v1/tenants/{tenant_id}/realms/{realm_id}{path}");
        let body = body.to_string();
        let request = Request::post(&target, Body::json(&body)).authorized(&self.authorization);
        connection.send(request).await?.json()
    }
}

async fn management_token(init: &Init) -> Result<String> {
    let Management {
        client_id,
        client_secret,
        token_endpoint,
    } = &init.management;
    let target = token_endpoint
        .strip_prefix(&init.auth_url)
        .context("a token endpoint elsewhere")?;
    let mut connection = Server::at(&init.auth_url)?.connect().await?;
    let basic = basic(client_id, client_secret);
    let form = Body::form("grant_type=client_credentials");
    let request = Request::post(target, form).authorized(&basic);
    let token: Token = connection.send(request).await?.json()?;
    Ok(format!("Bearer {}", token.access_token))
}

fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")))
}
