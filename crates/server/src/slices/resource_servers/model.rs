//! Resource servers.

use keymoor_types::{RealmId, ResourceServerId, TenantId, Timestamp};

use crate::base::error::Kind;
use crate::base::refs::{RealmRef, Segment, reference};

impl Segment for ResourceServerId {
    const KIND: Kind = Kind::new("ResourceServer", "resource server");
}

reference! {
    /// A resource server of a realm.
    ResourceServerRef = realm: RealmRef { tenant_id: TenantId, realm_id: RealmId }
    / resource_server_id: ResourceServerId, "resource_server_id"
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceServer {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub id: ResourceServerId,
    pub display_name: String,
    /// The audience of tokens for this API. Unique in the realm.
    pub identifier: String,
    pub scopes: Vec<String>,
    /// Created by Keymoor. Can't be changed or deleted.
    pub is_managed: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
