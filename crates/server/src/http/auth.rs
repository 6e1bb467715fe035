//! Management callers: bearer tokens and scopes.
//!
//! A handler that takes [`Allowed<S>`] runs only for a caller whose token holds scope `S` for the
//! tenant in the path; there is no other way to a management [`Context`].

use std::marker::PhantomData;

use crate::app::App;
use crate::base::context::{Actor, Context, Origin};
use crate::base::error::{Error, Result};
use crate::base::secret::Secret;
use crate::http::path::Segments;
use crate::slices::tokens::access;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

/// A permission of the management API.
pub trait Scope: Send + Sync {
    const NAME: &'static str;
}

macro_rules! scopes {
    ($($scope:ident = $name:literal;)*) => {
        /// One type for each scope of the management API.
        pub mod scope {
            $(
                #[doc = concat!("`", $name, "`")]
                pub struct $scope;

                impl super::Scope for $scope {
                    const NAME: &'static str = $name;
                }
            )*

            /// Every scope that the built-in resource server offers.
            pub const ALL: &[&str] = &[$($name),*];
        }
    };
}

scopes! {
    TenantsRead = "tenants:read";
    TenantsUpdate = "tenants:update";
    RealmsCreate = "realms:create";
    RealmsRead = "realms:read";
    RealmsUpdate = "realms:update";
    RealmsDelete = "realms:delete";
    IdentitiesCreate = "identities:create";
    IdentitiesRead = "identities:read";
    IdentitiesUpdate = "identities:update";
    IdentitiesDelete = "identities:delete";
    CredentialsRead = "credentials:read";
    CredentialsRevoke = "credentials:revoke";
    CredentialBindingJobsCreate = "credential-binding-jobs:create";
    CredentialBindingJobsRead = "credential-binding-jobs:read";
    CredentialBindingJobsRevoke = "credential-binding-jobs:revoke";
    AuthenticatorConfigsCreate = "authenticator-configs:create";
    AuthenticatorConfigsRead = "authenticator-configs:read";
    AuthenticatorConfigsUpdate = "authenticator-configs:update";
    AuthenticatorConfigsDelete = "authenticator-configs:delete";
    ApplicationsCreate = "applications:create";
    ApplicationsRead = "applications:read";
    ApplicationsUpdate = "applications:update";
    ApplicationsDelete = "applications:delete";
    ResourceServersRead = "resource-servers:read";
    TokensRead = "tokens:read";
    TokensDelete = "tokens:delete";
}

/// A caller who may do what `S` permits, in the tenant of the path.
pub struct Allowed<S> {
    pub ctx: Context,
    scope: PhantomData<S>,
}

impl<S: Scope> FromRequestParts<App> for Allowed<S> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let token = bearer(&parts.headers).ok_or(Error::Unauthenticated)?;
        let tenant_id = Segments::of(parts).await?.get("tenant_id")?;
        let token = access::verify_management(app, &token, tenant_id).await?;
        if !token.scope.contains(S::NAME) {
            return Err(Error::Forbidden("forbidden"));
        }
        let Ok(origin) = Origin::from_request_parts(parts, app).await;
        let context = Context {
            app: app.clone(),
            now: app.now(),
            actor: Actor::Principal(token.principal),
            scopes: token.scope,
            origin,
        };
        Ok(Self {
            ctx: context,
            scope: PhantomData,
        })
    }
}

/// The bearer token of a request, RFC 6750 section 2.1. The scheme's name ignores case.
pub fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Secret::new(token.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer_of(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        bearer(&headers).map(|token| token.expose().to_owned())
    }

    #[test]
    fn only_the_bearer_scheme_is_read() {
        assert_eq!(bearer_of("Bearer abc"), Some("abc".to_owned()));
        assert_eq!(bearer_of("bearer abc"), Some("abc".to_owned()));
        assert_eq!(bearer_of("Basic abc"), None);
        assert_eq!(bearer_of("abc"), None);
    }
}
