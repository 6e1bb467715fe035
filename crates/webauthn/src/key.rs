use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ParsedPublicKey, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::Decoder;
use serde_json::{Map, Value};

use crate::{json, sha256};

/// Why a public key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a JSON object, or one that repeats a member (RFC 7517 section 4).
    #[error("the key is not a JWK")]
    NotJwk,
    /// Not a COSE_Key map of definite length, or one that repeats a label, is cut short or goes
    /// on (RFC 9052 section 7).
    #[error("the key is not a COSE key")]
    NotCose,
    /// A key type, curve or algorithm other than EC, P-256, ES256.
    #[error("the key's type, curve or algorithm is not supported")]
    Unsupported,
    /// A private key where a public one belongs (RFC 7518 section 6.2.2, RFC 9053 section 7.1).
    #[error("the key has a private part")]
    Private,
    /// A COSE key with more than its required parameters (WebAuthn Level 3 section 6.5.1).
    #[error("the key has an unexpected parameter")]
    UnexpectedParameter,
    /// A coordinate is missing, compressed, not base64url, or not exactly 32 bytes (RFC 7518
    /// section 6.2.1.2).
    #[error("a coordinate of the key is malformed")]
    Coordinate,
    /// The coordinates name no point of the curve.
    #[error("the key is not on its curve")]
    NotOnCurve,
}

/// The signature is malformed, or not this key's over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// The public half of a passkey.
///
/// Today always ES256 (ECDSA on P-256 with SHA-256). The algorithm belongs to the key: no
/// message chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey(Material);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Material {
    /// An uncompressed SEC 1 point: `04`, x, y.
    Es256([u8; 65]),
}

impl PublicKey {
    /// Reads a JWK (RFC 7517): `kty` `EC`, `crv` `P-256`, `x` and `y` of exactly 32 bytes in
    /// base64url without padding. `d` is refused, an `alg` must be `ES256`, other members do
    /// not matter.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let jwk = jwk.as_object().ok_or(KeyError::NotJwk)?;
        let is = |name: &str, value: &str| jwk.get(name).is_some_and(|member| member == value);
        if !is("kty", "EC") || !is("crv", "P-256") {
            return Err(KeyError::Unsupported);
        }
        if jwk.contains_key("alg") && !is("alg", "ES256") {
            return Err(KeyError::Unsupported);
        }
        if jwk.contains_key("d") {
            return Err(KeyError::Private);
        }
        Self::from_coordinates(&jwk_coordinate(jwk, "x")?, &jwk_coordinate(jwk, "y")?)
    }

    /// [`Self::from_jwk`] from JSON text, in which a repeated member is an error.
    pub fn from_jwk_str(jwk: &str) -> Result<Self, KeyError> {
        let jwk = json::parse(jwk.as_bytes()).map_err(|_| KeyError::NotJwk)?;
        Self::from_jwk(&jwk)
    }

    /// Reads a COSE_Key (RFC 9052 section 7, RFC 9053 section 7.1.1) as WebAuthn Level 3
    /// section 6.5.1 has it: for ES256 the labels 1, 3, -1, -2, -3 and no others, the point not
    /// compressed.
    pub fn from_cose(cose: &[u8]) -> Result<Self, KeyError> {
        let mut decoder = Decoder::new(cose);
        let key = Self::decode_cose(&mut decoder)?;
        if decoder.position() == cose.len() {
            Ok(key)
        } else {
            Err(KeyError::NotCose)
        }
    }

    /// Reads one COSE_Key and leaves the decoder behind it.
    pub(crate) fn decode_cose(decoder: &mut Decoder<'_>) -> Result<Self, KeyError> {
        let malformed = |_| KeyError::NotCose;
        let entries = decoder.map().map_err(malformed)?.ok_or(KeyError::NotCose)?;
        let (mut key_type, mut algorithm, mut curve) = (None, None, None);
        let (mut x, mut y) = (None, None);
        for _ in 0..entries {
            let repeated = match decoder.i64().map_err(malformed)? {
                1 => key_type.replace(supported(decoder, 2)?).is_some(),
                3 => algorithm.replace(supported(decoder, -7)?).is_some(),
                -1 => curve.replace(supported(decoder, 1)?).is_some(),
                -2 => x.replace(cose_coordinate(decoder)?).is_some(),
                -3 => y.replace(cose_coordinate(decoder)?).is_some(),
                -4 => return Err(KeyError::Private),
                _ => return Err(KeyError::UnexpectedParameter),
            };
            if repeated {
                return Err(KeyError::NotCose);
            }
        }
        if key_type.is_none() || algorithm.is_none() || curve.is_none() {
            return Err(KeyError::Unsupported);
        }
        Self::from_coordinates(
            &x.ok_or(KeyError::Coordinate)?,
            &y.ok_or(KeyError::Coordinate)?,
        )
    }

    fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, KeyError> {
        let mut point = [0; 65];
        point[0] = 0x04;
        point[1..33].copy_from_slice(x);
        point[33..].copy_from_slice(y);
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| KeyError::NotOnCurve)?;
        Ok(Self(Material::Es256(point)))
    }

    /// The key as a JWK text with exactly the members `crv`, `kty`, `x`, `y`, in this order and
    /// without white space: the published shape, and the input of the thumbprint.
    #[must_use]
    pub fn to_jwk_json(&self) -> String {
        let Material::Es256(point) = &self.0;
        let x = URL_SAFE_NO_PAD.encode(&point[1..33]);
        let y = URL_SAFE_NO_PAD.encode(&point[33..]);
        format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
    }

    /// The JWK thumbprint (RFC 7638) with SHA-256.
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        // RFC 7638 section 3: the required members in lexicographic order without white space.
        sha256(self.to_jwk_json().as_bytes())
    }

    /// Verifies a signature in the form JOSE gives it (RFC 7518 section 3.4): r and s, 32 bytes
    /// each.
    pub fn verify_fixed(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let Material::Es256(point) = &self.0;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(message, signature)
            .map_err(|_| BadSignature)
    }

    /// Verifies a signature in the form WebAuthn gives it (Level 3 section 6.5.5): ASN.1 DER of
    /// `Ecdsa-Sig-Value`.
    pub fn verify_der(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let Material::Es256(point) = &self.0;
        verify_es256_der(point, message, signature)
    }
}

/// Verifies an ES256 signature in ASN.1 DER by a key that is given as a SEC 1 point and need not
/// be valid.
pub(crate) fn verify_es256_der(
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(message, signature)
        .map_err(|_| BadSignature)
}

/// A thumbprint as `kid` shows it: base64url without padding, 43 characters.
#[must_use]
pub fn thumbprint_base64url(thumbprint: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(thumbprint)
}

fn jwk_coordinate(jwk: &Map<String, Value>, name: &str) -> Result<[u8; 32], KeyError> {
    jwk.get(name)
        .and_then(Value::as_str)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(KeyError::Coordinate)
}

fn supported(decoder: &mut Decoder<'_>, only: i64) -> Result<(), KeyError> {
    match decoder.i64() {
        Ok(value) if value == only => Ok(()),
        Ok(_) => Err(KeyError::Unsupported),
        Err(_) => Err(KeyError::NotCose),
    }
}

fn cose_coordinate(decoder: &mut Decoder<'_>) -> Result<[u8; 32], KeyError> {
    decoder
        .bytes()
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(KeyError::Coordinate)
}
