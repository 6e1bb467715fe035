//! The scopes of the management API.

/// The audience of the management API. Reserved: other resource servers can't use this identifier.
pub const MANAGEMENT_AUDIENCE: &str = "urn:keymoor:management";

/// A permission of the management API.
pub trait Scope: Send + Sync {
    /// Returns the scope as written in tokens and documents.
    const NAME: &'static str;
}

macro_rules! scopes {
    ($($module:ident $resource:literal: $($scope:ident $verb:literal),+;)+) => {
        $(
            #[doc = concat!("The scopes of `", $resource, "`.")]
            pub mod $module {
                $(
                    #[doc = concat!("`", $resource, ":", $verb, "`")]
                    pub struct $scope;

                    impl super::Scope for $scope {
                        const NAME: &'static str = concat!($resource, ":", $verb);
                    }
                )+
            }
        )+

        /// Every scope of the built-in resource server.
        pub const ALL: &[&str] = &[$($(concat!($resource, ":", $verb)),+),+];
    };
}

scopes! {
    tenants "tenants": Read "read", Update "update";
    realms "realms": Create "create", Read "read", Update "update", Delete "delete";
    identities "identities": Create "create", Read "read", Update "update", Delete "delete";
    credentials "credentials": Read "read", Update "update", Revoke "revoke";
    credential_binding_jobs "credential-binding-jobs": Create "create", Read "read", Revoke "revoke";
    authenticator_configs "authenticator-configs": Create "create", Read "read", Update "update", Delete "delete";
    applications "applications": Create "create", Read "read", Update "update", Delete "delete";
    resource_servers "resource-servers": Read "read";
    tokens "tokens": Read "read", Delete "delete";
    events "events": Read "read";
    statistics "statistics": Read "read";
}
