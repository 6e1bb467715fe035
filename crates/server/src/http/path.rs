//! Ids in paths. What is no id names nothing that exists: it is answered like an unknown one.

use std::fmt;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use keymoor_types::{
    ApplicationId, AuthenticatorConfigId, BindingJobId, CredentialId, IdentityId, RealmId,
    ResourceServerId, TenantId,
};

use crate::base::error::{Error, Kind, Result};
use crate::base::long_id::TokenId;

/// A path segment that names something.
pub trait Segment: FromStr {
    const KIND: Kind;
}

macro_rules! segments {
    ($($id:ty => $kind:ident;)*) => {$(
        impl Segment for $id {
            const KIND: Kind = Kind::$kind;
        }
    )*};
}

segments! {
    TenantId => Tenant;
    RealmId => Realm;
    IdentityId => Identity;
    IdentityOrAll => Identity;
    CredentialId => Credential;
    BindingJobId => CredentialBindingJob;
    ApplicationId => Application;
    AuthenticatorConfigId => AuthenticatorConfig;
    ResourceServerId => ResourceServer;
    TokenId => Token;
}

/// One identity, or `-` for all of the realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityOrAll {
    One(IdentityId),
    All,
}

impl IdentityOrAll {
    pub fn one(self) -> Option<IdentityId> {
        match self {
            Self::One(id) => Some(id),
            Self::All => None,
        }
    }
}

impl FromStr for IdentityOrAll {
    type Err = keymoor_types::ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-" {
            Ok(Self::All)
        } else {
            text.parse().map(Self::One)
        }
    }
}

impl fmt::Display for IdentityOrAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(id) => id.fmt(f),
            Self::All => f.write_str("-"),
        }
    }
}

/// The segments of a matched route, by name.
pub struct Segments(RawPathParams);

impl Segments {
    pub async fn of(parts: &mut Parts) -> Result<Self> {
        // Only percent-encoding that is no UTF-8 fails here, and that names nothing.
        RawPathParams::from_request_parts(parts, &())
            .await
            .map(Self)
            .map_err(|_| Error::not_found(Kind::Tenant, ""))
    }

    pub fn get<T: Segment>(&self, name: &str) -> Result<T> {
        let (_, text) = self
            .0
            .iter()
            .find(|(of, _)| *of == name)
            .ok_or_else(|| Error::internal(format!("route without {name}")))?;
        text.parse().map_err(|_| Error::not_found(T::KIND, text))
    }
}

/// Declares the ids of a route: one field per path parameter, of the same name.
macro_rules! path_ids {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $id:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, utoipa::IntoParams)]
        #[into_params(parameter_in = Path)]
        pub struct $name {
            $(#[param(value_type = String)] pub $field: $id,)*
        }

        impl<S: Send + Sync> axum::extract::FromRequestParts<S> for $name {
            type Rejection = crate::base::error::Error;

            async fn from_request_parts(
                parts: &mut axum::http::request::Parts,
                _: &S,
            ) -> crate::base::error::Result<Self> {
                let segments = crate::http::path::Segments::of(parts).await?;
                Ok(Self { $($field: segments.get(stringify!($field))?,)* })
            }
        }
    )*};
}
pub(crate) use path_ids;

path_ids! {
    TenantPath { tenant_id: TenantId }
    RealmPath { tenant_id: TenantId, realm_id: RealmId }
    IdentityPath { tenant_id: TenantId, realm_id: RealmId, identity_id: IdentityId }
    /// A list whose identity may be `-`, all of the realm.
    IdentitiesPath { tenant_id: TenantId, realm_id: RealmId, identity_id: IdentityOrAll }
}
