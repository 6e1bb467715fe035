//! `keymoor init` and `keymoor admin tenants create`: both create a tenant and print its access.

use clap::Args;
use keymoor_types::TenantId;

use super::node;
use super::outcome::Outcome;
use crate::app::{App, SystemRng};
use crate::base::context::Context;
use crate::base::{email, text};
use crate::config::Config;
use crate::db::{Db, DbLock, MIGRATIONS};
use crate::master_key;
use crate::slices::provision::handover::{self, AdminAccess, Printed, PrintedClient};
use crate::slices::provision::{self, NewTenant};
use crate::slices::tenants;

pub(super) const DEFAULT_TENANT: &str = "Default";
const DEFAULT_ADMINISTRATOR: &str = "admin";

/// The first administrator of a new tenant.
#[derive(Args)]
pub(super) struct Administrator {
    /// User name of the first administrator
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ADMINISTRATOR, value_parser = name)]
    admin_username: String,
    /// E-mail address of the first administrator
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    admin_email: Option<String>,
}

impl Default for Administrator {
    fn default() -> Self {
        Self {
            admin_username: DEFAULT_ADMINISTRATOR.to_owned(),
            admin_email: None,
        }
    }
}

impl Administrator {
    fn of(self, display_name: String) -> NewTenant {
        NewTenant {
            display_name,
            admin_username: self.admin_username,
            admin_email_address: self.admin_email,
        }
    }
}

/// Parses a name that the API would accept.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    text::check_name(text).map(|()| text.to_owned())
}

fn address(text: &str) -> Result<String, &'static str> {
    email::deliverable(text).map(|_| text.to_owned())
}

/// Migrates the database, creates the master key and the first tenant if missing, and returns the
/// text to print.
pub(super) async fn init(
    config: Config,
    display_name: String,
    admin: Administrator,
    json: bool,
) -> Outcome<String> {
    let db = Db::open(&config.database())?;
    if db.require_current_schema(MIGRATIONS).await.is_err() {
        let _lock = DbLock::acquire(&config.database_url)?;
        db.migrate(MIGRATIONS).await?;
    }
    let path = &config.master_key_file;
    let is_new = db.read(tenants::store::first).await?.is_none();
    let key = if is_new && !path.exists() {
        master_key::create(path, &SystemRng)?
    } else {
        // A new key could not decrypt the existing secrets.
        node::master_key(&config).await?
    };
    let app = node::app(config, db, key)?;
    let new = admin.of(display_name);
    if !is_new && new != Administrator::default().of(DEFAULT_TENANT.to_owned()) {
        tracing::warn!("the first tenant already exists: its names and addresses do not change");
    }
    let ctx = Context::system(&app);
    let tenant = provision::first_tenant(&ctx, &new)
        .await
        .map_err(|error| node::failure(&app.config, error))?;
    // These settings may differ from the server's. Only the server's start updates the config.
    if let Some(kept) = provision::console::elsewhere(&ctx, tenant).await? {
        tracing::warn!(
            %kept,
            by_these_settings = app.config.console_url.as_str(),
            "these settings give the console another address: run `init` with the server's settings, or \
             start the server with these"
        );
    }
    hand_over(app, tenant, json).await
}

/// Creates another tenant in an initialised database.
pub(super) async fn create_tenant(
    config: Config,
    display_name: String,
    admin: Administrator,
    json: bool,
) -> Outcome<String> {
    let app = node::opened(config).await?;
    let new = admin.of(display_name);
    let made = provision::tenant(&Context::system(&app), &new).await?;
    hand_over(app, made.tenant.id, json).await
}

async fn hand_over(app: App, tenant: TenantId, json: bool) -> Outcome<String> {
    let ctx = Context::system(&app);
    let handover = handover::of(&ctx, tenant).await?;
    app.db.close().await;
    let printed = handover.printed(&ctx);
    if json {
        Ok(serde_json::to_string(&printed)?)
    } else {
        Ok(readable(&printed, handover.admin_access()))
    }
}

fn readable(printed: &Printed<'_>, admin_access: &AdminAccess) -> String {
    let mut lines = rows(&[
        ("Sign-in and SDK calls", printed.auth_url),
        ("Management API", printed.api_url),
        ("Tenant", &printed.tenant_id.to_string()),
        ("Admin realm", &printed.admin_realm_id.to_string()),
    ]);
    lines.extend(client(&printed.management));
    lines.push(String::new());
    let access: &[&str] = match admin_access {
        AdminAccess::Link(new) => &[
            "Open this link on the device that will hold the administrator's passkey:",
            new.link.expose(),
        ],
        AdminAccess::Passkey => {
            &["An administrator already has a passkey. If it is lost, run `keymoor admin link`."]
        }
        AdminAccess::Nobody => &[
            "The admin realm has no active identity. Create or activate one with the client above.",
            "Then `keymoor init` prints a link for it.",
        ],
    };
    lines.extend(access.iter().map(|&line| line.to_owned()));
    lines.join("\n")
}

/// Lines with a name and its value.
pub(super) fn rows(rows: &[(&str, &str)]) -> Vec<String> {
    let row = |(what, value): &(&str, &str)| format!("{what:<24}{value}");
    rows.iter().map(row).collect()
}

/// The lines of a client.
pub(super) fn client(client: &PrintedClient<'_>) -> Vec<String> {
    rows(&[
        ("Management application", &client.application_id.to_string()),
        ("  Client ID", client.client_id),
        ("  Client secret", client.client_secret),
        ("  Token endpoint", client.token_endpoint),
    ])
}
