//! The console's authenticator config, which names the console's URL as the server's settings do.

use keymoor_types::TenantId;

use crate::base::context::Context;
use crate::base::error::Result;
use crate::config::Config;
use crate::slices::authenticator_configs::model::{
    AuthenticatorConfig, ConfigBody, Embedded, InvocationType,
};
use crate::slices::authenticator_configs::store;
use crate::slices::events::{self, Event, EventKind};

/// Administrators bind and sign in on the console's pages only.
pub(super) fn wanted(config: &Config) -> ConfigBody {
    let console = &config.console_url;
    ConfigBody::Embedded(Embedded {
        invocation_type: InvocationType::Automatic,
        invoke_url: console.as_str().to_owned(),
        trusted_origins: vec![console.origin().to_owned()],
        authentication_methods: None,
    })
}

/// Returns a tenant's stored console URL, if the settings name another.
pub async fn elsewhere(ctx: &Context, tenant: TenantId) -> Result<Option<String>> {
    let before = TenantId::from_i64(tenant.as_i64() - 1);
    let configs = ctx
        .app
        .db
        .read(async |rx| store::list_console_configs(rx, before).await)
        .await?;
    let kept = configs
        .into_iter()
        .find(|config| config.tenant_id == tenant);
    let wanted = wanted(&ctx.app.config);
    Ok(kept.and_then(|kept| match kept.config {
        ConfigBody::Embedded(embedded) if kept.config != wanted => Some(embedded.invoke_url),
        _ => None,
    }))
}

/// Updates the console's config of every tenant to the current settings. Writes nothing where it is
/// up to date. Existing links keep their settings.
pub async fn follow_settings(ctx: &Context) -> Result<()> {
    let wanted = wanted(&ctx.app.config);
    let mut after = TenantId::from_i64(-1);
    loop {
        let configs = ctx
            .app
            .db
            .scan(async move |rx| store::list_console_configs(rx, after).await)
            .await?;
        let Some(last) = configs.last() else {
            return Ok(());
        };
        after = last.tenant_id;
        for config in configs {
            if config.config != wanted {
                correct(ctx, config, &wanted).await?;
            }
        }
    }
}

async fn correct(ctx: &Context, found: AuthenticatorConfig, wanted: &ConfigBody) -> Result<()> {
    let at = found.at();
    let kind = EventKind::AUTHENTICATOR_CONFIG_OPERATION;
    let event = Event::about(ctx, at, kind, "UPDATED");
    let corrected = AuthenticatorConfig {
        config: wanted.clone(),
        updated_at: ctx.now,
        ..found
    };
    ctx.app
        .db
        .write(async move |tx| {
            // Another starting process may have been faster.
            if store::correct_managed(tx, &corrected).await? {
                events::append(tx, &event).await?;
            }
            Ok(())
        })
        .await?;
    ctx.app.authenticator_configs.forget(&at);
    Ok(())
}
