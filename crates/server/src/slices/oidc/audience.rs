//! Whom access tokens are for.

use std::sync::Arc;

use keymoor_types::{RealmId, ResourceServerId, TenantId};

use super::issuer::Issuer;
use crate::app::App;
use crate::base::cache::Cache;
use crate::base::error::{Error, Result};
use crate::slices::resource_servers;
use crate::slices::tokens::access::MANAGEMENT;

/// The identifiers of resource servers, as far as they are in use.
#[derive(Default)]
pub struct Audiences(Cache<(TenantId, RealmId, ResourceServerId), Arc<str>>);

impl Audiences {
    async fn identifier(
        &self,
        app: &App,
        issuer: &Issuer,
        id: ResourceServerId,
    ) -> Result<Arc<str>> {
        let (tenant, realm, now) = (issuer.at.tenant_id, issuer.at.realm_id, app.now());
        if let Some(identifier) = self.0.get(&(tenant, realm, id), now) {
            return Ok(identifier);
        }
        let server = app
            .db
            .read(async |rx| resource_servers::store::find(rx, tenant, realm, id).await)
            .await?
            .ok_or_else(|| Error::internal("an application's resource server is gone"))?;
        // The name of the management API is reserved, so this is a database that somebody edited.
        if !server.is_managed && server.identifier.eq_ignore_ascii_case(MANAGEMENT) {
            return Err(Error::internal("a resource server has a reserved name"));
        }
        let identifier: Arc<str> = server.identifier.into();
        self.0
            .put((tenant, realm, id), Arc::clone(&identifier), now);
        Ok(identifier)
    }
}

/// The audience of a token that the application gets for itself: its resource server, or where it
/// has none, itself.
pub async fn of_application(app: &App, issuer: &Issuer) -> Result<String> {
    match issuer.application.resource_server_id {
        Some(id) => Ok(app.audiences.identifier(app, issuer, id).await?.to_string()),
        None => Ok(issuer.application.client_id.clone()),
    }
}

/// The audience of a token that speaks for a person. It is never the management API: what a
/// person may do there follows from roles, which no token made here has been cut to.
pub async fn of_person(app: &App, issuer: &Issuer) -> Result<String> {
    let audience = of_application(app, issuer).await?;
    if audience == MANAGEMENT {
        return Ok(issuer.application.client_id.clone());
    }
    Ok(audience)
}
