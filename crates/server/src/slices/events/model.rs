//! Recorded events and their places in the log.

use std::fmt;
use std::str::FromStr;

use keymoor_types::{EventId, IdentityId, RealmId, TenantId, Timestamp};
use serde_json::Value;

use crate::base::refs::{RealmRef, TenantRef};
use crate::db::{Params, Values};

/// The realm that stands for "no realm": events of the whole tenant.
const TENANT_WIDE: RealmId = RealmId::from_i64(0);

/// Returns the log of events that belong to no realm.
pub const fn of_tenant(tenant: TenantRef) -> RealmRef {
    tenant.realm_id(TENANT_WIDE)
}

/// Returns the day of a time, in days since 1970 (UTC).
pub const fn day_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(86_400_000_000)
}

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub id: EventId,
    pub kind: String,
    pub outcome: String,
    pub actor: String,
    pub identity_id: Option<IdentityId>,
    pub resource_id: Option<String>,
    pub correlation_id: String,
    pub details: Value,
    pub created_at: Timestamp,
    pub position: i64,
}

impl Recorded {
    /// Returns its place in its log.
    pub const fn place(&self) -> Place {
        Place {
            position: self.position,
            event_id: self.id,
        }
    }
}

/// The number of equal events of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub day: i64,
    pub kind: String,
    pub outcome: String,
    /// The type of a new passkey.
    pub csr_type: Option<String>,
    /// Repeated refusals count as often as they happened.
    pub number: i64,
}

/// A place in a log: directly after an event. Written as `<position>.<event id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub(super) position: i64,
    pub(super) event_id: EventId,
}

impl Place {
    /// The place before the first event.
    pub const fn start() -> Self {
        Self::before(-1)
    }

    /// The place after the last event.
    pub const fn end() -> Self {
        Self::before(i64::MAX)
    }

    /// The place before the events of a position.
    pub const fn before(position: i64) -> Self {
        Self::of(position, EventId::nil())
    }

    /// The place of an event.
    pub const fn of(position: i64, event_id: EventId) -> Self {
        Self { position, event_id }
    }
}

impl Params for Place {
    fn bind<'a>(&'a self, values: &mut Values<'a>) {
        values.push(&self.position);
        values.push(&self.event_id);
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.position, self.event_id)
    }
}

/// The text is not a [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a log")]
pub struct ParsePlaceError;

impl FromStr for Place {
    type Err = ParsePlaceError;

    fn from_str(text: &str) -> Result<Self, ParsePlaceError> {
        let (position, event_id) = text.split_once('.').ok_or(ParsePlaceError)?;
        Ok(Self {
            position: position.parse().map_err(|_| ParsePlaceError)?,
            event_id: event_id.parse().map_err(|_| ParsePlaceError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_text() {
        let place = Place::start();
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in [
            "",
            "1",
            "1.",
            ".019cade2-405b-7160-911e-20b86b0d549b",
            "x.y",
        ] {
            assert_eq!(wrong.parse::<Place>(), Err(ParsePlaceError), "{wrong}");
        }
    }
}
