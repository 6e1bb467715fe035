//! Compact JWS (RFC 7515 section 7.1), read but not trusted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::proof::ProofError;
use crate::{Algorithm, BadSignature, PublicKey, json};

/// A JOSE header: a JSON object without repeated members (RFC 7515 section 4).
pub(crate) type Header = Map<String, Value>;

/// A parsed JWS with an unverified signature.
pub(crate) struct CompactJws {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    signing_input: String,
    signature: Vec<u8>,
}

impl CompactJws {
    pub(crate) fn parse(raw: &str) -> Result<Self, ProofError> {
        let (signing_input, signature) = raw.rsplit_once('.').ok_or(ProofError::NotCompactJws)?;
        let (header, payload) = signing_input
            .split_once('.')
            .ok_or(ProofError::NotCompactJws)?;
        Ok(Self {
            header: json::parse_object(&decode(header)?)
                .map_err(|_| ProofError::MalformedHeader)?,
            payload: decode(payload)?,
            signing_input: signing_input.to_owned(),
            signature: decode(signature)?,
        })
    }

    pub(crate) fn verify_signature(&self, key: &PublicKey) -> Result<(), ProofError> {
        key.verify_fixed(self.signing_input.as_bytes(), &self.signature)
            .map_err(|BadSignature| ProofError::Signature)
    }
}

// A second `.` in the payload is not base64url, so three parts need no separate check.
fn decode(part: &str) -> Result<Vec<u8>, ProofError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| ProofError::NotCompactJws)
}

/// Checks that the header's `alg` is ES256 and that it has none of the `refused` members.
pub(crate) fn check_header(header: &Header, refused: &[&'static str]) -> Result<(), ProofError> {
    if algorithm(header)? != Algorithm::Es256 {
        return Err(ProofError::Algorithm);
    }
    refuse_members(header, refused)
}

/// Returns the header's `alg`.
pub(crate) fn algorithm(header: &Header) -> Result<Algorithm, ProofError> {
    header
        .get("alg")
        .and_then(Value::as_str)
        .and_then(Algorithm::from_jose_name)
        .ok_or(ProofError::Algorithm)
}

/// Checks that the header has none of the `refused` members. Each would let the message choose the
/// verifier's key or rules.
pub(crate) fn refuse_members(header: &Header, refused: &[&'static str]) -> Result<(), ProofError> {
    match refused.iter().find(|name| header.contains_key(**name)) {
        Some(name) => Err(ProofError::RefusedHeader(name)),
        None => Ok(()),
    }
}
