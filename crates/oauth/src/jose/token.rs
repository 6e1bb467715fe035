//! Verifying a compact JWS.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::{JoseError, KeySet, TokenType, decode};

/// The longest accepted token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16_384;

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: Option<String>,
    /// Whether any of these is present.
    #[serde(default, rename = "crit", alias = "jwk", alias = "x5u", alias = "x5c")]
    #[serde(deserialize_with = "is_present")]
    refused: bool,
}

/// Returns true for any value, `null` included.
fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Verifies a compact JWS and returns its claims.
///
/// `kid` selects the key, and the key determines the algorithm. `jku` is allowed, since our own
/// tokens contain it, and never followed. Times are checked separately, by
/// [`crate::claims::AccessTokenClaims::check_lifetime`].
///
/// # Errors
/// Any [`JoseError`] but `Expired` and `NotYetValid`.
pub fn verify<Claims: DeserializeOwned>(
    token: &str,
    keys: &KeySet,
    typ: TokenType,
) -> Result<Claims, JoseError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JoseError::TooLong);
    }
    let (signing_input, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
    let (header, claims) = signing_input.split_once('.').ok_or(JoseError::Malformed)?;
    let part = |text: &str| decode(text).ok_or(JoseError::Malformed);
    let (header, claims, signature) = (part(header)?, part(claims)?, part(signature)?);

    let header: Header =
        keymoor_types::json::from_slice(&header).map_err(|_| JoseError::Malformed)?;
    if header.refused {
        return Err(JoseError::RefusedHeader);
    }
    let key = keys.get(&header.kid).ok_or(JoseError::UnknownKey)?;
    if header.alg != key.algorithm().as_str() {
        return Err(JoseError::WrongAlgorithm);
    }
    if header.typ.as_deref() != typ.as_str() {
        return Err(JoseError::WrongType);
    }
    if !key.verifies(signing_input.as_bytes(), &signature) {
        return Err(JoseError::WrongSignature);
    }
    keymoor_types::json::from_slice(&claims).map_err(|_| JoseError::MalformedClaims)
}
