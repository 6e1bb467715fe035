//! Points of P-256, the curve of ES256.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};

use super::{BadSignature, KeyError, sec1_point};

/// A point that is on the curve. It stores the parsed key, so that verifying signatures in JOSE's
/// form need not parse it again.
#[derive(Clone)]
pub(super) struct P256Point {
    sec1: [u8; 65],
    parsed: Arc<ParsedPublicKey>,
}

impl P256Point {
    pub(super) fn new(x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        let (sec1, parsed) = sec1_point(&ECDSA_P256_SHA256_FIXED, x, y)?;
        Ok(Self {
            sec1,
            parsed: Arc::new(parsed),
        })
    }

    /// Returns the uncompressed point: `04`, x, y.
    pub(super) fn sec1(&self) -> &[u8; 65] {
        &self.sec1
    }

    /// Verifies `r` and `s`, 32 bytes each.
    pub(super) fn verify_fixed(
        &self,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        self.parsed
            .verify_sig(message, signature)
            .map_err(|_| BadSignature)
    }
}

impl PartialEq for P256Point {
    fn eq(&self, other: &Self) -> bool {
        self.sec1 == other.sec1
    }
}

impl Eq for P256Point {}

impl Hash for P256Point {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sec1.hash(state);
    }
}

impl fmt::Debug for P256Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("P256Point").field(&self.sec1).finish()
    }
}
