//! The public half of a passkey.

mod certificate;
mod cose;
mod edwards25519;
mod jwk;
mod p256;

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use self::p256::P256Point;
use crate::Algorithm;
use crate::sha256;

/// Why a public key is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a JSON object, or one that repeats a member (RFC 7517 section 4).
    #[error("the key is not a JWK")]
    NotJwk,
    /// Not a COSE_Key map of definite length, or one that repeats a label, is cut short, or has
    /// trailing bytes (RFC 9052 section 7).
    #[error("the key is not a COSE key")]
    NotCose,
    /// An unsupported key type, curve or algorithm (see [`Algorithm`]), or an invalid combination.
    /// For a software key, any but ES256.
    #[error("the key's type, curve or algorithm is not supported")]
    Unsupported,
    /// A private key in place of a public one (RFC 7518 sections 6.2.2 and 6.3.2, RFC 9053 section
    /// 7, RFC 8230 section 4).
    #[error("the key has a private part")]
    Private,
    /// A COSE key with more than its required parameters (WebAuthn Level 3 section 6.5.1).
    #[error("the key has an unexpected parameter")]
    UnexpectedParameter,
    /// A coordinate is missing, compressed, not base64url, or not of its curve's length (RFC 7518
    /// section 6.2.1.2, RFC 8037 section 2).
    #[error("a coordinate of the key is malformed")]
    Coordinate,
    /// The coordinates are not a point of the curve, or are an Ed25519 point that is not
    /// canonically encoded or has a small order.
    #[error("the key is not on its curve")]
    NotOnCurve,
    /// The RSA modulus is missing, even, has a leading zero byte (RFC 7518 section 6.3.1.1,
    /// RFC 8230 section 4), or not 2,048 to 4,096 bits.
    #[error("the key's modulus is malformed or out of range")]
    Modulus,
    /// The RSA exponent is missing, even, below 3, has a leading zero byte, or more than 32 bits.
    #[error("the key's exponent is malformed or out of range")]
    Exponent,
}

/// The signature is malformed, or not this key's over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// The public half of a passkey, of one of the algorithms of [`Algorithm`].
///
/// The algorithm belongs to the key. No message chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey(Material);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Material {
    Es256(P256Point),
    /// An uncompressed SEC 1 point: `04`, x, y.
    Es384([u8; 97]),
    Ed25519([u8; 32]),
    /// Big-endian integers without leading zero bytes.
    Rsa {
        n: Box<[u8]>,
        e: Box<[u8]>,
    },
}

impl PublicKey {
    const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2_048..=4_096;
    const MAX_EXPONENT_BYTES: usize = 4;

    /// Returns the algorithm of the key's signatures.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Material::Es256(_) => Algorithm::Es256,
            Material::Es384(_) => Algorithm::Es384,
            Material::Ed25519(_) => Algorithm::EdDsa,
            Material::Rsa { .. } => Algorithm::Rs256,
        }
    }

    fn from_p256(x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        P256Point::new(x, y).map(|point| Self(Material::Es256(point)))
    }

    fn from_p384(x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        let (point, _) = sec1_point(&ECDSA_P384_SHA384_FIXED, x, y)?;
        Ok(Self(Material::Es384(point)))
    }

    fn from_ed25519(x: &[u8]) -> Result<Self, KeyError> {
        let point = x.try_into().map_err(|_| KeyError::Coordinate)?;
        if edwards25519::is_public_point(&point) {
            Ok(Self(Material::Ed25519(point)))
        } else {
            Err(KeyError::NotOnCurve)
        }
    }

    fn from_rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        if !is_odd_integer(n) || !Self::MODULUS_BITS.contains(&bits(n)) {
            return Err(KeyError::Modulus);
        }
        if !is_odd_integer(e) || e == [1] || e.len() > Self::MAX_EXPONENT_BYTES {
            return Err(KeyError::Exponent);
        }
        Ok(Self(Material::Rsa {
            n: n.into(),
            e: e.into(),
        }))
    }

    /// Builds the key as [`Self::from_p256`] does, from big-endian integers that may lack leading
    /// zero bytes.
    pub(crate) fn from_p256_numbers(x: &[u8], y: &[u8]) -> Option<Self> {
        Self::from_p256(&padded::<32>(x)?, &padded::<32>(y)?).ok()
    }

    /// Builds the key as [`Self::from_p384`] does, from big-endian integers that may lack leading
    /// zero bytes.
    pub(crate) fn from_p384_numbers(x: &[u8], y: &[u8]) -> Option<Self> {
        Self::from_p384(&padded::<48>(x)?, &padded::<48>(y)?).ok()
    }

    pub(crate) fn from_rsa_numbers(n: &[u8], e: u32) -> Option<Self> {
        let e = e.to_be_bytes();
        let zeros = e.iter().take_while(|byte| **byte == 0).count();
        Self::from_rsa(n, &e[zeros..]).ok()
    }

    /// Returns the point of an ES256 key as uncompressed SEC 1: 65 bytes.
    pub(crate) fn p256_point(&self) -> Option<&[u8]> {
        match &self.0 {
            Material::Es256(point) => Some(point.sec1()),
            _ => None,
        }
    }

    /// Returns the JWK thumbprint (RFC 7638) with SHA-256.
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        // RFC 7638 section 3: the required members in lexicographic order without white space.
        sha256(self.to_jwk_json().as_bytes())
    }

    /// Verifies an ES256 signature in JOSE's form (RFC 7518 section 3.4): r and s, 32 bytes each.
    /// It rejects signatures of every other algorithm.
    pub fn verify_fixed(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match &self.0 {
            Material::Es256(point) => point.verify_fixed(message, signature),
            _ => Err(BadSignature),
        }
    }

    /// Verifies a signature in WebAuthn's form (Level 3 section 6.5.5): ASN.1 DER of
    /// `Ecdsa-Sig-Value` for ECDSA, 64 bytes for Ed25519, as long as the modulus for RSA.
    pub fn verify_webauthn(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let algorithm = self.algorithm().verification();
        match &self.0 {
            Material::Es256(point) => verify(algorithm, point.sec1(), message, signature),
            Material::Es384(point) => verify(algorithm, point, message, signature),
            Material::Ed25519(point) => verify(algorithm, point, message, signature),
            Material::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(
                    &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
                    message,
                    signature,
                )
                .map_err(|_| BadSignature),
        }
    }
}

/// Returns the point as uncompressed SEC 1 and parsed for verification.
fn sec1_point<const N: usize>(
    algorithm: &'static dyn VerificationAlgorithm,
    x: &[u8],
    y: &[u8],
) -> Result<([u8; N], ParsedPublicKey), KeyError> {
    if x.len() != N / 2 || y.len() != N / 2 {
        return Err(KeyError::Coordinate);
    }
    let point = [&[0x04], x, y].concat();
    let point: [u8; N] = point.try_into().map_err(|_| KeyError::Coordinate)?;
    let parsed = ParsedPublicKey::new(algorithm, point).map_err(|_| KeyError::NotOnCurve)?;
    Ok((point, parsed))
}

fn padded<const N: usize>(integer: &[u8]) -> Option<[u8; N]> {
    let mut padded = [0; N];
    let zeros = N.checked_sub(integer.len())?;
    padded[zeros..].copy_from_slice(integer);
    Some(padded)
}

/// Returns whether the bytes are an odd integer, big-endian without leading zero bytes.
fn is_odd_integer(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| *first != 0) && bytes.last().is_some_and(|last| last & 1 == 1)
}

/// Returns the bit length of an integer without leading zero bytes.
fn bits(integer: &[u8]) -> usize {
    let unused = integer.first().map_or(0, |first| first.leading_zeros());
    integer.len() * 8 - usize::try_from(unused).expect("at most 8")
}

/// Verifies a signature with a key that may be invalid.
pub(crate) fn verify(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .map_err(|_| BadSignature)
}

/// Encodes a thumbprint as a `kid`: base64url without padding, 43 characters.
#[must_use]
pub fn thumbprint_base64url(thumbprint: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(thumbprint)
}
