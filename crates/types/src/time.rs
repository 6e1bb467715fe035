//! Time as a parameter, and its wire format.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A source of the current time. Production uses the system clock. Tests set the time.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// A whole number of seconds: the unit of every configured lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub i64);

impl std::ops::Sub for Seconds {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Seconds {
    /// One minute.
    pub const MINUTE: Self = Self(60);
    /// One hour.
    pub const HOUR: Self = Self(3_600);
    /// One day.
    pub const DAY: Self = Self(86_400);

    /// Returns `self` multiplied by `n`.
    #[must_use]
    pub const fn times(self, n: i64) -> Self {
        Self(self.0 * n)
    }
}

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
///
/// Stored as an integer, because text with fractions of different lengths sorts wrongly. Written on
/// the wire as RFC 3339 in UTC with exactly three fraction digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Returns the time `micros` microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the time `seconds` seconds after the Unix epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Returns the microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the whole milliseconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Returns the whole seconds since the Unix epoch, rounded down: the form of JWT's `NumericDate`.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl std::ops::Add<Seconds> for Timestamp {
    type Output = Self;

    fn add(self, seconds: Seconds) -> Self {
        Self(self.0.saturating_add(seconds.0.saturating_mul(1_000_000)))
    }
}

impl std::ops::Sub<Seconds> for Timestamp {
    type Output = Self;

    fn sub(self, seconds: Seconds) -> Self {
        Self(self.0.saturating_sub(seconds.0.saturating_mul(1_000_000)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            // Outside the calendar's range there is no date to print, only the number.
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.parse::<jiff::Timestamp>()?.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d11_wire_form_has_exactly_three_fraction_digits() {
        assert_eq!(
            Timestamp::from_seconds(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_micros(1_647_229_372_905_657).to_string(),
            "2022-03-14T03:42:52.905Z"
        );
    }

    #[test]
    fn parses_what_it_prints() {
        let time: Timestamp = "2022-03-14T03:42:52.905Z".parse().unwrap();
        assert_eq!(time.as_micros(), 1_647_229_372_905_000);
        assert_eq!(time.to_string(), "2022-03-14T03:42:52.905Z");
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(
            Timestamp::from_micros(i64::MAX) + Seconds::DAY,
            Timestamp::from_micros(i64::MAX)
        );
        assert_eq!(
            (Timestamp::from_seconds(90) - Seconds::MINUTE).as_seconds(),
            30
        );
    }
}
