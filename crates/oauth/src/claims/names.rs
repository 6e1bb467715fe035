//! The resource names used in claims.

use std::fmt;
use std::str::FromStr;

use keymoor_types::{ApplicationId, IdentityId, RealmId, TenantId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text is not a name of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a resource name")]
pub struct ParseNameError;

/// Somebody a token can speak for:
/// `tenants/{tenant}/realms/{realm}/identities/{id}` or `…/applications/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A person.
    Identity {
        /// Their tenant.
        tenant_id: TenantId,
        /// Their realm.
        realm_id: RealmId,
        /// They.
        identity_id: IdentityId,
    },
    /// A program.
    Application {
        /// Its tenant.
        tenant_id: TenantId,
        /// Its realm.
        realm_id: RealmId,
        /// It.
        application_id: ApplicationId,
    },
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity {
                tenant_id,
                realm_id,
                identity_id,
            } => write!(
                f,
                "tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}"
            ),
            Self::Application {
                tenant_id,
                realm_id,
                application_id,
            } => write!(
                f,
                "tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}"
            ),
        }
    }
}

impl FromStr for Principal {
    type Err = ParseNameError;

    fn from_str(name: &str) -> Result<Self, ParseNameError> {
        let parts: Vec<&str> = name.split('/').collect();
        let ["tenants", tenant, "realms", realm, kind, id] = parts[..] else {
            return Err(ParseNameError);
        };
        let tenant_id = tenant.parse().map_err(|_| ParseNameError)?;
        let realm_id = realm.parse().map_err(|_| ParseNameError)?;
        match kind {
            "identities" => Ok(Self::Identity {
                tenant_id,
                realm_id,
                identity_id: id.parse().map_err(|_| ParseNameError)?,
            }),
            "applications" => Ok(Self::Application {
                tenant_id,
                realm_id,
                application_id: id.parse().map_err(|_| ParseNameError)?,
            }),
            _ => Err(ParseNameError),
        }
    }
}

/// The realm a token is about: an id, or `*` for every realm of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetRealm {
    /// One realm.
    One(RealmId),
    /// Every realm of the tenant.
    Every,
}

impl TargetRealm {
    /// Returns whether the token is about this realm.
    #[must_use]
    pub fn covers(&self, realm_id: RealmId) -> bool {
        match self {
            Self::One(own) => *own == realm_id,
            Self::Every => true,
        }
    }
}

impl fmt::Display for TargetRealm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(realm_id) => realm_id.fmt(f),
            Self::Every => f.write_str("*"),
        }
    }
}

impl FromStr for TargetRealm {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        match text {
            "*" => Ok(Self::Every),
            id => id.parse().map(Self::One).map_err(|_| ParseNameError),
        }
    }
}

macro_rules! serde_as_text {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    )*};
}

serde_as_text! { Principal TargetRealm }
