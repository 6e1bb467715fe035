//! What is done with tokens: listed, revoked, swept.

use super::model::{IssuedToken, Principals, TokenId};
use super::store::{self, Issuer, Revoked};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{List, ListQuery, Page, Sizes};
use crate::slices::applications;
use crate::slices::events::{self, Event, EventKind};

/// A page of the tokens that an application issued and that hold.
///
/// # Errors
/// `NotFound` for the application.
pub async fn list(
    ctx: &Context,
    issuer: Issuer,
    principals: Principals,
    query: &ListQuery,
) -> Result<Page<IssuedToken>> {
    let (tenant, realm, application) = issuer;
    let list = List {
        name: &format!(
            "tenants/{tenant}/realms/{realm}/applications/{application}/tokens {principals:?}"
        ),
        sizes: Sizes::CONFIGURATION,
        attributes: &[],
    };
    let page = query.read(ctx, &list)?;
    let (asked, now) = (page.clone(), ctx.now);
    let (tokens, total) = ctx
        .app
        .db
        .scan(async move |rx| {
            applications::store::find(rx, tenant, realm, application)
                .await?
                .ok_or_else(|| Error::not_found(Kind::Application, application))?;
            store::list(rx, issuer, principals, &asked, now).await
        })
        .await?;
    Ok(Page::new(ctx, &list, page, tokens, total, |token| token.id))
}

/// Revokes a token: on this node at once, on others within ten seconds.
///
/// # Errors
/// `NotFound` for a token that does not hold, or that another application issued.
pub async fn revoke(ctx: &Context, issuer: Issuer, id: TokenId) -> Result<()> {
    let (tenant, realm, _) = issuer;
    let event = event(ctx, issuer, id);
    let now = ctx.now;
    let taken = ctx
        .app
        .db
        .write(async move |tx| {
            let Some(taken) = store::take(tx, issuer, id, now).await? else {
                return Err(Error::not_found(Kind::Token, id));
            };
            store::revoke(tx, (tenant, realm), id, taken.expires_at).await?;
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
    ctx.app.revocations.add(tenant, &revoked);
    Ok(())
}

fn event(ctx: &Context, (tenant, realm, application): Issuer, id: TokenId) -> Event {
    let kind = EventKind::TokenOperation;
    Event::new(ctx, tenant, realm, kind, "REVOKED")
        .resource(id)
        .detail("application_id", application)
}

/// Deletes what is known of expired tokens, a slice at a time, and says how many rows it was.
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
