//! `keymoor admin credentials rotate` and `keymoor admin link`: access to a tenant, renewed by its
//! operator.

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
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Replaces the management client's secret, and returns the text to print.
pub(super) async fn rotate(config: Config, options: Rotate) -> Outcome<String> {
    let app = node::opened(config).await?;
    let tenant = tenant(&app, options.tenant).await?;
    let rotation = Rotation {
        overlap: Seconds(options.overlap),
        token_seconds: options.token_seconds,
    };
    let rotated = rotation::rotate(&Context::system(&app), tenant, rotation).await?;
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
    lines.push("Tokens that it got stay valid until they expire or are revoked.".to_owned());
    Ok(lines.join("\n"))
}

/// Creates a link for the first administrator, and returns the text to print.
pub(super) async fn link(config: Config, options: Link) -> Outcome<String> {
    let app = node::opened(config).await?;
    let tenant = tenant(&app, options.tenant).await?;
    let (admin_realm, access) = handover::recover(&Context::system(&app), tenant).await?;
    app.db.close().await;
    let AdminAccess::Link(link) = access else {
        return Err(format!(
            "the admin realm {admin_realm} has no active identity: create or activate one with the \
             management client"
        )
        .into());
    };
    let link = link.expose();
    Ok(if options.json {
        let printed = json!({
            "tenant_id": tenant,
            "admin_realm_id": admin_realm,
            "admin_binding_link": link,
        });
        printed.to_string()
    } else {
        format!(
            "Open this link on the device that will hold the administrator's new passkey:\n{link}\n\
             Then revoke the passkey that was lost."
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
