//! Which events a reader asks for.

use keymoor_types::{EventId, IdentityId, RealmId, TenantId, Timestamp};

use super::model::{Place, Recorded};
use crate::base::error::{Error, Kind, Result};
use crate::base::refs::{RealmRef, Segment, reference};
use crate::base::text::check_plain;

impl Segment for EventId {
    const KIND: Kind = Kind::new("Event", "event");
}

reference! {
    /// An event of a realm.
    EventRef = realm: RealmRef { tenant_id: TenantId, realm_id: RealmId }
    / event_id: EventId, "event_id"
}

/// Every condition must hold. An absent one holds for all events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub kind: Option<String>,
    pub outcome: Option<String>,
    pub identity_id: Option<IdentityId>,
    pub actor: Option<String>,
    pub correlation_id: Option<String>,
    /// The earliest time.
    pub from: Option<Timestamp>,
    /// The time before which events must have happened.
    pub to: Option<Timestamp>,
}

impl Filter {
    pub fn matches(&self, event: &Recorded) -> bool {
        let is = |asked: &Option<String>, text: &str| asked.as_deref().is_none_or(|it| it == text);
        is(&self.kind, &event.kind)
            && is(&self.outcome, &event.outcome)
            && is(&self.actor, &event.actor)
            && is(&self.correlation_id, &event.correlation_id)
            && (self.identity_id.is_none() || self.identity_id == event.identity_id)
            && self.from.is_none_or(|from| event.created_at >= from)
            && self.to.is_none_or(|to| event.created_at < to)
    }

    /// Whether every event matches.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The text of a filter as a caller sent it.
#[derive(Debug, Default)]
pub struct Asked {
    pub kind: Option<String>,
    pub outcome: Option<String>,
    pub identity_id: Option<String>,
    pub actor: Option<String>,
    pub correlation_id: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl Asked {
    /// # Errors
    /// `Invalid` for a value that no event can have.
    pub fn read(self) -> Result<Filter> {
        Ok(Filter {
            kind: plain("kind", self.kind)?,
            outcome: plain("outcome", self.outcome)?,
            identity_id: parsed("identity_id", self.identity_id, "not the id of an identity")?,
            actor: plain("actor", self.actor)?,
            correlation_id: plain("correlation_id", self.correlation_id)?,
            from: time("from", self.from)?,
            to: time("to", self.to)?,
        })
    }
}

fn plain(field: &str, text: Option<String>) -> Result<Option<String>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    check_plain(&text).map_err(|why| Error::invalid(field, why))?;
    Ok(Some(text))
}

fn time(field: &str, text: Option<String>) -> Result<Option<Timestamp>> {
    parsed(
        field,
        text,
        "not a time of RFC 3339, such as 2026-03-01T00:00:00Z",
    )
}

fn parsed<T: std::str::FromStr>(field: &str, text: Option<String>, why: &str) -> Result<Option<T>> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|_| Error::invalid(field, why)))
        .transpose()
}

/// An index that a reader goes through, newest events first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The log itself.
    Log,
    /// A day's events about an identity.
    Identity(i64, IdentityId),
    /// A day's events of a flow.
    Flow(i64, String),
}

/// Where a reader continues: below a place, and for an index of days in this day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Below {
    pub day: i64,
    pub place: Place,
}

impl std::fmt::Display for Below {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.day, self.place)
    }
}

impl std::str::FromStr for Below {
    type Err = super::model::ParsePlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (day, place) = text.split_once('/').ok_or(super::model::ParsePlaceError)?;
        Ok(Self {
            day: day.parse().map_err(|_| super::model::ParsePlaceError)?,
            place: place.parse()?,
        })
    }
}
