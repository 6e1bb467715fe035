use crate::base::refs::RealmRef;
use std::fmt;
use std::str::FromStr;

use keymoor_types::{RealmId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::error::Error;
use crate::db::text_column;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    pub tenant_id: TenantId,
    pub id: RealmId,
    pub display_name: String,
    pub classification: Classification,
    /// The realm of the tenant's administrators and of its management application.
    pub is_admin: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Realm {
    /// How it is named.
    pub const fn at(&self) -> RealmRef {
        RealmRef {
            tenant_id: self.tenant_id,
            realm_id: self.id,
        }
    }
}

/// Changes to a realm: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealmPatch {
    pub display_name: Option<String>,
    pub classification: Option<Classification>,
}

/// Whose people a realm holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Classification {
    #[default]
    #[serde(alias = "Secure Customer")]
    SecureCustomer,
    // The second alias is how the published contract misspells it.
    #[serde(alias = "Secure Workforce", alias = "SECURE_WORFORCE")]
    SecureWorkforce,
}

impl fmt::Display for Classification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecureCustomer => "SECURE_CUSTOMER",
            Self::SecureWorkforce => "SECURE_WORKFORCE",
        })
    }
}

impl FromStr for Classification {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "SECURE_CUSTOMER" => Ok(Self::SecureCustomer),
            "SECURE_WORKFORCE" => Ok(Self::SecureWorkforce),
            _ => Err(Error::internal("unknown realm classification")),
        }
    }
}

text_column!(Classification);
