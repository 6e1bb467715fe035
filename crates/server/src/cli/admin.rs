//! `keymoor admin credentials rotate` and `keymoor admin link`: access to a tenant, renewed by its
//! operator.

use std::time::Duration;

use clap::Args;
use keymoor_types::{Seconds, TenantId};
use serde_json::json;

use super::handover::{client, rows};
use super::node;
use super::outcome::Outcome;
use crate::app::App;
use crate::base::context::Context;
use crate::config::Config;
use crate::slices::provision::handover::{self, AdminAccess};
use crate::slices::provision::rotation::{self, Rotation};
use crate::slices::tenants;

/// The longest overlap of two secrets, in seconds: 30 days.
const LONGEST_OVERLAP: i64 = Seconds::DAY.times(30).0;

/// Longer than servers cache applications, so that all of them know the new secret.
const UNTIL_KNOWN: Duration = Duration::from_secs(6);

/// The options of `admin credentials rotate`.
#[derive(Args)]
pub(super) struct Rotate {
    /// Tenant of the client. By default the first tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<TenantId>,
    /// How long the old secret still works, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0,
        value_parser = clap::value_parser!(i64).range(0..=LONGEST_OVERLAP))]
    overlap: i64,
    /// Also change the lifetime of the client's access tokens, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(60..=7_776_000))]
    token_seconds: Option<u32>,
    /// Also revoke every token that the client has. Not with an overlap. Takes six seconds, until no
    /// running server accepts the old secret
    #[arg(long)]
    revoke_tokens: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The options of `admin link`.
#[derive(Args)]
pub(super) struct Link {
    /// Tenant of the administrator. By default the first tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<TenantId>,
    /// User name of the administrator. By default the oldest active identity of the admin realm
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Replaces the management client's secret, and returns the text to print.
pub(super) async fn rotate(config: Config, options: Rotate) -> Outcome<String> {
    if options.revoke_tokens && options.overlap > 0 {
        return Err(
            "--revoke-tokens with --overlap is useless: the old secret could get new tokens. Leave \
             out one of the two"
                .into(),
        );
    }
    let app = node::opened(config).await?;
    let tenant = tenant(&app, options.tenant).await?;
    let rotation = Rotation {
        overlap: Seconds(options.overlap),
        token_seconds: options.token_seconds,
        revoke_tokens: options.revoke_tokens,
    };
    let mut rotated = rotation::rotate(&Context::system(&app), tenant, rotation).await?;
    if options.revoke_tokens {
        // Nobody has the new secret yet. What was issued meanwhile was issued to the old one.
        tokio::time::sleep(UNTIL_KNOWN).await;
        rotated.revoke_late_tokens(&Context::system(&app)).await?;
    }
    app.db.close().await;
    let printed = rotated.printed();
    if options.json {
        return Ok(serde_json::to_string(&printed)?);
    }
    let mut lines = rows(&[("Tenant", &printed.tenant_id.to_string())]);
    lines.extend(client(&printed.management));
    lines.push(String::new());
    lines.push(match printed.previous_secret_expires_at {
        Some(end) => format!("The old secret works until {end}."),
        None => {
            "The old secret no longer works. Running servers know within five seconds.".to_owned()
        }
    });
    lines.push(match printed.revoked_tokens {
        Some(revoked) => {
            format!("Revoked tokens: {revoked}. Running servers reject them within ten seconds.")
        }
        None => "Tokens that it got stay valid until they expire or are revoked.".to_owned(),
    });
    Ok(lines.join("\n"))
}

/// Creates a link for an administrator, and returns the text to print.
pub(super) async fn link(config: Config, options: Link) -> Outcome<String> {
    let app = node::opened(config).await?;
    let tenant = tenant(&app, options.tenant).await?;
    let (admin_realm, access) =
        handover::recover(&Context::system(&app), tenant, options.username.as_deref()).await?;
    app.db.close().await;
    let AdminAccess::Link(new) = access else {
        let whom = match &options.username {
            Some(username) => format!("active identity with the username {username}"),
            None => "active identity".to_owned(),
        };
        return Err(format!(
            "the admin realm {admin_realm} has no {whom}: create or activate one with the \
             management client"
        )
        .into());
    };
    let link = new.link.expose();
    Ok(if options.json {
        let printed = json!({
            "tenant_id": tenant,
            "admin_realm_id": admin_realm,
            "identity_id": new.identity_id,
            "username": new.username,
            "admin_binding_link": link,
        });
        printed.to_string()
    } else {
        format!(
            "Open this link on the device that will hold the new passkey of {} (identity {}):\n{link}\n\
             Then revoke the passkey that was lost.",
            new.username, new.identity_id
        )
    })
}

/// The tenant that was asked for, else the first.
async fn tenant(app: &App, asked: Option<TenantId>) -> Outcome<TenantId> {
    if let Some(tenant) = asked {
        return Ok(tenant);
    }
    let first = app.db.read(tenants::store::first).await?;
    Ok(first.ok_or("no tenant exists: run `keymoor init`")?.id)
}
