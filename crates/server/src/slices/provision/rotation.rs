//! Replacing the secret of a tenant's management client.

use keymoor_types::{Seconds, TenantId, Timestamp};
use serde::Serialize;

use super::handover::{ManagementClient, PrintedClient, admin_realm, incomplete};
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::refs::Ref as _;
use crate::slices::applications;
use crate::slices::applications::model::new_client_secret;
use crate::slices::applications::store::SealedSecret;
use crate::slices::events::{self, Event, EventKind};

/// What to change.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// How long the replaced secret still works.
    pub overlap: Seconds,
    /// The new lifetime of access tokens, in seconds. `None`: as before.
    pub token_seconds: Option<u32>,
}

/// A client with its new secret.
pub struct Rotated {
    tenant_id: TenantId,
    client: ManagementClient,
    /// `None`: the replaced secret stops working at once.
    pub previous_secret_expires_at: Option<Timestamp>,
}

/// The JSON form of a [`Rotated`], with the secret in clear.
#[derive(Serialize)]
pub struct Printed<'a> {
    pub tenant_id: TenantId,
    pub management: PrintedClient<'a>,
    pub previous_secret_expires_at: Option<Timestamp>,
}

impl Rotated {
    pub fn printed(&self) -> Printed<'_> {
        Printed {
            tenant_id: self.tenant_id,
            management: self.client.printed(),
            previous_secret_expires_at: self.previous_secret_expires_at,
        }
    }
}

/// Replaces the secret of a tenant's management client. Running servers know it within the time
/// that they cache applications, five seconds.
///
/// # Errors
/// `NotFound` for the tenant.
pub async fn rotate(ctx: &Context, tenant: TenantId, rotation: Rotation) -> Result<Rotated> {
    let (app, now) = (&ctx.app, ctx.now);
    let management = app
        .db
        .read(async |rx| {
            let realm = admin_realm(rx, tenant).await?;
            let found = applications::store::find_management(rx, realm.at()).await?;
            found.ok_or_else(|| incomplete(tenant))
        })
        .await?;
    let at = management.at();
    let secret = new_client_secret(&*app.rng);
    let (hash, sealed) = (
        secret.digest(),
        SealedSecret::seal(app, &management, &secret),
    );
    let overlap_ends = (rotation.overlap.0 > 0).then(|| now + rotation.overlap);
    let token_seconds = rotation.token_seconds;
    let event = Event::about(ctx, at, EventKind::APPLICATION_OPERATION, "SECRET_ROTATED")
        .detail("previous_secret_expires_at", overlap_ends)
        .detail("token_seconds", token_seconds);
    app.db
        .write(async move |tx| {
            let found = applications::store::find_locked(tx, at).await?;
            let (mut application, _) = found.ok_or_else(|| at.not_found())?;
            application.client_secret_hash = Some(hash);
            application.updated_at = now;
            if let Some(seconds) = token_seconds {
                application.protocol.token_configuration.expires_after = seconds;
            }
            applications::store::replace_secret(tx, &application, &sealed, overlap_ends).await?;
            events::append(tx, &event).await
        })
        .await?;
    app.applications.forget(&at);
    Ok(Rotated {
        tenant_id: tenant,
        client: ManagementClient::of(ctx, &management, secret),
        previous_secret_expires_at: overlap_ends,
    })
}
