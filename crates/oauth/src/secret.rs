//! Secrets that must not be logged or displayed.

use aws_lc_rs::digest;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A bearer secret as received: a client secret, an authorization code, a verifier.
///
/// It has no `Display` and no `Serialize`, its `Debug` shows nothing, and its memory is wiped.
#[derive(Clone)]
pub struct PresentedSecret(Zeroizing<String>);

impl PresentedSecret {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns its SHA-256, the form in which random secrets are stored.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    /// Returns whether its SHA-256 is `expected`, compared in constant time.
    #[must_use]
    pub fn matches_sha256(&self, expected: &[u8; 32]) -> bool {
        self.sha256().ct_eq(expected).into()
    }
}

impl std::fmt::Debug for PresentedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PresentedSecret")
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes)
        .as_ref()
        .try_into()
        .expect("SHA-256 has 32 bytes")
}
