//! References: each identifies a resource by its own id and all ids above it.
//!
//! Paths are parsed into references, statements bind them, caches use them as keys and events name
//! them. A reference starts with the tenant, so a look-up by reference never leaves the tenant.

use std::fmt;
use std::str::FromStr;

use keymoor_oauth::claims::Principal;
use keymoor_types::{
    ApplicationId, AuthenticatorConfigId, BindingJobId, CredentialId, IdentityId, ParseIdError,
    RealmId, TenantId,
};
use utoipa::IntoParams;

use crate::base::error::{Error, Kind, Result};
use crate::db::{Params, Values};

/// An id that paths contain.
pub trait Segment: FromStr + fmt::Display + Copy {
    /// The kind of resource.
    const KIND: Kind;

    /// Adds the id to the subject of an event, if events are searchable by it.
    fn describe(self, _subject: &mut Subject) {}
}

/// The subject of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    pub tenant_id: TenantId,
    /// `None` for a resource of the whole tenant.
    pub realm_id: Option<RealmId>,
    pub identity_id: Option<IdentityId>,
    /// The id of the resource itself.
    pub resource: String,
}

/// Identifies one resource.
pub trait Ref: Copy {
    /// The kind of resource.
    const KIND: Kind;

    /// Returns the subject of events about it.
    fn subject(&self) -> Subject;

    /// Parses the ids of a path. `segments` returns a segment by name.
    ///
    /// # Errors
    /// `NotFound` if a segment is not a valid id of its kind.
    fn read(segments: &impl Segments) -> Result<Self>;

    /// Returns the error for a missing resource.
    fn not_found(&self) -> Error {
        Error::not_found(Self::KIND, self.subject().resource)
    }
}

/// The named segments of a path.
pub trait Segments {
    /// # Errors
    /// `NotFound` if the text is not a valid id of this kind.
    fn get<T: Segment>(&self, name: &str) -> Result<T>;
}

impl Segment for TenantId {
    const KIND: Kind = Kind::TENANT;
}

impl Segment for RealmId {
    const KIND: Kind = Kind::REALM;

    fn describe(self, subject: &mut Subject) {
        subject.realm_id = Some(self);
    }
}

impl Segment for IdentityId {
    const KIND: Kind = Kind::IDENTITY;

    fn describe(self, subject: &mut Subject) {
        subject.identity_id = Some(self);
    }
}

impl Segment for CredentialId {
    const KIND: Kind = Kind::CREDENTIAL;
}

impl Segment for BindingJobId {
    const KIND: Kind = Kind::CREDENTIAL_BINDING_JOB;
}

impl Segment for ApplicationId {
    const KIND: Kind = Kind::APPLICATION;
}

impl Segment for AuthenticatorConfigId {
    const KIND: Kind = Kind::AUTHENTICATOR_CONFIG;
}

impl Segment for OneOrAll {
    const KIND: Kind = Kind::IDENTITY;
}

/// Declares a reference. A reference used by a single slice belongs in that slice's `model`.
///
/// The arguments are the method that returns the parent reference, the parent's ids, its own id and
/// that id's name in paths.
macro_rules! reference {
    (
        $(#[$doc:meta])*
        $name:ident = $parent:ident: $above:ident { $($upper:ident: $upper_id:ty),+ }
        / $own:ident: $own_id:ty, $segment:literal
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, utoipa::IntoParams)]
        #[into_params(parameter_in = Path)]
        pub struct $name {
            $(#[param(value_type = String)] pub $upper: $upper_id,)+
            #[param(value_type = String, rename = $segment)]
            pub $own: $own_id,
        }

        impl $name {
            #[doc = concat!("The [`", stringify!($above), "`] that it belongs to.")]
            pub const fn $parent(&self) -> $above {
                $above { $($upper: self.$upper),+ }
            }
        }

        impl $above {
            #[doc = concat!("The [`", stringify!($name), "`] of this id in it.")]
            pub const fn $own(self, $own: $own_id) -> $name {
                $name { $($upper: self.$upper,)+ $own }
            }
        }

        impl $crate::base::refs::Ref for $name {
            const KIND: $crate::base::error::Kind = <$own_id as $crate::base::refs::Segment>::KIND;

            fn subject(&self) -> $crate::base::refs::Subject {
                let mut subject = $crate::base::refs::Subject {
                    tenant_id: self.tenant_id,
                    realm_id: None,
                    identity_id: None,
                    resource: self.$own.to_string(),
                };
                $($crate::base::refs::Segment::describe(self.$upper, &mut subject);)+
                $crate::base::refs::Segment::describe(self.$own, &mut subject);
                subject
            }

            fn read(segments: &impl $crate::base::refs::Segments) -> $crate::base::error::Result<Self> {
                Ok(Self {
                    $($upper: segments.get(stringify!($upper))?,)+
                    $own: segments.get($segment)?,
                })
            }
        }

        /// Binds the ids from the tenant down.
        impl $crate::db::Params for $name {
            fn bind<'a>(&'a self, values: &mut $crate::db::Values<'a>) {
                $(values.push(&self.$upper);)+
                values.push(&self.$own);
            }
        }

        /// Writes the ids from the tenant down, separated by slashes.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}/{}", self.$parent(), self.$own)
            }
        }
    };
}
pub(crate) use reference;

/// A tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TenantRef {
    #[param(value_type = String)]
    pub tenant_id: TenantId,
}

impl Ref for TenantRef {
    const KIND: Kind = Kind::TENANT;

    fn subject(&self) -> Subject {
        Subject {
            tenant_id: self.tenant_id,
            realm_id: None,
            identity_id: None,
            resource: self.tenant_id.to_string(),
        }
    }

    fn read(segments: &impl Segments) -> Result<Self> {
        Ok(Self {
            tenant_id: segments.get("tenant_id")?,
        })
    }
}

impl Params for TenantRef {
    fn bind<'a>(&'a self, values: &mut Values<'a>) {
        values.push(&self.tenant_id);
    }
}

impl fmt::Display for TenantRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tenant_id.fmt(f)
    }
}

reference! {
    /// A realm of a tenant.
    RealmRef = tenant: TenantRef { tenant_id: TenantId } / realm_id: RealmId, "realm_id"
}

reference! {
    /// An identity of a realm.
    IdentityRef = realm: RealmRef { tenant_id: TenantId, realm_id: RealmId }
    / identity_id: IdentityId, "identity_id"
}

reference! {
    /// A credential of an identity.
    CredentialRef = identity: IdentityRef { tenant_id: TenantId, realm_id: RealmId, identity_id: IdentityId }
    / credential_id: CredentialId, "credential_id"
}

reference! {
    /// A credential binding job of an identity.
    JobRef = identity: IdentityRef { tenant_id: TenantId, realm_id: RealmId, identity_id: IdentityId }
    / job_id: BindingJobId, "credential_binding_job_id"
}

reference! {
    /// An application of a realm.
    ApplicationRef = realm: RealmRef { tenant_id: TenantId, realm_id: RealmId }
    / application_id: ApplicationId, "application_id"
}

reference! {
    /// An authenticator config of a realm.
    AuthenticatorConfigRef = realm: RealmRef { tenant_id: TenantId, realm_id: RealmId }
    / authenticator_config_id: AuthenticatorConfigId, "authenticator_config_id"
}

impl IdentityRef {
    /// Returns the distinguished name, which is the subject of every proof.
    pub fn distinguished_name(&self) -> String {
        format!(
            "CN={}, OU={}, O={}",
            self.identity_id, self.realm_id, self.tenant_id
        )
    }

    /// Returns the principal that tokens and audit events name.
    pub const fn principal(&self) -> Principal {
        Principal::Identity {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
            identity_id: self.identity_id,
        }
    }
}

impl RealmRef {
    /// Returns the identity of this realm with the
    /// [distinguished name](IdentityRef::distinguished_name) `name`. The name's parts are not
    /// escaped, so everything except the id must match exactly.
    pub fn identity_named(self, name: &str) -> Option<IdentityRef> {
        let id = name
            .strip_suffix(&format!(", OU={}, O={}", self.realm_id, self.tenant_id))?
            .strip_prefix("CN=")?
            .parse()
            .ok()?;
        let identity = self.identity_id(id);
        (identity.distinguished_name() == name).then_some(identity)
    }
}

impl ApplicationRef {
    /// Returns the principal that tokens and audit events name.
    pub const fn principal(&self) -> Principal {
        Principal::Application {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
            application_id: self.application_id,
        }
    }
}

/// The identities whose resources are listed: one, or with `-` all of the realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct IdentitiesRef {
    #[param(value_type = String)]
    pub tenant_id: TenantId,
    #[param(value_type = String)]
    pub realm_id: RealmId,
    #[param(value_type = String)]
    pub identity_id: OneOrAll,
}

impl IdentitiesRef {
    /// Returns their realm.
    pub const fn realm(&self) -> RealmRef {
        RealmRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
        }
    }

    /// Returns the identity, or `None` for all of the realm.
    pub const fn one(&self) -> Option<IdentityRef> {
        match self.identity_id {
            OneOrAll::One(id) => Some(self.realm().identity_id(id)),
            OneOrAll::All => None,
        }
    }

    /// Parses the ids of a path.
    pub fn read(segments: &impl Segments) -> Result<Self> {
        Ok(Self {
            tenant_id: segments.get("tenant_id")?,
            realm_id: segments.get("realm_id")?,
            identity_id: segments.get("identity_id")?,
        })
    }
}

/// One identity, or `-` for all of the realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneOrAll {
    One(IdentityId),
    All,
}

impl FromStr for OneOrAll {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-" {
            Ok(Self::All)
        } else {
            text.parse().map(Self::One)
        }
    }
}

impl fmt::Display for OneOrAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(id) => id.fmt(f),
            Self::All => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REALM: RealmRef = RealmRef {
        tenant_id: TenantId::from_i64(1),
        realm_id: RealmId::from_i64(2),
    };

    #[test]
    fn a_reference_leads_up_and_down() {
        let job = REALM
            .identity_id(IdentityId::from_i64(3))
            .job_id(BindingJobId::from_i64(4));
        assert_eq!(job.identity().realm(), REALM);
        assert_eq!(
            job.to_string(),
            "0000000000000001/0000000000000002/0000000000000003/0000000000000004"
        );
    }

    #[test]
    fn an_event_about_it_is_found_by_tenant_realm_and_identity() {
        let identity = REALM.identity_id(IdentityId::from_i64(3));
        let of_job = identity.job_id(BindingJobId::from_i64(4)).subject();
        assert_eq!(
            of_job,
            Subject {
                tenant_id: REALM.tenant_id,
                realm_id: Some(REALM.realm_id),
                identity_id: Some(identity.identity_id),
                resource: "0000000000000004".to_owned(),
            }
        );
        assert_eq!(REALM.tenant().subject().realm_id, None);
        assert_eq!(REALM.subject().identity_id, None);
    }

    #[test]
    fn b3_names_are_compared_and_not_parsed() {
        let identity = REALM.identity_id(IdentityId::from_i64(3));
        let name = identity.distinguished_name();
        assert_eq!(
            name,
            "CN=0000000000000003, OU=0000000000000002, O=0000000000000001"
        );
        assert_eq!(REALM.identity_named(&name), Some(identity));
        for wrong in [
            "CN=3, OU=0000000000000002, O=0000000000000001",
            "CN=0000000000000003,OU=0000000000000002,O=0000000000000001",
            "CN=0000000000000003, OU=0000000000000009, O=0000000000000001",
            "CN=0000000000000003, OU=0000000000000002, O=0000000000000001, O=x",
            "cn=0000000000000003, OU=0000000000000002, O=0000000000000001",
            "CN=CN=0000000000000003, OU=0000000000000002, O=0000000000000001",
            "CN=0000000000000003, OU=x, OU=0000000000000002, O=0000000000000001",
            "MAIL=a@example.com, OU=0000000000000002, O=0000000000000001",
            "",
        ] {
            assert_eq!(REALM.identity_named(wrong), None, "{wrong}");
        }
    }
}
