//! Authentication of management callers: bearer tokens and scopes.
//!
//! A handler with an [`Allowed<S>`] parameter only runs if the caller's token has scope `S` for the
//! tenant in the path. Nothing else creates a management [`Context`].

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use futures_util::future::BoxFuture;
use keymoor_oauth::claims::Principal;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::TenantId;

use crate::app::App;
use crate::base::context::{Actor, Context, Source};
use crate::base::error::{Error, Result};
use crate::base::reason::Reason;
use crate::base::refs::Segments as _;
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::http::list::reject_unknown;
use crate::http::path::PathSegments;
use crate::slices::tokens::access::{self, ManagementToken};

/// A caller with scope `S` in the tenant of the path.
pub struct Allowed<S> {
    pub ctx: Context,
    scope: PhantomData<S>,
}

impl<S: Scope> FromRequestParts<App> for Allowed<S> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let tenant_id = PathSegments::of(parts).await?.get("tenant_id")?;
        let token = if let Some(session) = parts.extensions.remove::<InSession>() {
            session.in_tenant(tenant_id)?
        } else {
            let token = bearer(&parts.headers)
                .ok_or_else(|| Error::Unauthenticated.because(Reason::MissingCredentials))?;
            access::verify_management(app, &token, tenant_id).await?
        };
        if !reads_list(parts) {
            reject_unknown(parts.uri.query(), |_| false)?;
        }
        let Ok(source) = Source::from_request_parts(parts, app).await;
        source.note_client(token.client_id);
        if !token.scope.contains(S::NAME) {
            return Err(Error::Forbidden("forbidden").because_of(Reason::MissingScope, S::NAME));
        }
        let context = Context {
            app: app.clone(),
            now: app.now(),
            actor: Actor::Principal(token.principal),
            scopes: token.scope,
            source,
        };
        Ok(Self {
            ctx: context,
            scope: PhantomData,
        })
    }
}

/// A caller whose session was verified: the console's middleware adds it to a request. No client can.
#[derive(Clone)]
pub struct InSession {
    pub tenant_id: TenantId,
    pub principal: Principal,
    pub client_id: String,
    pub scope: ScopeSet,
    pub check: Check,
}

/// Asks whether a session still counts, for requests that last.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

impl InSession {
    fn in_tenant(self, tenant_id: TenantId) -> Result<ManagementToken> {
        if self.tenant_id != tenant_id {
            return Err(Error::Forbidden("forbidden").because(Reason::OtherTenant));
        }
        Ok(ManagementToken {
            principal: self.principal,
            client_id: self.client_id,
            scope: self.scope,
        })
    }
}

/// Whether the request is for a list: its path ends with the name of a collection. Only lists have
/// query parameters, and [`Asked`](crate::http::list::Asked) reads them.
fn reads_list(parts: &Parts) -> bool {
    let path = parts.extensions.get::<MatchedPath>();
    let is_collection = path.is_some_and(|path| !path.as_str().ends_with('}'));
    is_collection && matches!(parts.method, Method::GET | Method::HEAD)
}

/// A request without bearer token.
pub struct Anonymous(pub Context);

impl FromRequestParts<App> for Anonymous {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let source = Source::from_request_parts(parts, app).await?;
        Ok(Self(Context::anonymous(app, source)))
    }
}

/// Returns the request's bearer token (RFC 6750, section 2.1). The scheme is case-insensitive.
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
