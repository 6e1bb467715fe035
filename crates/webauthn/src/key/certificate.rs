//! Public keys in certificates (RFC 5280 section 4.1.2.7).

use x509_parser::oid_registry::asn1_rs::{FromDer as _, Integer, Sequence};

use super::PublicKey;
use crate::attestation::KeyKind;

impl PublicKey {
    /// Parses subjectPublicKey (RFC 5480 section 2.2, RFC 8410 section 4, RFC 3279 section 2.3.1).
    /// Returns `None` if the key cannot be a credential's.
    pub(crate) fn from_certificate(kind: KeyKind, bytes: &[u8]) -> Option<Self> {
        match kind {
            KeyKind::P256 | KeyKind::P384 => {
                let (x, y) = bytes.strip_prefix(&[0x04])?.split_at(bytes.len() / 2);
                match kind {
                    KeyKind::P256 => Self::from_p256(x, y),
                    _ => Self::from_p384(x, y),
                }
            }
            KeyKind::Ed25519 => Self::from_ed25519(bytes),
            KeyKind::Rsa => {
                let (n, e) = rsa_public_key(bytes)?;
                Self::from_rsa(&n, &e)
            }
            KeyKind::P521 => return None,
        }
        .ok()
    }
}

/// Parses an RSAPublicKey (RFC 8017 appendix A.1.1): modulus and exponent without leading zero
/// bytes.
fn rsa_public_key(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (rest, sequence) = Sequence::from_der(der).ok()?;
    let (content, n) = Integer::from_der(&sequence.content).ok()?;
    let (end, e) = Integer::from_der(content).ok()?;
    let unsigned = |integer: &Integer<'_>| {
        let bytes: &[u8] = integer.as_ref();
        bytes.strip_prefix(&[0]).unwrap_or(bytes).to_vec()
    };
    (rest.is_empty() && end.is_empty()).then(|| (unsigned(&n), unsigned(&e)))
}
