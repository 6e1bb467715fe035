//! JSON Web Signatures (RFC 7515) and keys (RFC 7517), limited to what this product issues.
//!
//! There are two algorithms and only compact serialisation. The key determines the algorithm. A
//! token's header is compared with the key and never selects anything else (RFC 8725, section 3.1).

mod jwk;
mod signing;
mod token;
mod verifying;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use signing::{JwtHeader, SigningKey};
pub use token::{MAX_TOKEN_BYTES, verify};
pub use verifying::{KeySet, VerifyingKey};

/// A signature algorithm (RFC 7518, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256; signatures are `r || s`, 64 bytes.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256. Generated keys have 2,048 bits.
    Rs256,
}

impl Algorithm {
    /// Returns the value of `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// The kinds of JWT this product issues. Their `typ` values differ, one being absent, so that a
/// token of one kind never passes for another (RFC 8725, section 3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenType {
    /// An access token (RFC 9068, section 2.1).
    AccessToken,
    /// An ID token (OpenID Connect Core 1.0, section 2).
    IdToken,
    /// The challenge that `/authorize` hands to an SDK.
    Request,
}

impl TokenType {
    /// Returns the value of the `typ` header parameter. A request has none: the published SDK
    /// rejects every value but `JWT`, which the ID token uses.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::AccessToken => Some("at+jwt"),
            Self::IdToken => Some("JWT"),
            Self::Request => None,
        }
    }
}

/// Why a token is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three canonical base64url parts with a JSON header that names a key.
    #[error("the token is malformed")]
    Malformed,
    /// The header contains `crit`, `jwk`, `x5u` or `x5c`: unsupported extensions, or an attempt to
    /// supply a key.
    #[error("the token's header has a parameter that is not accepted")]
    RefusedHeader,
    /// No key has this `kid`. The caller may reload its keys once and retry.
    #[error("the token's key is unknown")]
    UnknownKey,
    /// `alg` is not the key's algorithm.
    #[error("the token's algorithm is not its key's")]
    WrongAlgorithm,
    /// `typ` is not that of the expected kind of token.
    #[error("the token is of another kind")]
    WrongType,
    /// The signature is not the key's signature of this text.
    #[error("the token's signature is wrong")]
    WrongSignature,
    /// The claims lack a required member, repeat one, or have one of another type.
    #[error("the token's claims are malformed")]
    MalformedClaims,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` lies ahead.
    #[error("the token is not valid yet")]
    NotYetValid,
}

/// The key is not one this product can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a usable ES256 or RS256 key")]
pub struct KeyError;

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes only the canonical spelling: no padding, no whitespace, no stray trailing bits.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
