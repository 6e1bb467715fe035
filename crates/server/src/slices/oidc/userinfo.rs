//! Returns claims about the person that an access token speaks for.

use keymoor_oauth::claims::{Address, Principal, StandardClaims};
use keymoor_oauth::scope::ScopeSet;
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
    pub person: StandardClaims,
}

/// Returns what `scopes` tell of a person.
pub fn claims_of(identity: &Identity, scopes: &ScopeSet) -> StandardClaims {
    let traits = &identity.traits;
    let mut claims = StandardClaims::default();
    if scopes.contains("profile") {
        claims.name = Some(identity.display_name.clone());
        claims.given_name.clone_from(&traits.given_name);
        claims.family_name.clone_from(&traits.family_name);
        claims.middle_name.clone_from(&traits.middle_name);
        claims.nickname.clone_from(&traits.nick_name);
        claims.preferred_username = Some(traits.username.clone());
        claims.profile.clone_from(&traits.profile_url);
        claims.picture.clone_from(&traits.photo);
        claims.zoneinfo.clone_from(&traits.timezone);
        claims.locale.clone_from(&traits.locale);
        claims.updated_at = Some(identity.updated_at.as_seconds());
    }
    // Nothing verifies addresses and numbers yet, and an application may rely on the claim.
    if scopes.contains("email") {
        claims.email.clone_from(&traits.primary_email_address);
        claims.email_verified = claims.email.is_some().then_some(false);
    }
    if scopes.contains("phone") {
        claims.phone_number.clone_from(&traits.primary_phone);
        claims.phone_number_verified = claims.phone_number.is_some().then_some(false);
    }
    if scopes.contains("address") {
        claims.address = Address {
            formatted: traits.formatted_address.clone(),
            street_address: traits.street_address.clone(),
            locality: traits.locality.clone(),
            region: traits.region.clone(),
            postal_code: traits.postal_code.clone(),
            country: traits.country.clone(),
        }
        .completed();
    }
    claims
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
            person: claims_of(&identity, &claims.scope),
            sub: claims.sub,
        }),
        _ => Err(Error::Unauthenticated),
    }
}
