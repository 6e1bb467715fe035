//! The application that signs administrators in to the console: a confidential OpenID client of the
//! admin realm, created at the first sign-in.

use keymoor_oauth::client::{Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{ApplicationId, AuthenticatorConfigId, Seconds};

use super::handover::incomplete;
use crate::base::context::Context;
use crate::base::error::{Error, Result, with_fresh_ids};
use crate::base::refs::{ApplicationRef, RealmRef, Ref as _};
use crate::base::secret::Secret;
use crate::config::Config;
use crate::infra::directory;
use crate::slices::applications::choices::{IdTokenContent, SigningAlgorithm, SubjectField};
use crate::slices::applications::model::{
    Application, CONSOLE, ProtocolConfig, TokenConfiguration, new_client_id, new_client_secret,
};
use crate::slices::applications::store::SealedSecret;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::tenants::model::Tenant;
use crate::slices::{applications, authenticator_configs, realms, tenants};

/// The longest time from signing in to signing in again.
const SESSION_LIFETIME: Seconds = Seconds::DAY;

/// The console's client and whose console it is.
pub struct ConsoleClient {
    pub tenant: Tenant,
    pub application: Application,
}

/// The one address that gets codes of the console.
pub fn redirect_uri(config: &Config) -> String {
    config.console_url.join("/callback")
}

/// Returns the console's client of the first tenant. Creates it if it is missing, and updates it to
/// the server's settings.
///
/// # Errors
/// `Unavailable` if there is no tenant.
pub async fn of_first_tenant(ctx: &Context) -> Result<ConsoleClient> {
    let found = ctx
        .app
        .db
        .read(async |rx| {
            let Some(tenant) = tenants::store::first(rx).await? else {
                return Ok(None);
            };
            let realm = realms::store::find_admin(rx, tenant.id).await?;
            let realm = realm.ok_or_else(|| incomplete(tenant.id))?.at();
            let config = authenticator_configs::store::find_managed(rx, realm).await?;
            let config = config.ok_or_else(|| incomplete(tenant.id))?;
            let application = applications::store::find_console(rx, realm).await?;
            Ok(Some((tenant, realm, config, application)))
        })
        .await?;
    let Some((tenant, realm, config, application)) = found else {
        return Err(Error::Unavailable(
            "there is no tenant: run `keymoor init`".to_owned(),
        ));
    };
    let application = match application {
        Some((application, _)) => corrected(ctx, application).await?,
        None => with_fresh_ids!(create(ctx, realm, config).await)?,
    };
    Ok(ConsoleClient {
        tenant,
        application,
    })
}

/// Returns the secret of the console's client.
pub async fn secret(ctx: &Context, at: ApplicationRef) -> Result<Secret> {
    let found = ctx
        .app
        .db
        .read(async |rx| applications::store::find_console(rx, at.realm()).await)
        .await?;
    match found {
        Some((application, Some(sealed))) if application.id == at.application_id => {
            sealed.open(&ctx.app, &application)
        }
        _ => Err(at.not_found()),
    }
}

fn protocol(config: &Config) -> ProtocolConfig {
    ProtocolConfig {
        protocol: Protocol::Oidc,
        confidentiality: Confidentiality::Confidential,
        grant_type: vec![GrantType::AuthorizationCode],
        redirect_uris: vec![redirect_uri(config)],
        allowed_scopes: ScopeSet::from_tokens(["openid"]).expect("a well-formed scope"),
        pkce: PkceSetting::S256,
        token_configuration: TokenConfiguration {
            expires_after: u32::try_from(SESSION_LIFETIME.0).expect("a day"),
            token_signing_algorithm: SigningAlgorithm::ES256,
            subject_field: SubjectField::Id,
        },
        id_token_claims: IdTokenContent::default(),
    }
}

async fn create(
    ctx: &Context,
    realm: RealmRef,
    config: AuthenticatorConfigId,
) -> Result<Application> {
    let (now, rng) = (ctx.now, &*ctx.app.rng);
    let secret = new_client_secret(rng);
    let application = Application {
        tenant_id: realm.tenant_id,
        realm_id: realm.realm_id,
        id: ApplicationId::generate(now, rng),
        display_name: "Keymoor Console".to_owned(),
        classification: CONSOLE.to_owned(),
        is_managed: true,
        resource_server_id: None,
        authenticator_config_id: Some(config),
        client_id: new_client_id(rng),
        client_secret_hash: Some(secret.digest()),
        previous_secret_hash: None,
        previous_secret_expires_at: None,
        protocol: protocol(&ctx.app.config),
        created_at: now,
        updated_at: now,
    };
    let sealed = SealedSecret::seal(&ctx.app, &application, &secret);
    let event = Event::about(
        ctx,
        application.at(),
        EventKind::APPLICATION_OPERATION,
        "CREATED",
    );
    ctx.app
        .db
        .write(async move |tx| {
            if applications::store::insert_console(tx, &application, &sealed).await? {
                directory::store::add(tx, realm, applications::store::DIRECTORY, 1).await?;
                events::append(tx, &event).await?;
                return Ok(application.clone());
            }
            let found = applications::store::find_console(tx, realm).await?;
            found
                .map(|(application, _)| application)
                .ok_or_else(|| incomplete(realm.tenant_id))
        })
        .await
}

/// The console's address may have changed since.
async fn corrected(ctx: &Context, found: Application) -> Result<Application> {
    let wanted = protocol(&ctx.app.config);
    if found.protocol == wanted {
        return Ok(found);
    }
    let corrected = Application {
        protocol: wanted,
        updated_at: ctx.now,
        ..found
    };
    let written = corrected.clone();
    ctx.app
        .db
        .write(async move |tx| applications::store::update(tx, &written).await)
        .await?;
    ctx.app.applications.forget(&corrected.at());
    Ok(corrected)
}
