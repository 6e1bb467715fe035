//! The use cases of tokens: list, revoke, sweep.

use super::model::{IssuedToken, Principals, TokenRef};
use super::store::{self, Revoked};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{ApplicationRef, Ref as _};
use crate::slices::applications;
use crate::slices::events::{self, Event, EventKind};

/// Returns a page of the valid tokens that an application issued.
///
/// # Errors
/// `NotFound` for the application.
pub async fn list(
    ctx: &Context,
    issuer: ApplicationRef,
    principals: Principals,
    page: &PageRequest,
) -> Result<Page<IssuedToken>> {
    let (page, now) = (page.clone(), ctx.now);
    // A scan, since the total is counted.
    ctx.scan(issuer.tenant_id, async move |rx| {
        applications::store::find(rx, issuer)
            .await?
            .ok_or_else(|| issuer.not_found())?;
        store::list(rx, issuer, principals, &page, now).await
    })
    .await
}

/// Revokes a token: on this node at once, on others within ten seconds.
///
/// # Errors
/// `NotFound` for a token that is invalid, or that another application issued.
pub async fn revoke(ctx: &Context, at: TokenRef) -> Result<()> {
    let event = event(ctx, at);
    let (realm, id) = (at.realm_id, at.token_id);
    let now = ctx.now;
    let taken = ctx
        .app
        .db
        .write(async move |tx| {
            let Some(taken) = store::revoke(tx, at, now).await? else {
                return Err(at.not_found());
            };
            let event = match taken.identity_id {
                Some(identity) => event.clone().identity(identity),
                None => event.clone(),
            };
            events::append(tx, &event).await?;
            Ok(taken)
        })
        .await?;
    let revoked = Revoked {
        realm_id: realm,
        id,
        expires_at: taken.expires_at,
    };
    ctx.app.revocations.add(at.tenant_id, &[revoked]);
    Ok(())
}

fn event(ctx: &Context, at: TokenRef) -> Event {
    Event::about(ctx, at, EventKind::TOKEN_OPERATION, "REVOKED")
        .detail("application_id", at.application_id)
}

/// Deletes a batch of the records of expired tokens, and returns the number of rows.
pub async fn sweep(app: &App) -> Result<u64> {
    let now = app.now();
    app.revocations.shrink(now);
    let mut swept = 0;
    loop {
        let slice = app
            .db
            .write(async move |tx| store::sweep(tx, now).await)
            .await?;
        if slice == 0 {
            return Ok(swept);
        }
        swept += slice;
    }
}
