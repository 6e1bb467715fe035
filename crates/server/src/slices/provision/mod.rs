//! Creates a tenant with everything that managing it requires.
//!
//! A tenant starts with an admin realm, which contains the management API as a resource server, an
//! application that calls it, the console's authenticator config, and one administrator.

pub mod console;
pub mod console_client;
pub mod handover;
pub mod rotation;
#[cfg(test)]
mod tests;

use keymoor_oauth::client::{Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_oauth::jose::Algorithm;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{
    ApplicationId, AuthenticatorConfigId, IdentityId, RealmId, ResourceServerId, Seconds, TenantId,
};

use crate::base::context::Context;
use crate::base::error::{Result, with_fresh_ids};
use crate::base::refs::{RealmRef, TenantRef};
use crate::base::scope;
use crate::base::scope::MANAGEMENT_AUDIENCE;
use crate::base::secret::Secret;
use crate::db::Tx;
use crate::infra::directory;
use crate::slices::applications::choices::{IdTokenContent, SigningAlgorithm, SubjectField};
use crate::slices::applications::model::{
    Application, MANAGEMENT_API, ProtocolConfig, TokenConfiguration, new_client_id,
    new_client_secret,
};
use crate::slices::applications::store::SealedSecret;
use crate::slices::authenticator_configs::model::AuthenticatorConfig;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities::model::{Identity, Status, Traits, UserHandle};
use crate::slices::realms::model::{Classification, Realm};
use crate::slices::resource_servers::model::ResourceServer;
use crate::slices::tenants::model::Tenant;
use crate::slices::{
    applications, authenticator_configs, identities, realms, resource_servers, tenants,
};

/// A new tenant.
#[derive(Clone, PartialEq, Eq)]
pub struct NewTenant {
    pub display_name: String,
    /// The first administrator.
    pub admin_username: String,
    pub admin_email_address: Option<String>,
}

/// The created objects, with the one secret that is returned in clear.
#[derive(Clone)]
pub struct Provisioned {
    pub tenant: Tenant,
    pub realm: Realm,
    pub management: Application,
    pub management_secret: Secret,
    pub console_config: AuthenticatorConfig,
    pub administrator: Identity,
}

/// Creates a tenant.
pub async fn tenant(ctx: &Context, new: &NewTenant) -> Result<Provisioned> {
    // Boxed, since the future of creating a tenant is large.
    let made = with_fresh_ids!(Box::pin(attempt(ctx, new)).await)?;
    ensure_key(ctx, made.realm.at()).await?;
    Ok(made)
}

async fn attempt(ctx: &Context, new: &NewTenant) -> Result<Provisioned> {
    let plan = Box::new(Plan::new(ctx, new));
    let made = plan.provisioned.clone();
    ctx.app
        .db
        .write(async move |tx| plan.write(tx).await)
        .await?;
    Ok(made)
}

/// Creates a tenant unless one exists, and returns the id of the first. Only one of several
/// concurrent processes creates it.
pub async fn first_tenant(ctx: &Context, new: &NewTenant) -> Result<TenantId> {
    let id = with_fresh_ids!(attempt_first(ctx, new).await)?;
    let realm = ctx
        .app
        .db
        .read(async |rx| realms::store::find_admin(rx, id).await)
        .await?;
    // Another process may have created the tenant, with another key.
    master_key_fits(ctx).await?;
    if let Some(realm) = realm {
        // Retried here, in case the process that created the tenant died before creating its key.
        ensure_key(ctx, realm.at()).await?;
    }
    Ok(id)
}

async fn attempt_first(ctx: &Context, new: &NewTenant) -> Result<TenantId> {
    let plan = Box::new(Plan::new(ctx, new));
    ctx.app
        .db
        .write(async move |tx| {
            tenants::store::lock_first(tx).await?;
            if let Some(tenant) = tenants::store::first(tx).await? {
                return Ok(tenant.id);
            }
            plan.write(tx).await?;
            Ok(plan.provisioned.tenant.id)
        })
        .await
}

/// Opens something that was sealed for the first tenant. Returns false if there is no tenant yet.
///
/// # Errors
/// `Sealed` if the master key is a different one.
pub async fn master_key_fits(ctx: &Context) -> Result<bool> {
    let realm = ctx
        .app
        .db
        .read(async |rx| match tenants::store::first(rx).await? {
            Some(tenant) => realms::store::find_admin(rx, tenant.id).await,
            None => Ok(None),
        })
        .await?;
    match realm {
        Some(realm) => {
            open_management_secret(ctx, &realm).await?;
            ctx.app.keys.of(realm.at()).await?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Opens the one thing that was sealed in the write that created the tenant.
async fn open_management_secret(ctx: &Context, realm: &Realm) -> Result<()> {
    let realm = realm.at();
    let found = ctx
        .app
        .db
        .read(async |rx| {
            let Some(application) = applications::store::find_management(rx, realm).await? else {
                return Ok(None);
            };
            let sealed = applications::store::find_secret(rx, application.at()).await?;
            Ok(sealed.map(|sealed| (application, sealed)))
        })
        .await?;
    match found {
        Some((application, sealed)) => sealed.open(&ctx.app, &application).map(drop),
        None => Ok(()),
    }
}

async fn ensure_key(ctx: &Context, realm: RealmRef) -> Result<()> {
    ctx.app.keys.ensure(realm, Algorithm::Es256).await
}

/// Every row of a new tenant, built before the transaction that writes them.
struct Plan {
    provisioned: Provisioned,
    resource_server: ResourceServer,
    sealed_secret: SealedSecret,
    event: Event,
}

impl Plan {
    fn new(ctx: &Context, new: &NewTenant) -> Self {
        let (now, rng) = (ctx.now, &*ctx.app.rng);
        let (created_at, updated_at) = (now, now);
        let tenant_id = TenantId::generate(now, rng);
        let realm_id = RealmId::generate(now, rng);
        let tenant = Tenant {
            id: tenant_id,
            display_name: new.display_name.clone(),
            created_at,
            updated_at,
        };
        let realm = Realm {
            tenant_id,
            id: realm_id,
            display_name: "Keymoor Admin".to_owned(),
            classification: Classification::SecureWorkforce,
            is_admin: true,
            created_at,
            updated_at,
        };
        let resource_server = ResourceServer {
            tenant_id,
            realm_id,
            id: ResourceServerId::generate(now, rng),
            display_name: "Keymoor Management API".to_owned(),
            identifier: MANAGEMENT_AUDIENCE.to_owned(),
            scopes: scope::ALL.iter().map(|&scope| scope.to_owned()).collect(),
            is_managed: true,
            created_at,
            updated_at,
        };
        let management_secret = new_client_secret(rng);
        let management = Application {
            tenant_id,
            realm_id,
            id: ApplicationId::generate(now, rng),
            display_name: "Keymoor Management API".to_owned(),
            classification: MANAGEMENT_API.to_owned(),
            is_managed: true,
            resource_server_id: Some(resource_server.id),
            authenticator_config_id: None,
            client_id: new_client_id(rng),
            client_secret_hash: Some(management_secret.digest()),
            previous_secret_hash: None,
            previous_secret_expires_at: None,
            protocol: management_protocol(ctx.app.config.management_token_lifetime),
            created_at,
            updated_at,
        };
        let sealed_secret = SealedSecret::seal(&ctx.app, &management, &management_secret);
        let console_config = AuthenticatorConfig {
            tenant_id,
            realm_id,
            id: AuthenticatorConfigId::generate(now, rng),
            display_name: Some("Keymoor Console".to_owned()),
            config: console::wanted(&ctx.app.config),
            is_managed: true,
            created_at,
            updated_at,
        };
        let administrator = Identity {
            tenant_id,
            realm_id,
            id: IdentityId::generate(now, rng),
            display_name: "Administrator".to_owned(),
            status: Status::Active,
            traits: Traits {
                username: new.admin_username.clone(),
                primary_email_address: new.admin_email_address.clone(),
                ..Traits::default()
            },
            user_handle: UserHandle::generate(rng),
            created_at,
            updated_at,
        };
        let event = Event::about(
            ctx,
            TenantRef { tenant_id },
            EventKind::TENANT_CHANGE,
            "CREATED",
        );
        let provisioned = Provisioned {
            tenant,
            realm,
            management,
            management_secret,
            console_config,
            administrator,
        };
        Self {
            provisioned,
            resource_server,
            sealed_secret,
            event,
        }
    }

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Provisioned {
            tenant,
            realm,
            management,
            console_config,
            administrator,
            ..
        } = &self.provisioned;
        tenants::store::insert(tx, tenant).await?;
        realms::store::insert(tx, realm).await?;
        resource_servers::store::insert(tx, &self.resource_server).await?;
        applications::store::insert(tx, management, Some(&self.sealed_secret)).await?;
        authenticator_configs::store::insert(tx, console_config).await?;
        identities::store::insert(tx, administrator).await?;
        directory::store::add(tx, realm.at().tenant(), realms::store::DIRECTORY, 1).await?;
        for directory in [
            resource_servers::store::DIRECTORY,
            applications::store::DIRECTORY,
            authenticator_configs::store::DIRECTORY,
            identities::store::DIRECTORY,
        ] {
            directory::store::add(tx, realm.at(), directory, 1).await?;
        }
        events::append(tx, &self.event).await
    }
}

fn management_protocol(token_lifetime: Seconds) -> ProtocolConfig {
    ProtocolConfig {
        protocol: Protocol::OAuth2,
        confidentiality: Confidentiality::Confidential,
        grant_type: vec![GrantType::ClientCredentials],
        redirect_uris: Vec::new(),
        allowed_scopes: ScopeSet::from_tokens(scope::ALL.iter().copied())
            .expect("our scopes are well-formed"),
        pkce: PkceSetting::Disabled,
        token_configuration: TokenConfiguration {
            expires_after: u32::try_from(token_lifetime.0)
                .expect("the setting is from a minute to 90 days"),
            token_signing_algorithm: SigningAlgorithm::ES256,
            subject_field: SubjectField::Id,
        },
        id_token_claims: IdTokenContent::default(),
    }
}
