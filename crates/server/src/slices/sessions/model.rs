//! Sessions and their rules.

use keymoor_types::{ApplicationId, IdentityId, RealmId, Seconds, SessionId, TenantId, Timestamp};

use crate::base::error::Kind;
use crate::base::refs::{IdentityRef, RealmRef, Segment, reference};
use crate::base::secret::{Digest, Secret};
use crate::slices::identities::model::Status;
use crate::slices::tokens::model::TokenId;

/// Without activity for this long, only reading is permitted.
pub const IDLE: Seconds = Seconds::MINUTE.times(15);

/// Activity is recorded at most this often.
pub const RECORDED_EVERY: Seconds = Seconds::MINUTE;

impl Segment for SessionId {
    const KIND: Kind = Kind::new("Session", "session");
}

reference! {
    /// A console session of a realm.
    SessionRef = realm: RealmRef { tenant_id: TenantId, realm_id: RealmId }
    / session_id: SessionId, "session_id"
}

/// A session to be inserted.
#[derive(Clone)]
pub struct NewSession {
    pub at: SessionRef,
    pub secret_hash: Digest,
    pub identity_id: IdentityId,
    pub application_id: ApplicationId,
    pub token_id: TokenId,
    pub ip: String,
    pub user_agent: String,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

/// A session, and who uses it.
#[derive(Clone, Debug)]
pub struct Session {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub id: SessionId,
    pub identity_id: IdentityId,
    pub application_id: ApplicationId,
    pub token_id: TokenId,
    pub ip: String,
    pub user_agent: String,
    pub created_at: Timestamp,
    pub active_at: Timestamp,
    pub expires_at: Timestamp,
    pub display_name: String,
    pub username: String,
    pub client_id: String,
    pub status: Status,
    /// Whether the access token of the sign-in was not revoked.
    pub is_granted: bool,
}

impl Session {
    pub const fn at(&self) -> SessionRef {
        SessionRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
            session_id: self.id,
        }
    }

    pub const fn owner(&self) -> IdentityRef {
        self.at().realm().identity_id(self.identity_id)
    }

    /// Returns why the session has ended, or `None`.
    pub fn ended(&self, now: Timestamp) -> Option<Ended> {
        if now >= self.expires_at {
            Some(Ended::Day)
        } else if self.status == Status::Suspended {
            Some(Ended::Suspended)
        } else if !self.is_granted {
            Some(Ended::Revoked)
        } else {
            None
        }
    }

    /// Whether its owner did nothing for [`IDLE`].
    pub fn is_idle(&self, now: Timestamp) -> bool {
        now >= self.active_at + IDLE
    }
}

/// Why a session can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is no cookie, or no such session.
    None,
    /// A day is over.
    Day,
    /// Its owner is suspended.
    Suspended,
    /// The passkey or the sign-in was revoked.
    Revoked,
    /// Its owner was inactive, and wants more than to read.
    Idle,
}

impl Ended {
    /// The word that the console's page reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Day => "day",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Idle => "idle",
        }
    }
}

/// The content of the cookie.
pub struct SessionKey {
    pub at: SessionRef,
    pub secret: Secret,
}

impl SessionKey {
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let at = SessionRef {
            tenant_id: parts.next()?.parse().ok()?,
            realm_id: parts.next()?.parse().ok()?,
            session_id: parts.next()?.parse().ok()?,
        };
        let secret = Secret::new(parts.next()?);
        parts.next().is_none().then_some(Self { at, secret })
    }

    pub fn text(&self) -> Secret {
        let SessionRef {
            tenant_id,
            realm_id,
            session_id,
        } = self.at;
        let secret = self.secret.expose();
        Secret::new(format!("{tenant_id}.{realm_id}.{session_id}.{secret}"))
    }
}
