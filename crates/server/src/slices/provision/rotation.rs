//! Replacing the secret of a tenant's management client.

use keymoor_types::{Seconds, TenantId, Timestamp};
use serde::Serialize;

use super::handover::{ManagementClient, PrintedClient, admin_realm, incomplete};
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::refs::{ApplicationRef, Ref as _};
use crate::slices::applications;
use crate::slices::applications::model::new_client_secret;
use crate::slices::applications::store::SealedSecret;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::tokens;

/// What to change.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// How long the replaced secret still works.
    pub overlap: Seconds,
    /// The new lifetime of access tokens, in seconds. `None`: as before.
    pub token_seconds: Option<u32>,
    /// Whether to revoke the client's tokens.
    pub revoke_tokens: bool,
}

/// A client with its new secret.
pub struct Rotated {
    tenant_id: TenantId,
    client: ManagementClient,
    at: ApplicationRef,
    /// The number of revoked tokens. `None`: none was to be revoked.
    pub revoked_tokens: Option<usize>,
    /// `None`: the replaced secret stops working at once.
    pub previous_secret_expires_at: Option<Timestamp>,
}

/// The JSON form of a [`Rotated`], with the secret in clear.
#[derive(Serialize)]
pub struct Printed<'a> {
    pub tenant_id: TenantId,
    pub management: PrintedClient<'a>,
    pub previous_secret_expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_tokens: Option<usize>,
}

impl Rotated {
    pub fn printed(&self) -> Printed<'_> {
        Printed {
            tenant_id: self.tenant_id,
            management: self.client.printed(),
            previous_secret_expires_at: self.previous_secret_expires_at,
            revoked_tokens: self.revoked_tokens,
        }
    }

    /// Revokes the tokens that servers issued for the old secret before they knew the new one.
    ///
    /// # Errors
    /// `NotFound` if the client was deleted.
    pub async fn revoke_late_tokens(&mut self, ctx: &Context) -> Result<()> {
        let at = self.at;
        let event = Event::about(ctx, at, EventKind::APPLICATION_OPERATION, "TOKENS_REVOKED");
        let late = ctx
            .app
            .db
            .write(async move |tx| {
                applications::store::find_locked(tx, at)
                    .await?
                    .ok_or_else(|| at.not_found())?;
                let late = tokens::store::revoke_of_application(tx, at).await?;
                if !late.is_empty() {
                    let event = event.clone().detail("revoked_tokens", late.len());
                    events::append(tx, &event).await?;
                }
                Ok(late.len())
            })
            .await?;
        *self.revoked_tokens.get_or_insert(0) += late;
        Ok(())
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
    let revoke_tokens = rotation.revoke_tokens;
    let event = Event::about(ctx, at, EventKind::APPLICATION_OPERATION, "SECRET_ROTATED")
        .detail("previous_secret_expires_at", overlap_ends)
        .detail("token_seconds", token_seconds);
    let revoked_count = app
        .db
        .write(async move |tx| {
            let found = applications::store::find_locked(tx, at).await?;
            let (mut application, _) = found.ok_or_else(|| at.not_found())?;
            application.client_secret_hash = Some(hash);
            application.updated_at = now;
            if let Some(seconds) = token_seconds {
                application.protocol.token_configuration.expires_after = seconds;
            }
            applications::store::replace_secret(tx, &application, &sealed, overlap_ends).await?;
            let revoked = if revoke_tokens {
                Some(tokens::store::revoke_of_application(tx, at).await?.len())
            } else {
                None
            };
            let event = event.clone().detail("revoked_tokens", revoked);
            events::append(tx, &event).await?;
            Ok(revoked)
        })
        .await?;
    app.applications.forget(&at);
    Ok(Rotated {
        tenant_id: tenant,
        client: ManagementClient::of(ctx, &management, secret),
        at,
        revoked_tokens: revoked_count,
        previous_secret_expires_at: overlap_ends,
    })
}
