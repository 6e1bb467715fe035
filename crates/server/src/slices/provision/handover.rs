//! What an operator needs to start: a tenant's ids, the management client, and a link for the
//! administrator's first passkey.

use keymoor_types::{ApplicationId, IdentityId, RealmId, TenantId};
use serde::Serialize;

use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::refs::{Ref as _, TenantRef};
use crate::base::secret::Secret;
use crate::db::Rx;
use crate::slices::applications;
use crate::slices::applications::model::Application;
use crate::slices::authenticator_configs;
use crate::slices::binding;
use crate::slices::binding::model::{BindingJob, ConfigChoice, DeliveryMethod, NewJob};
use crate::slices::credentials;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities;
use crate::slices::realms;
use crate::slices::realms::model::Realm;

/// The credentials of a new tenant. They leave the process only by [`Handover::printed`].
pub struct Handover {
    tenant_id: TenantId,
    admin_realm_id: RealmId,
    management: ManagementClient,
    admin_access: AdminAccess,
}

/// The client that a tenant starts with, with its secret.
pub struct ManagementClient {
    application_id: ApplicationId,
    client_id: String,
    client_secret: Secret,
    token_endpoint: String,
}

impl ManagementClient {
    pub(super) fn of(ctx: &Context, application: &Application, client_secret: Secret) -> Self {
        let path = format!(
            "/v1/tenants/{}/realms/{}/applications/{}/token",
            application.tenant_id, application.realm_id, application.id
        );
        Self {
            application_id: application.id,
            client_id: application.client_id.clone(),
            client_secret,
            token_endpoint: ctx.app.config.auth_url.join(&path),
        }
    }

    pub(super) fn printed(&self) -> PrintedClient<'_> {
        PrintedClient {
            application_id: self.application_id,
            client_id: &self.client_id,
            client_secret: self.client_secret.expose(),
            token_endpoint: &self.token_endpoint,
        }
    }
}

/// How an administrator can sign in.
pub enum AdminAccess {
    /// With the passkey that a new link creates.
    Link(AdminLink),
    /// With the passkey of at least one administrator.
    Passkey,
    /// Not at all: there is no administrator, or all are suspended.
    Nobody,
}

/// A new link for an administrator's passkey.
pub struct AdminLink {
    pub link: Secret,
    pub identity_id: IdentityId,
    pub username: String,
}

/// The JSON form of a [`Handover`], with secrets in clear.
#[derive(Serialize)]
pub struct Printed<'a> {
    pub auth_url: &'a str,
    pub api_url: &'a str,
    pub tenant_id: TenantId,
    pub admin_realm_id: RealmId,
    pub management: PrintedClient<'a>,
    pub admin_binding_link: Option<&'a str>,
}

#[derive(Serialize)]
pub struct PrintedClient<'a> {
    pub application_id: ApplicationId,
    pub client_id: &'a str,
    pub client_secret: &'a str,
    pub token_endpoint: &'a str,
}

impl Handover {
    pub fn printed<'a>(&'a self, ctx: &'a Context) -> Printed<'a> {
        Printed {
            auth_url: ctx.app.config.auth_url.as_str(),
            api_url: ctx.app.config.api_url.as_str(),
            tenant_id: self.tenant_id,
            admin_realm_id: self.admin_realm_id,
            management: self.management.printed(),
            admin_binding_link: match &self.admin_access {
                AdminAccess::Link(new) => Some(new.link.expose()),
                AdminAccess::Passkey | AdminAccess::Nobody => None,
            },
        }
    }

    pub fn admin_access(&self) -> &AdminAccess {
        &self.admin_access
    }
}

/// Collects the handover of a tenant, with a new link for its administrator.
///
/// # Errors
/// `Sealed` if the master key is not the one that sealed the client secret.
pub async fn of(ctx: &Context, tenant: TenantId) -> Result<Handover> {
    let (realm, management, sealed) = ctx
        .app
        .db
        .read(async |rx| {
            let realm = realms::store::find_admin(rx, tenant).await?;
            let realm = realm.ok_or_else(|| incomplete(tenant))?;
            let management = applications::store::find_management(rx, realm.at()).await?;
            let management = management.ok_or_else(|| incomplete(tenant))?;
            let sealed = applications::store::find_secret(rx, management.at()).await?;
            Ok((realm, management, sealed.ok_or_else(|| incomplete(tenant))?))
        })
        .await?;
    let client_secret = sealed.open(&ctx.app, &management)?;
    Ok(Handover {
        tenant_id: tenant,
        admin_realm_id: realm.id,
        management: ManagementClient::of(ctx, &management, client_secret),
        admin_access: admin_access(ctx, &realm, Wanted::FirstPasskey).await?,
    })
}

pub(super) fn incomplete(tenant: TenantId) -> Error {
    Error::internal(format!(
        "tenant {tenant} has no admin realm or management application"
    ))
}

/// The number of lost races with another process before an error is assumed.
const TRIES: u32 = 20;

/// When to create an administrator's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// For the first administrator, until any has a passkey.
    FirstPasskey,
    /// Also afterwards, because the operator asks for it: the passkeys may be lost. For the
    /// administrator with this username, else for the first.
    Recovery(Option<&'a str>),
}

/// Determines how an administrator can sign in. If a link is wanted, creates one, which replaces an
/// earlier link.
///
/// Each of several concurrent callers gets a link. Only the last one works.
pub async fn admin_access(ctx: &Context, realm: &Realm, wanted: Wanted<'_>) -> Result<AdminAccess> {
    for _ in 1..TRIES {
        match replace_admin_link(ctx, realm, wanted).await {
            // Another process created one concurrently.
            Err(Error::Conflict { .. }) => {}
            other => return other,
        }
    }
    replace_admin_link(ctx, realm, wanted).await
}

/// A link that was created although an administrator may have a passkey.
const ADMINISTRATOR_RECOVERY: EventKind = EventKind::new("AdministratorRecovery");

/// Creates a link for an active administrator of a tenant, whether or not one has a passkey: for
/// the one with this username, else for the first.
///
/// # Errors
/// `NotFound` for the tenant.
pub async fn recover(
    ctx: &Context,
    tenant: TenantId,
    username: Option<&str>,
) -> Result<(RealmId, AdminAccess)> {
    let realm = ctx
        .app
        .db
        .read(async |rx| admin_realm(rx, tenant).await)
        .await?;
    let access = admin_access(ctx, &realm, Wanted::Recovery(username)).await?;
    Ok((realm.id, access))
}

/// Returns a tenant's admin realm.
pub(super) async fn admin_realm(rx: &mut Rx, tenant_id: TenantId) -> Result<Realm> {
    let realm = realms::store::find_admin(rx, tenant_id).await?;
    realm.ok_or_else(|| TenantRef { tenant_id }.not_found())
}

async fn replace_admin_link(
    ctx: &Context,
    realm: &Realm,
    wanted: Wanted<'_>,
) -> Result<AdminAccess> {
    let (realm, now) = (realm.at(), ctx.now);
    let found = ctx
        .app
        .db
        .read(async |rx| {
            if wanted == Wanted::FirstPasskey && credentials::store::any_usable(rx, realm).await? {
                return Ok(Err(AdminAccess::Passkey));
            }
            let found = match wanted {
                Wanted::Recovery(Some(username)) => {
                    identities::store::find_active_by_username(rx, realm, username).await?
                }
                Wanted::Recovery(None) | Wanted::FirstPasskey => {
                    identities::store::first_active(rx, realm).await?
                }
            };
            let Some(administrator) = found else {
                return Ok(Err(AdminAccess::Nobody));
            };
            let config = authenticator_configs::store::find_managed(rx, realm).await?;
            let config = config.ok_or_else(|| incomplete(realm.tenant_id))?;
            let pending = binding::store::list_pending(rx, administrator.at(), now).await?;
            Ok(Ok((administrator, config, pending)))
        })
        .await?;
    let (administrator, authenticator_config_id, pending) = match found {
        Ok(found) => found,
        Err(access) => return Ok(access),
    };
    for job in pending {
        withdraw(ctx, &job).await?;
    }
    let at = administrator.at();
    let new = NewJob {
        delivery_method: DeliveryMethod::Return,
        config: ConfigChoice::Stored(authenticator_config_id),
        post_binding_redirect_uri: None,
        expires_in: None,
    };
    let created = binding::ops::create_only(ctx, at, new).await?;
    if let Wanted::Recovery(_) = wanted {
        // Nobody knows the link before this is written.
        let event = Event::about(ctx, at, ADMINISTRATOR_RECOVERY, "LINK_CREATED")
            .detail("credential_binding_job_id", created.job.id);
        ctx.app
            .db
            .write(async move |tx| events::append(tx, &event).await)
            .await?;
    }
    Ok(AdminAccess::Link(AdminLink {
        link: created.link,
        identity_id: administrator.id,
        username: administrator.traits.username,
    }))
}

/// Revokes a job, unless it has just ended.
async fn withdraw(ctx: &Context, job: &BindingJob) -> Result<()> {
    match binding::ops::revoke(ctx, job.at()).await {
        Ok(_) | Err(Error::Ended { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
