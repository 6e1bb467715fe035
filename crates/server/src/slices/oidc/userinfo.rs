//! Returns claims about the person that an access token speaks for.

use keymoor_oauth::claims::Principal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::refs::RealmRef;
use crate::base::secret::Secret;
use crate::slices::applications::issuer::Issuer;
use crate::slices::identities;
use crate::slices::identities::model::{Identity, Status};
use crate::slices::tokens::access;

/// Claims about a person (OpenID Connect Core 1.0, section 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserInfo {
    /// The subject, as in the tokens.
    #[schema(examples("19cade21f4a269e0"))]
    pub sub: String,
    #[serde(flatten)]
    #[schema(inline)]
    pub profile: Profile,
}

/// What a person's scopes tell of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Profile {
    /// The display name, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("Wren Marsh"))]
    pub name: Option<String>,
    /// The username, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("wren"))]
    pub preferred_username: Option<String>,
    /// The primary address, with scope `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("wren@example.com"))]
    pub email: Option<String>,
}

impl Profile {
    pub fn of(identity: &Identity, scopes: &keymoor_oauth::scope::ScopeSet) -> Self {
        let traits = &identity.traits;
        let mut profile = Self::default();
        if scopes.contains("profile") {
            profile.name = Some(identity.display_name.clone());
            profile.preferred_username = Some(traits.username.clone());
        }
        if scopes.contains("email") {
            profile.email.clone_from(&traits.primary_email_address);
        }
        profile
    }
}

/// Returns the claims that the holder of `token` may read.
///
/// # Errors
/// `Unauthenticated` for a token of another application, one that speaks for no person, a revoked
/// one, or one whose person was deleted or suspended.
pub async fn userinfo(ctx: &Context, issuer: &Issuer, token: &Secret) -> Result<UserInfo> {
    let claims = access::verify(&ctx.app, token).await?;
    let Principal::Identity {
        tenant_id,
        realm_id,
        identity_id,
    } = claims.bi_p
    else {
        return Err(Error::Unauthenticated);
    };
    let identity = RealmRef {
        tenant_id,
        realm_id,
    }
    .identity_id(identity_id);
    if claims.iss != issuer.url || identity.realm() != issuer.at.realm() {
        return Err(Error::Unauthenticated);
    }
    let identity = ctx
        .app
        .db
        .read(async |rx| identities::store::find(rx, identity).await)
        .await?;
    match identity {
        Some(identity) if identity.status == Status::Active => Ok(UserInfo {
            profile: Profile::of(&identity, &claims.scope),
            sub: claims.sub,
        }),
        _ => Err(Error::Unauthenticated),
    }
}
