//! Public keys as JWK (RFC 7517; RFC 7518 section 6 for EC and RSA; RFC 8037 for OKP).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{KeyError, Material, PublicKey};
use crate::json;

type Jwk = Map<String, Value>;

impl PublicKey {
    /// Parses a JWK (RFC 7517) of one of the algorithms of [`crate::Algorithm`]: `EC` on `P-256` or
    /// `P-384`, `OKP` on `Ed25519`, or `RSA`. Integers and points are base64url without padding. A
    /// private part is rejected, an `alg` must be the key's, and other members are ignored.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let jwk = jwk.as_object().ok_or(KeyError::NotJwk)?;
        if jwk.contains_key("d") {
            return Err(KeyError::Private);
        }
        let key = match (text(jwk, "kty"), text(jwk, "crv")) {
            (Some("EC"), Some("P-256")) => {
                Self::from_p256(&coordinate(jwk, "x")?, &coordinate(jwk, "y")?)
            }
            (Some("EC"), Some("P-384")) => {
                Self::from_p384(&coordinate(jwk, "x")?, &coordinate(jwk, "y")?)
            }
            (Some("OKP"), Some("Ed25519")) => Self::from_ed25519(&coordinate(jwk, "x")?),
            (Some("RSA"), None) => Self::from_rsa(
                &decoded(jwk, "n").ok_or(KeyError::Modulus)?,
                &decoded(jwk, "e").ok_or(KeyError::Exponent)?,
            ),
            _ => Err(KeyError::Unsupported),
        }?;
        match jwk.get("alg") {
            Some(alg) if alg != key.algorithm().jose_name() => Err(KeyError::Unsupported),
            _ => Ok(key),
        }
    }

    /// Parses JSON text as [`Self::from_jwk`] does. A repeated member is an error.
    pub fn from_jwk_str(jwk: &str) -> Result<Self, KeyError> {
        let jwk = json::parse(jwk.as_bytes()).map_err(|_| KeyError::NotJwk)?;
        Self::from_jwk(&jwk)
    }

    /// Returns the key as a JWK text with exactly the members of its thumbprint (RFC 7638 section
    /// 3.2, RFC 8037 section 2), in lexicographic order and without white space. This text is
    /// published and is the input of the thumbprint.
    #[must_use]
    pub fn to_jwk_json(&self) -> String {
        match &self.0 {
            Material::Es256(point) => ec_jwk("P-256", point.sec1()),
            Material::Es384(point) => ec_jwk("P-384", point),
            Material::Ed25519(point) => {
                let x = URL_SAFE_NO_PAD.encode(point);
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
            }
            Material::Rsa { n, e } => {
                let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
                format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
            }
        }
    }
}

fn ec_jwk(curve: &str, point: &[u8]) -> String {
    let (x, y) = point[1..].split_at(point.len() / 2);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
}

fn text<'a>(jwk: &'a Jwk, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

fn decoded(jwk: &Jwk, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok()
}

fn coordinate(jwk: &Jwk, name: &str) -> Result<Vec<u8>, KeyError> {
    decoded(jwk, name).ok_or(KeyError::Coordinate)
}
