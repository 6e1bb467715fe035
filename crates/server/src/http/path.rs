//! References in paths. An invalid id is handled like an unknown one.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::base::error::{Error, Kind, Result};
use crate::base::refs::{
    ApplicationRef, AuthenticatorConfigRef, CredentialRef, IdentitiesRef, IdentityRef, JobRef,
    RealmRef, Ref as _, Segment, Segments, TenantRef,
};

/// The segments of a matched route, by name.
pub struct PathSegments(RawPathParams);

impl PathSegments {
    pub async fn of(parts: &mut Parts) -> Result<Self> {
        // This only fails for percent-encoding that isn't UTF-8, which no id contains.
        RawPathParams::from_request_parts(parts, &())
            .await
            .map(Self)
            .map_err(|_| Error::not_found(Kind::TENANT, ""))
    }
}

impl Segments for PathSegments {
    fn get<T: Segment>(&self, name: &str) -> Result<T> {
        let (_, text) = self
            .0
            .iter()
            .find(|(of, _)| *of == name)
            .ok_or_else(|| Error::internal(format!("route without {name}")))?;
        text.parse().map_err(|_| Error::not_found(T::KIND, text))
    }
}

/// Implements axum's extractor for references.
macro_rules! extract {
    ($($name:ty),+ $(,)?) => {$(
        impl<S: Send + Sync> axum::extract::FromRequestParts<S> for $name {
            type Rejection = $crate::base::error::Error;

            async fn from_request_parts(
                parts: &mut axum::http::request::Parts,
                _: &S,
            ) -> $crate::base::error::Result<Self> {
                Self::read(&$crate::http::path::PathSegments::of(parts).await?)
            }
        }
    )+};
}
pub(crate) use extract;

extract!(
    TenantRef,
    RealmRef,
    IdentityRef,
    IdentitiesRef,
    CredentialRef,
    JobRef,
    ApplicationRef,
    AuthenticatorConfigRef,
);
