//! The application that a URL names.

use crate::base::refs::ApplicationRef;
use std::sync::Arc;

use axum::http::HeaderMap;
use keymoor_oauth::claims::Principal;
use keymoor_oauth::jose::Algorithm;
use keymoor_types::url_rules::web_origin;

use crate::app::App;
use crate::base::error::{Error, Kind, Result};
use crate::http::cors;

use crate::slices::applications;
use crate::slices::applications::model::Application;
use crate::slices::authenticator_configs;
use crate::slices::authenticator_configs::model::Effective;
use crate::slices::keys::RealmKeys;
use crate::slices::tokens::access;

/// An application with what its endpoints need, as of at most five seconds ago.
pub struct Issuer {
    pub at: ApplicationRef,
    /// The issuer identifier, and the base of the endpoints. No trailing slash.
    pub url: String,
    pub application: Arc<Application>,
    /// Absent for applications that sign nobody in.
    pub config: Option<Arc<Effective>>,
}

impl Issuer {
    /// # Errors
    /// `NotFound` for the application.
    pub async fn find(app: &App, at: ApplicationRef) -> Result<Self> {
        let ApplicationRef {
            tenant_id,
            realm_id,
            application_id,
        } = at;
        let application = applications::ops::cached(app, tenant_id, realm_id, application_id)
            .await?
            .ok_or_else(|| Error::not_found(Kind::Application, application_id))?;
        let config = match application.authenticator_config_id {
            Some(id) => authenticator_configs::ops::cached(app, tenant_id, realm_id, id).await?,
            None => None,
        };
        Ok(Self {
            at,
            url: access::issuer(app, tenant_id, realm_id, application_id),
            application,
            config,
        })
    }

    /// The URL of one of the endpoints; `path` starts with a slash.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Where the public keys are.
    pub fn jwks_uri(&self) -> String {
        self.endpoint("/.well-known/jwks.json")
    }

    pub fn principal(&self) -> Principal {
        let ApplicationRef {
            tenant_id,
            realm_id,
            application_id,
        } = self.at;
        Principal::Application {
            tenant_id,
            realm_id,
            application_id,
        }
    }

    /// The algorithm of the application's access and ID tokens.
    pub fn token_algorithm(&self) -> Algorithm {
        let settings = &self.application.protocol.token_configuration;
        settings.token_signing_algorithm.into()
    }

    /// The realm's keys, with one for `algorithm` among them.
    pub async fn keys(&self, app: &App, algorithm: Algorithm) -> Result<Arc<RealmKeys>> {
        let (tenant, realm) = (self.at.tenant_id, self.at.realm_id);
        app.keys.ensure(app, tenant, realm, algorithm).await?;
        app.keys.of(app, tenant, realm).await
    }

    /// The origins where the application's users sign in.
    pub fn trusted_origins(&self) -> &[String] {
        let config = self.config.as_ref();
        config.map_or(&[], |config| &config.trusted_origins)
    }

    /// Refuses pages of other origins than those that sign users in.
    pub fn require_trusted(&self, app: &App, headers: &HeaderMap) -> Result<()> {
        cors::require_trusted(
            headers,
            || self.trusted_origins(),
            app.config.auth_url.origin(),
        )
    }

    /// Refuses pages of other origins than those that sign users in or receive the answer.
    pub fn require_client_page(&self, app: &App, headers: &HeaderMap) -> Result<()> {
        let origins = || {
            let mut origins = self.trusted_origins().to_vec();
            let redirect_uris = &self.application.protocol.redirect_uris;
            origins.extend(redirect_uris.iter().filter_map(|uri| web_origin(uri)));
            origins
        };
        cors::require_trusted(headers, origins, app.config.auth_url.origin())
    }
}
