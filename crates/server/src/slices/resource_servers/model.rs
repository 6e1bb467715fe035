use keymoor_types::{RealmId, ResourceServerId, TenantId, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceServer {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub id: ResourceServerId,
    pub display_name: String,
    /// Becomes the audience of tokens. Unique in the realm.
    pub identifier: String,
    pub scopes: Vec<String>,
    /// Made by Keymoor, and not to be changed or deleted.
    pub is_managed: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
