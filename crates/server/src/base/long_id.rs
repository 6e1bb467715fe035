//! Unguessable ids: 8 bytes of milliseconds, so that rows are appended in order, and 16 random
//! bytes. In text form 32 characters of base64url.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::{Rng, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::db::{Column, Param, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct ParseLongIdError;

fn generate(now: Timestamp, rng: &dyn Rng) -> [u8; 24] {
    let mut bytes = [0; 24];
    let (time, random) = bytes.split_at_mut(8);
    time.copy_from_slice(&now.as_millis().to_be_bytes());
    rng.fill(random);
    bytes
}

fn parse(text: &str) -> Result<[u8; 24], ParseLongIdError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ParseLongIdError)?;
    bytes.try_into().map_err(|_| ParseLongIdError)
}

macro_rules! long_ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 24]);

        impl $name {
            /// Generates an id for an event at `now`.
            pub fn generate(now: Timestamp, rng: &dyn Rng) -> Self {
                Self(generate(now, rng))
            }

            pub const fn as_bytes(&self) -> &[u8; 24] {
                &self.0
            }

            pub const fn from_bytes(bytes: [u8; 24]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseLongIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }

        impl Param for $name {
            fn value(&self) -> Value<'_> {
                Value::Bytes(&self.0)
            }
        }

        impl Column for $name {
            fn column(value: Value<'_>) -> Option<Self> {
                <[u8; 24]>::column(value).map(Self)
            }
        }
    )*};
}

long_ids! {
    /// The id of a sign-in.
    TransactionId
    /// The id of an access token: its `jti` (RFC 7519, section 4.1.7).
    TokenId
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::SystemRng;

    #[test]
    fn ids_sort_by_time_and_survive_their_text_form() {
        let at =
            |millis: i64| TokenId::generate(Timestamp::from_micros(millis * 1_000), &SystemRng);
        let (earlier, later) = (at(1_000), at(1_001));
        assert!(earlier < later);
        assert_eq!(earlier.to_string().len(), 32);
        assert_eq!(earlier.to_string().parse(), Ok(earlier));
        for wrong in ["", "AAAA", &"A".repeat(33), &format!("{later}=")] {
            assert_eq!(wrong.parse::<TokenId>(), Err(ParseLongIdError), "{wrong}");
        }
    }
}
