//! The audiences of access tokens.

use std::sync::Arc;

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::scope::MANAGEMENT_AUDIENCE;
use crate::slices::applications::issuer::Issuer;
use crate::slices::resource_servers;
use crate::slices::resource_servers::model::ResourceServerRef;

async fn identifier(app: &App, server: ResourceServerRef) -> Result<Arc<str>> {
    let load = async || {
        let found = app
            .db
            .read(async |rx| resource_servers::store::find(rx, server).await)
            .await?
            .ok_or_else(|| Error::internal("an application's resource server is gone"))?;
        // The management API's name is reserved, so the database was edited by hand.
        if !found.is_managed && found.identifier.eq_ignore_ascii_case(MANAGEMENT_AUDIENCE) {
            return Err(Error::internal("a resource server has a reserved name"));
        }
        Ok(Some(Arc::from(found.identifier)))
    };
    let identifier = app.audiences.get_or_load(server, app.now(), load).await?;
    identifier.ok_or_else(|| Error::internal("what exists is loaded"))
}

/// Returns the audience of a token that the application gets for itself: its resource server, or
/// itself if it has none.
pub async fn of_application(app: &App, issuer: &Issuer) -> Result<String> {
    match issuer.application.resource_server_id {
        Some(id) => {
            let server = issuer.at.realm().resource_server_id(id);
            Ok(identifier(app, server).await?.to_string())
        }
        None => Ok(issuer.application.client_id.clone()),
    }
}

/// Returns the audience of a token that speaks for a person. It is never the management API: a
/// person's rights there follow from roles, and no token issued here is limited to them.
pub async fn of_person(app: &App, issuer: &Issuer) -> Result<String> {
    let audience = of_application(app, issuer).await?;
    if audience == MANAGEMENT_AUDIENCE {
        return Ok(issuer.application.client_id.clone());
    }
    Ok(audience)
}
