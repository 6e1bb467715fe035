//! Bearer secrets: random, stored as hashes, compared in constant time, never logged.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::Rng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::db::{Column, Param, Value};

/// The SHA-256 hash of a secret, as stored in the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        let hash = digest(&SHA256, bytes);
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Param for Digest {
    fn value(&self) -> Value<'_> {
        Value::Bytes(&self.0)
    }
}

impl Column for Digest {
    fn column(value: Value<'_>) -> Option<Self> {
        <[u8; 32]>::column(value).map(Self)
    }
}

/// A plaintext secret. It has no `Display` and no `Serialize`, and its `Debug` output is redacted.
/// Only [`Secret::expose`] returns the text.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Generates `N` random bytes in base64url.
    pub fn random<const N: usize>(rng: &dyn Rng) -> Self {
        let bytes = Zeroizing::new(rng.bytes::<N>());
        Self::new(URL_SAFE_NO_PAD.encode(*bytes))
    }

    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::SystemRng;

    #[test]
    fn a5_a_link_token_has_48_random_bytes_and_no_debug_form() {
        let token = Secret::random::<48>(&SystemRng);
        assert_eq!(token.expose().len(), 64);
        assert_ne!(token.expose(), Secret::random::<48>(&SystemRng).expose());
        assert_eq!(format!("{token:?}"), "Secret(…)");
    }

    #[test]
    fn digests_match_only_the_same_text() {
        assert!(Secret::new("a").digest().matches(&Digest::of(b"a")));
        assert!(!Secret::new("a").digest().matches(&Digest::of(b"b")));
    }
}
