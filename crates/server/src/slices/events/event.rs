//! The content of an audit event.

use keymoor_oauth::claims::Principal;
use keymoor_types::{EventId, IdentityId, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::model;
use crate::base::refs::{RealmRef, Subject, TenantRef};

/// The kind of an event. A slice declares the kinds that only it records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKind(&'static str);

impl EventKind {
    pub const TENANT_CHANGE: Self = Self::new("V1TenantChange");
    pub const REALM_CHANGE: Self = Self::new("V1RealmChange");
    pub const IDENTITY_CHANGE: Self = Self::new("IdentityChange");
    pub const APPLICATION_OPERATION: Self = Self::new("ApplicationOperation");
    pub const AUTHENTICATOR_CONFIG_OPERATION: Self = Self::new("AuthenticatorConfigOperation");
    pub const CREDENTIAL_BINDING_JOB_CHANGE: Self = Self::new("CredentialBindingJobChange");
    pub const CREDENTIAL_CHANGE: Self = Self::new("CredentialChange");
    pub const EMAIL_STATUS_CHANGE: Self = Self::new("EmailStatusChange");
    pub const AUTHORIZE_REQUEST: Self = Self::new("AuthorizeRequest");
    pub const AUTHENTICATION_TRANSACTION: Self = Self::new("AuthenticationTransaction");
    pub const TOKEN_REQUEST: Self = Self::new("TokenRequest");
    pub const TOKEN_OPERATION: Self = Self::new("TokenOperation");

    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// An audit event to be written.
#[derive(Clone, Debug)]
pub struct Event {
    pub(super) id: EventId,
    pub(super) subject: Subject,
    pub(super) kind: EventKind,
    pub(super) outcome: &'static str,
    pub(super) actor: String,
    pub(super) correlation_id: String,
    pub(super) details: Value,
    pub(super) at: Timestamp,
}

impl Event {
    /// Sets the actor, for requests that had to prove who it is.
    #[must_use]
    pub fn by(self, principal: Principal) -> Self {
        Self {
            actor: principal.to_string(),
            ..self
        }
    }

    /// Sets the identity that finds the event, where the thing itself belongs to none.
    #[must_use]
    pub fn identity(mut self, id: IdentityId) -> Self {
        self.subject.identity_id = Some(id);
        self
    }

    /// Returns the log that it belongs to.
    pub(super) fn log(&self) -> RealmRef {
        let tenant = TenantRef {
            tenant_id: self.subject.tenant_id,
        };
        match self.subject.realm_id {
            Some(realm) => tenant.realm_id(realm),
            None => model::of_tenant(tenant),
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Serialize) -> Self {
        self.details[name] = serde_json::to_value(value).expect("details are plain data");
        self
    }
}
