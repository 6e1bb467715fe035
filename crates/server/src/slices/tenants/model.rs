//! Tenants.

use keymoor_types::{TenantId, Timestamp};

use crate::base::refs::TenantRef;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub display_name: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Tenant {
    /// Returns its reference.
    pub const fn at(&self) -> TenantRef {
        TenantRef { tenant_id: self.id }
    }
}

/// Changes to a tenant. Omitted fields stay unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantPatch {
    pub display_name: Option<String>,
}
