//! Every kind of id is its own type; a line in this file is all that a new one takes.
//!
//! An id has one of two forms, both from the published API: sixteen hexadecimal digits, or a UUID.
//! Both are written in lower case and read in any case (RFC 9562, section 4). Both are ordered by creation time, so that new rows are appended to an index instead
//! of scattered over it. An id is never a secret.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::{Rng, Timestamp};

/// The text is not an id of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct ParseIdError;

macro_rules! common {
    ($name:ident) => {
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

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

/// `$d` is a dollar sign, for the list that this leaves for other crates.
macro_rules! hex_ids {
    ($d:tt $($(#[$doc:meta])* $name:ident = $example:literal)*) => {
        /// Applies a macro to the list of all ids of sixteen hexadecimal digits.
        #[macro_export]
        macro_rules! each_hex_id {
            ($d then:ident) => { $d then! { $($d crate::$name),* } };
        }

        $(
        $(#[$doc])*
        ///
        /// Sixteen lower-case hexadecimal digits: a zero bit, 43 bits of Unix milliseconds and
        /// 20 random bits. Ids generated in the same millisecond may collide, so insertion retries.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Generates an id for a resource created at `now`.
            #[must_use]
            pub fn generate(now: Timestamp, rng: &dyn Rng) -> Self {
                Self(time_ordered(now, rng))
            }

            /// Returns the number as stored. Never negative.
            #[must_use]
            pub const fn as_i64(self) -> i64 {
                self.0
            }

            /// Returns the id stored as `raw`.
            #[must_use]
            pub const fn from_i64(raw: i64) -> Self {
                Self(raw)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let digits = hex_digits(self.0);
                f.write_str(str::from_utf8(&digits).expect("digits are ASCII"))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(ParseIdError);
                }
                i64::from_str_radix(text, 16).map(Self).map_err(|_| ParseIdError)
            }
        }

        common!($name);
        #[cfg(feature = "openapi")]
        crate::openapi::schema!($name => hex, $example);
        )*
    };
}

/// `$d` is a dollar sign, for the list that this leaves for other crates.
macro_rules! uuid_ids {
    ($d:tt $($(#[$doc:meta])* $name:ident = $example:literal)*) => {
        /// Applies a macro to the list of all ids that are UUIDs.
        #[macro_export]
        macro_rules! each_uuid_id {
            ($d then:ident) => { $d then! { $($d crate::$name),* } };
        }

        $(
        $(#[$doc])*
        ///
        /// A version 7 UUID (RFC 9562, section 5.7), lower case with hyphens.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Generates an id for a resource created at `now`.
            #[must_use]
            pub fn generate(now: Timestamp, rng: &dyn Rng) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &rng.bytes()).into_uuid())
            }

            /// Returns the time that the id was generated at, to the millisecond.
            #[must_use]
            pub fn created_at(&self) -> Timestamp {
                let millis = self.0.as_u128() >> 80;
                Timestamp::from_micros(i64::try_from(millis).unwrap_or(0) * 1_000)
            }

            /// Returns the id that sorts before every other and belongs to nothing.
            #[must_use]
            pub const fn nil() -> Self {
                Self(Uuid::nil())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                // Only the form with hyphens has this length.
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    return Err(ParseIdError);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError)
            }
        }

        common!($name);
        #[cfg(feature = "openapi")]
        crate::openapi::schema!($name => uuid, $example);
        )*
    };
}

/// Whether two texts are the same id: UUIDs and hexadecimal ids in any case (RFC 9562, section 4),
/// other text exactly. For ids that may be of any form, such as client ids.
#[must_use]
pub fn same_id(known: &str, sent: &str) -> bool {
    let ignores_case =
        || known.parse::<TenantId>().is_ok() || known.parse::<ApplicationId>().is_ok();
    known == sent || (known.eq_ignore_ascii_case(sent) && ignores_case())
}

/// Formats as `{:016x}` does, but faster: ids are in every URL, token and log line.
fn hex_digits(number: i64) -> [u8; 16] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut digits = [0; 16];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
    digits
}

/// Returns a zero bit, 43 bits of milliseconds (until the year 2248) and 20 random bits.
fn time_ordered(now: Timestamp, rng: &dyn Rng) -> i64 {
    const RANDOM_BITS: u32 = 20;
    const MILLIS_MASK: i64 = (1 << 43) - 1;
    let random = i64::from(u32::from_le_bytes(rng.bytes()) & ((1 << RANDOM_BITS) - 1));
    ((now.as_millis() & MILLIS_MASK) << RANDOM_BITS) | random
}

hex_ids! { $
    /// A tenant: the outermost isolation boundary.
    TenantId = "19cade211c052e6b"
    /// A realm: a tenant's directory with its own identities, applications and keys.
    RealmId = "19cade21885f2a74"
    /// An identity: a person who signs in.
    IdentityId = "19cade21f4a269e0"
    /// A credential: the server's record of one passkey.
    CredentialId = "19cade2260f65132"
    /// A credential binding job: the tracked creation of a passkey on a device.
    BindingJobId = "19cade22cd4a6a3a"
    /// A console session.
    SessionId = "19cade23306b1f90"
}

uuid_ids! { $
    /// An application that signs users in or calls an API.
    ApplicationId = "019cade2-34e8-70c5-8892-f902d23f0824"
    /// An authenticator config: how an application's users bind passkeys and sign in.
    AuthenticatorConfigId = "019cade2-38b9-7181-90ed-90479531985d"
    /// A resource server: an API with its scopes.
    ResourceServerId = "019cade2-3c8a-7e8e-a099-950d36f675cc"
    /// A batch of credential binding jobs.
    BatchId = "019cade2-3e5b-7c41-b7aa-3d1c90f2ab64"
    /// An audit event.
    EventId = "019cade2-405b-7160-911e-20b86b0d549b"
    /// A message waiting in the outbox.
    OutboxId = "019cade2-442c-7c53-8d4f-5b6c7d8e9fa0"
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    struct Fixed(u8);

    impl Rng for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn at_millis(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn e1_high_bits_are_the_time_and_the_top_bit_is_zero() {
        let id = RealmId::generate(at_millis((1 << 43) - 1), &Fixed(0xff));
        assert_eq!(id.to_string(), "7fffffffffffffff");
        let id = RealmId::generate(at_millis(1), &Fixed(0));
        assert_eq!(id.to_string(), "0000000000100000");
    }

    #[test]
    fn ids_made_later_sort_later() {
        let earlier = BindingJobId::generate(at_millis(1_000), &Fixed(0xff));
        let later = BindingJobId::generate(at_millis(1_001), &Fixed(0));
        assert!(earlier < later);
        let earlier = ApplicationId::generate(at_millis(1_000), &Fixed(0xff));
        let later = ApplicationId::generate(at_millis(1_001), &Fixed(0));
        assert!(earlier < later);
    }

    #[test]
    fn only_the_canonical_form_parses() {
        for wrong in [
            "",
            "0",
            "00000000000000000",
            "8000000000000000",
            "00000000000000G0",
            "+123456789012345",
        ] {
            assert_eq!(TenantId::from_str(wrong), Err(ParseIdError), "{wrong}");
        }
        for wrong in [
            "",
            "67e55044-10b1-426f-9247-bb680e5fe0c",
            "{67e55044-10b1-426f-9247-bb680e5fe0c8}",
            "67e5504410b1426f9247bb680e5fe0c8",
            "urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8",
            "67e55044-10b1-426f-9247bb-680e5fe0c8",
        ] {
            assert_eq!(ApplicationId::from_str(wrong), Err(ParseIdError), "{wrong}");
        }
    }

    #[test]
    fn ids_are_read_in_any_case_and_written_in_lower_case_rfc_9562_section_4() {
        let id: TenantId = "1CADE21f4A269E0B".parse().unwrap();
        assert_eq!(id.to_string(), "1cade21f4a269e0b");
        let id: ApplicationId = "67E55044-10b1-426F-9247-BB680E5FE0C8".parse().unwrap();
        assert_eq!(id.to_string(), "67e55044-10b1-426f-9247-bb680e5fe0c8");
    }

    #[test]
    fn only_ids_are_compared_without_case() {
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        assert!(same_id(uuid, &uuid.to_uppercase()));
        assert!(same_id(&uuid.to_uppercase(), uuid));
        assert!(same_id("1cade21f4a269e0b", "1CADE21F4A269E0B"));
        assert!(same_id(
            "Vb3nK8qWz1Ty6Lm0Rx5Hc2Jd",
            "Vb3nK8qWz1Ty6Lm0Rx5Hc2Jd"
        ));
        assert!(!same_id(
            "Vb3nK8qWz1Ty6Lm0Rx5Hc2Jd",
            "vb3nk8qwz1ty6lm0rx5hc2jd"
        ));
        assert!(!same_id(uuid, &uuid[1..]));
    }

    #[test]
    fn the_kind_shows_in_debug_output() {
        assert_eq!(
            format!("{:?}", TenantId::from_i64(1)),
            "TenantId(0000000000000001)"
        );
    }

    proptest! {
        #[test]
        fn hex_ids_round_trip(raw in 0..=i64::MAX) {
            let id = IdentityId::from_i64(raw);
            prop_assert_eq!(id.to_string().parse::<IdentityId>(), Ok(id));
        }
    }
}
