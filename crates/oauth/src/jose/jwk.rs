//! The public half of a key, as a JWK (RFC 7517; RFC 7518, section 6).

use keymoor_types::json::Strict;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{Algorithm, KeyError, decode, encode};
use crate::secret::sha256;

const COORDINATE_BYTES: usize = 32;
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// A P-256 point or an RSA modulus and exponent, big-endian; integers without leading zeros.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    Ec {
        x: [u8; COORDINATE_BYTES],
        y: [u8; COORDINATE_BYTES],
    },
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

#[derive(Deserialize)]
#[serde(tag = "kty")]
enum JwkMembers {
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
}

#[derive(Deserialize)]
struct JwkUse {
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    d: Option<IgnoredAny>,
}

impl PublicKey {
    pub(super) fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let members = JwkMembers::deserialize(Strict(jwk)).map_err(|_| KeyError)?;
        let key = match members {
            JwkMembers::Ec { crv, x, y } if crv == "P-256" => Self::Ec {
                x: coordinate(&x)?,
                y: coordinate(&y)?,
            },
            JwkMembers::Ec { .. } => return Err(KeyError),
            JwkMembers::Rsa { n, e } => Self::from_rsa(integer(&n)?, integer(&e)?)?,
        };
        let usage = JwkUse::deserialize(Strict(jwk)).map_err(|_| KeyError)?;
        let own_algorithm = key.algorithm().as_str();
        let usable = usage.alg.is_none_or(|alg| alg == own_algorithm)
            && usage.purpose.is_none_or(|purpose| purpose == "sig")
            && usage.d.is_none();
        if usable { Ok(key) } else { Err(KeyError) }
    }

    /// Reads an uncompressed point (SEC 1, section 2.3.3).
    pub(super) fn from_sec1(point: &[u8]) -> Result<Self, KeyError> {
        let coordinates = point.strip_prefix(&[0x04]).ok_or(KeyError)?;
        let (x, y) = coordinates
            .split_at_checked(COORDINATE_BYTES)
            .ok_or(KeyError)?;
        Ok(Self::Ec {
            x: x.try_into().map_err(|_| KeyError)?,
            y: y.try_into().map_err(|_| KeyError)?,
        })
    }

    /// Reads a DER `RSAPublicKey` (RFC 8017, appendix A.1.1).
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let (sequence, _) = der_value(der, 0x30)?;
        let (n, rest) = der_value(sequence, 0x02)?;
        let (e, _) = der_value(rest, 0x02)?;
        // A DER INTEGER has one leading zero if its first bit would read as a sign.
        let unsigned = |bytes: &[u8]| bytes.strip_prefix(&[0]).unwrap_or(bytes).to_vec();
        Self::from_rsa(unsigned(n), unsigned(e))
    }

    fn from_rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, KeyError> {
        // With exponent 1 every text would be its own signature. The library checks this only when
        // it verifies.
        let is_odd = e.last().is_some_and(|last| last % 2 == 1);
        if MODULUS_BYTES.contains(&n.len()) && is_odd && e != [1] {
            Ok(Self::Rsa { n, e })
        } else {
            Err(KeyError)
        }
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ec { .. } => Algorithm::Es256,
            Self::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// Returns the SHA-256 thumbprint (RFC 7638, section 3), base64url without padding.
    pub(super) fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Ec { x, y } => format!(
                r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
                encode(x),
                encode(y)
            ),
            Self::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n))
            }
        };
        encode(&sha256(canonical.as_bytes()))
    }

    pub(super) fn to_jwk(&self, kid: &str) -> Value {
        let alg = self.algorithm().as_str();
        match self {
            Self::Ec { x, y } => json!({
                "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y),
                "kid": kid, "alg": alg, "use": "sig",
            }),
            Self::Rsa { n, e } => json!({
                "kty": "RSA", "n": encode(n), "e": encode(e),
                "kid": kid, "alg": alg, "use": "sig",
            }),
        }
    }
}

fn coordinate(text: &str) -> Result<[u8; COORDINATE_BYTES], KeyError> {
    decode(text)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(KeyError)
}

/// Decodes a `Base64urlUInt` (RFC 7518, section 2). Only the shortest form is valid, since a
/// thumbprint must not have two spellings.
fn integer(text: &str) -> Result<Vec<u8>, KeyError> {
    decode(text)
        .filter(|bytes| bytes.first().is_some_and(|first| *first != 0))
        .ok_or(KeyError)
}

/// Splits `der` into the contents of its first value, which must have this tag, and the rest.
fn der_value(der: &[u8], tag: u8) -> Result<(&[u8], &[u8]), KeyError> {
    let (length, rest) = match der {
        [found, short, rest @ ..] if *found == tag && *short < 0x80 => (usize::from(*short), rest),
        [found, 0x81, length, rest @ ..] if *found == tag => (usize::from(*length), rest),
        [found, 0x82, high, low, rest @ ..] if *found == tag => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return Err(KeyError),
    };
    rest.split_at_checked(length).ok_or(KeyError)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638, section 3.1.
    #[test]
    fn c5_the_thumbprint_is_that_of_rfc_7638() {
        let jwk = json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\
                  oc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65\
                  YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyr\
                  dkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK\
                  nqDKgw",
            "e": "AQAB",
            "alg": "RS256",
            "kid": "2011-04-29"
        });
        let key = PublicKey::from_jwk(&jwk).ok().unwrap();
        assert_eq!(
            key.thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn a_truncated_der_key_is_refused() {
        let whole = [
            &[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00][..],
            &[0xc1; 256],
            &[0x02, 0x03, 0x01, 0x00, 0x01],
        ]
        .concat();
        assert!(PublicKey::from_pkcs1(&whole).is_ok());
        for length in 0..whole.len() {
            assert!(PublicKey::from_pkcs1(&whole[..length]).is_err(), "{length}");
        }
    }
}
