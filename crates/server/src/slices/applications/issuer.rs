//! An application as its public endpoints use it.

use std::sync::Arc;

use keymoor_oauth::jose::Algorithm;
use keymoor_oauth::redirect;
use keymoor_types::url_rules::web_origin;

use crate::app::App;
use crate::base::error::Result;
use crate::base::origin::PageOrigin;
use crate::base::refs::{ApplicationRef, Ref as _};

use super::model::Application;
use super::ops;
use crate::slices::authenticator_configs;
use crate::slices::authenticator_configs::model::Effective;
use crate::slices::credentials::model::KeyOrigin;
use crate::slices::keys::RealmKeys;

/// An application with what its endpoints need, at most five seconds old.
pub struct Issuer {
    pub at: ApplicationRef,
    /// The issuer identifier, and the base of the endpoints. No trailing slash.
    pub url: String,
    pub application: Arc<Application>,
    /// Absent for applications that don't sign users in.
    pub config: Option<Arc<Effective>>,
}

/// An application's issuer identifier and the base of its OAuth endpoints.
pub fn url(app: &App, at: ApplicationRef) -> String {
    let ApplicationRef {
        tenant_id,
        realm_id,
        application_id,
    } = at;
    app.config.auth_url.join(&format!(
        "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}"
    ))
}

impl Issuer {
    /// # Errors
    /// `NotFound` for the application.
    pub async fn find(app: &App, at: ApplicationRef) -> Result<Self> {
        let application = ops::cached(app, at).await?.ok_or_else(|| at.not_found())?;
        let config = match application.authenticator_config_id {
            Some(id) => {
                authenticator_configs::ops::cached(app, at.realm().authenticator_config_id(id))
                    .await?
            }
            None => None,
        };
        Ok(Self {
            at,
            url: url(app, at),
            application,
            config,
        })
    }

    /// Returns the URL of an endpoint. `path` starts with a slash.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Returns the URL of the public keys.
    pub fn jwks_uri(&self) -> String {
        self.endpoint("/.well-known/jwks.json")
    }

    /// Returns the algorithm of the application's access and ID tokens.
    pub fn token_algorithm(&self) -> Algorithm {
        let settings = &self.application.protocol.token_configuration;
        settings.token_signing_algorithm.into()
    }

    /// Returns the realm's keys, including one for `algorithm`.
    pub async fn keys(&self, app: &App, algorithm: Algorithm) -> Result<Arc<RealmKeys>> {
        app.keys.ensure(self.at.realm(), algorithm).await?;
        app.keys.of(self.at.realm()).await
    }

    /// Returns the origins where the application's users sign in.
    pub fn trusted_origins(&self) -> &[String] {
        let config = self.config.as_ref();
        config.map_or(&[], |config| &config.trusted_origins)
    }

    /// Whether users may sign in with this key. Without a config, nobody signs in.
    pub fn permits(&self, key: &KeyOrigin) -> bool {
        let config = self.config.as_ref();
        config.is_some_and(|config| config.config.permits(key))
    }

    /// Rejects pages whose origin does not sign users in.
    ///
    /// # Errors
    /// `UntrustedOrigin`
    pub fn require_trusted(&self, app: &App, origin: &PageOrigin) -> Result<()> {
        origin.require_trusted(|| self.trusted_origins(), app.config.auth_url.origin())
    }

    /// Rejects pages whose origin neither signs users in nor receives the response.
    ///
    /// # Errors
    /// `UntrustedOrigin`
    pub fn require_client_page(&self, app: &App, origin: &PageOrigin) -> Result<()> {
        let origins = || {
            let mut origins = self.trusted_origins().to_vec();
            let redirect_uris = &self.application.protocol.redirect_uris;
            let registered = redirect_uris.iter().filter_map(|uri| web_origin(uri));
            // A page on a loopback address may have any port, as its redirect URI may.
            origins.extend(registered.map(|known| match origin.as_deref() {
                Some(sent) if redirect::permits(&known, sent) => sent.to_owned(),
                _ => known,
            }));
            origins
        };
        origin.require_trusted(origins, app.config.auth_url.origin())
    }
}
