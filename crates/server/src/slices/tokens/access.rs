//! Access tokens: signed by the realm's key, verified without a database read on the common path.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::claims::{AccessTokenClaims, Principal, TargetRealm};
use keymoor_oauth::client::GrantType;
use keymoor_oauth::jose::{self, Algorithm, JoseError, JwtHeader, KeySet, TokenType};
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{CredentialId, Seconds, TenantId, Timestamp};
use serde::Deserialize;

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::reason::Reason;
use crate::base::refs::ApplicationRef;
use crate::base::scope::MANAGEMENT_AUDIENCE;
use crate::base::secret::Secret;
use crate::slices::applications;
use crate::slices::applications::model::Application;
use crate::slices::tokens::model::{IssuedToken, TokenId, suffix};

/// The content of an access token.
pub struct Grant<'a> {
    pub application: ApplicationRef,
    pub client_id: &'a str,
    pub subject: &'a str,
    pub principal: Principal,
    /// The passkey that the grant rests on. `None` for an application that acts for itself.
    pub credential: Option<CredentialId>,
    pub audience: Vec<String>,
    pub scope: ScopeSet,
    pub grant_type: GrantType,
    pub lifetime: Seconds,
    pub algorithm: Algorithm,
}

/// A new token.
pub struct Issued {
    pub token: Secret,
    /// The row that must be written before the token is returned.
    pub record: IssuedToken,
}

/// Creates a token without writing anything.
pub async fn issue(app: &App, now: Timestamp, grant: Grant<'_>) -> Result<Issued> {
    let at = grant.application;
    let iss = applications::issuer::url(app, at);
    let expires_at = now + grant.lifetime;
    let id = TokenId::generate(now, &*app.rng);
    let identity_id = match grant.principal {
        Principal::Identity { identity_id, .. } => Some(identity_id),
        Principal::Application { .. } => None,
    };
    let is_management = grant
        .audience
        .iter()
        .any(|audience| audience == MANAGEMENT_AUDIENCE);
    let claims = AccessTokenClaims {
        sub: grant.subject.to_owned(),
        aud: grant.audience,
        exp: expires_at.as_seconds(),
        nbf: now.as_seconds(),
        iat: now.as_seconds(),
        jti: id.to_string(),
        scope: grant.scope,
        client_id: grant.client_id.to_owned(),
        azp: at.principal(),
        bi_p: grant.principal,
        bi_t: at.tenant_id,
        bi_r: if is_management {
            TargetRealm::Every
        } else {
            TargetRealm::One(at.realm_id)
        },
        bi_ty: grant.grant_type,
        iss,
    };
    let jku = format!("{}/.well-known/jwks.json", claims.iss);
    let header = JwtHeader {
        typ: TokenType::AccessToken,
        jku: Some(&jku),
    };
    let keys = app.keys.with_current(at.realm(), grant.algorithm).await?;
    let token = Secret::new(keys.signing(grant.algorithm)?.sign(header, &claims));
    let record = IssuedToken {
        tenant_id: at.tenant_id,
        realm_id: at.realm_id,
        application_id: at.application_id,
        id,
        identity_id,
        credential_id: grant.credential,
        scopes: claims.scope,
        suffix: suffix(token.expose()),
        issued_at: now,
        expires_at,
    };
    Ok(Issued { token, record })
}

/// A token that may call the management API.
pub struct ManagementToken {
    pub principal: Principal,
    pub client_id: String,
    pub scope: ScopeSet,
}

/// Accepts only tokens of `tenant` whose audience is the management API, which are those of
/// applications bound to the managed resource server.
///
/// The application must still exist. Rights that it has lost, its older tokens have lost too. Both
/// are at most five seconds old.
pub async fn verify_management(
    app: &App,
    token: &Secret,
    tenant: TenantId,
) -> Result<ManagementToken> {
    let (claims, application) = verify_for(app, token, Some(tenant)).await?;
    if claims.aud != [MANAGEMENT_AUDIENCE] || claims.bi_r != TargetRealm::Every {
        let why = "the token is not for the management API";
        return Err(Error::Unauthenticated.because_of(Reason::InvalidToken, why));
    }
    let scope = claims
        .scope
        .intersection(&application.protocol.allowed_scopes);
    Ok(ManagementToken {
        principal: claims.bi_p,
        client_id: claims.client_id,
        scope,
    })
}

/// Verifies an access token of any application of this server.
pub async fn verify(app: &App, token: &Secret) -> Result<AccessTokenClaims> {
    verify_for(app, token, None).await.map(|(claims, _)| claims)
}

/// Verifies a token. The reason for a rejection is only logged. A token of another tenant than
/// `expected` is valid, but not sufficient.
async fn verify_for(
    app: &App,
    token: &Secret,
    expected: Option<TenantId>,
) -> Result<(AccessTokenClaims, Arc<Application>)> {
    let refused = |error: JoseError| {
        let reason = match error {
            JoseError::Expired => Reason::ExpiredToken,
            _ => Reason::InvalidToken,
        };
        Error::Unauthenticated.because_of(reason, error)
    };
    let Some(at) = issued_to(token) else {
        return Err(refused(JoseError::Malformed));
    };
    let keys = app.keys.of(at.realm()).await?;
    let verify = |keys: &KeySet| -> Result<AccessTokenClaims, JoseError> {
        jose::verify(token.expose(), keys, TokenType::AccessToken)
    };
    let claims = match verify(&keys.verifying) {
        Err(JoseError::UnknownKey) => {
            let keys = app.keys.refreshed(at.realm()).await?;
            verify(&keys.verifying)
        }
        outcome => outcome,
    }
    .map_err(refused)?;
    claims.check_lifetime(app.now()).map_err(refused)?;
    // The key belongs to a realm, so the claims must name the realm of the lookup. `azp` is the
    // member that selected it.
    if claims.iss != applications::issuer::url(app, at) || claims.bi_t != at.tenant_id {
        return Err(refused(JoseError::MalformedClaims));
    }
    let id = claims
        .jti
        .parse()
        .map_err(|_| refused(JoseError::MalformedClaims))?;
    if app.revocations.contains(at.realm(), id) {
        return Err(Error::Unauthenticated.because(Reason::RevokedToken));
    }
    if expected.is_some_and(|expected| expected != at.tenant_id) {
        return Err(Error::Forbidden("forbidden").because(Reason::OtherTenant));
    }
    let application = applications::ops::cached(app, at)
        .await?
        .ok_or(Error::Unauthenticated)?;
    Ok((claims, application))
}

/// Returns the application that a token claims as its issuer, unverified, to look up its key.
fn issued_to(token: &Secret) -> Option<ApplicationRef> {
    #[derive(Deserialize)]
    struct Unverified {
        azp: Principal,
    }
    let claims = token.expose().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let Unverified { azp } = keymoor_types::json::from_slice(&claims).ok()?;
    match azp {
        Principal::Application {
            tenant_id,
            realm_id,
            application_id,
        } => Some(ApplicationRef {
            tenant_id,
            realm_id,
            application_id,
        }),
        Principal::Identity { .. } => None,
    }
}
