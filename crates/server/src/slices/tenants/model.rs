use keymoor_types::{TenantId, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub display_name: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
