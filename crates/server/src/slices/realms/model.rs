//! Realms.

use keymoor_types::{RealmId, TenantId, Timestamp};

use crate::base::names::named;
use crate::base::refs::RealmRef;

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
    /// Returns its reference.
    pub const fn at(&self) -> RealmRef {
        RealmRef {
            tenant_id: self.tenant_id,
            realm_id: self.id,
        }
    }
}

/// A realm as requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRealm {
    pub display_name: String,
    pub classification: Classification,
}

/// Changes to a realm. Omitted fields stay unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealmPatch {
    pub display_name: Option<String>,
    pub classification: Option<Classification>,
}

named! {
    /// Whether a realm's identities are customers or employees.
    #[derive(Default)]
    pub enum Classification {
        #[default]
        #[serde(alias = "Secure Customer")]
        SecureCustomer = "SECURE_CUSTOMER",
        // The second alias is the published contract's misspelling.
        #[serde(alias = "Secure Workforce", alias = "SECURE_WORFORCE")]
        SecureWorkforce = "SECURE_WORKFORCE",
    }
}
