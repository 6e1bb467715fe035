//! The software key's proof at binding, and the errors of all proofs.

use serde_json::Value;
use subtle::ConstantTimeEq as _;

use crate::jws::{self, CompactJws};
use crate::{Algorithm, AuthenticatorDataError, ClientDataError, KeyError, PublicKey, json};

/// Why a proof is rejected. No variant repeats any part of the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not three base64url parts without padding (RFC 7515 section 7.1).
    #[error("the proof is not a compact JWS")]
    NotCompactJws,
    /// The header is not a JSON object, or repeats a member (RFC 7515 section 4).
    #[error("the header is malformed")]
    MalformedHeader,
    /// `alg` is absent or not exactly `ES256` (RFC 8725 section 3.1). In a WebAuthn challenge it
    /// may also be that of the credential's key.
    #[error("the algorithm is not ES256 and not the key's")]
    Algorithm,
    /// The header has a member that would let the message choose its key or its rules: `jku`,
    /// `x5u`, `x5c`, `crit`, or at sign-in `jwk` (RFC 8725 section 3.10).
    #[error("the header must not have the member {0}")]
    RefusedHeader(&'static str),
    /// At binding the header's `jwk` is absent or not an acceptable public key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// At sign-in `kid` is absent or not the key's thumbprint (RFC 7638).
    #[error("the proof names another key")]
    KeyId,
    /// The signature is malformed or not this key's over this proof (RFC 7515 section 5.2 step
    /// 8; WebAuthn Level 3 section 7.2, signature step).
    #[error("the signature does not verify")]
    Signature,
    /// At binding the signed members are not those of this job.
    #[error(transparent)]
    Binding(#[from] BindingPayloadError),
    /// The claims are not a JSON object, repeat a member, or lack a required one (RFC 7519 section
    /// 4).
    #[error("the claims are malformed")]
    MalformedClaims,
    /// `sub` is not the expected subject (RFC 7519 section 4.1.2).
    #[error("the proof is about another subject")]
    Subject,
    /// `aud` is not exactly the expected audience (RFC 7519 section 4.1.3).
    #[error("the proof is for another audience")]
    Audience,
    /// `nbf` is in the future (RFC 7519 section 4.1.5).
    #[error("the proof is not yet valid")]
    NotYetValid,
    /// `exp` is not in the future (RFC 7519 section 4.1.4).
    #[error("the proof has expired")]
    Expired,
    /// `iat` is further than the leeway from now (RFC 7519 section 4.1.6).
    #[error("the proof was not made now")]
    IssuedAt,
    /// A software key's proof for a WebAuthn credential, or the reverse.
    #[error("the proof is not of the credential's kind")]
    Kind,
    /// A WebAuthn proof is not a JSON text of three base64 members.
    #[error("the assertion is malformed")]
    MalformedAssertion,
    /// The client data are rejected (WebAuthn Level 3 section 7.2).
    #[error(transparent)]
    ClientData(#[from] ClientDataError),
    /// The challenge is not a JSON object of exactly `header` and `claims`.
    #[error("the challenge is malformed")]
    MalformedChallenge,
    /// The challenge is not the one that the server generated ("Verify that the value of
    /// C.challenge equals…").
    #[error("the challenge is another one")]
    ForeignChallenge,
    /// The user handle is absent although it must name the user, or names another one ("Identify
    /// the user…").
    #[error("the authenticator names another user, or nobody")]
    UserHandle,
    /// The authenticator data are rejected (WebAuthn Level 3 section 7.2).
    #[error(transparent)]
    AuthenticatorData(#[from] AuthenticatorDataError),
    /// `pub_key_cred_id` is absent, malformed, or not the credential's id.
    #[error("the proof names another credential")]
    CredentialId,
    /// The origin's host is not the RP ID that the credential was registered for.
    #[error("the proof was made for another relying party")]
    RpId,
}

/// Why the two signed members of a proof at binding are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingPayloadError {
    /// Not a JSON object of exactly the strings `sub` and `token`, each once.
    #[error("the signed members are not exactly sub and token")]
    Malformed,
    /// `sub` is not the job's identity.
    #[error("the proof is about another subject")]
    Subject,
    /// `token` is not the job's token.
    #[error("the proof is over another token")]
    Token,
}

/// The expected contents of a proof at binding.
#[derive(Clone, Copy)]
pub struct BindingSubject<'a> {
    /// The identity's distinguished name, built by the server and never parsed.
    pub subject: &'a str,
    /// The link's token. Compared in constant time.
    pub token: &'a str,
}

impl BindingSubject<'_> {
    /// Checks that `payload` is a JSON object of exactly this `sub` and this `token`.
    pub(crate) fn check(self, payload: &[u8]) -> Result<(), BindingPayloadError> {
        let members = json::parse_object(payload).map_err(|_| BindingPayloadError::Malformed)?;
        let member = |name| members.get(name).and_then(Value::as_str);
        let (Some(subject), Some(token), 2) = (member("sub"), member("token"), members.len())
        else {
            return Err(BindingPayloadError::Malformed);
        };
        if subject != self.subject {
            return Err(BindingPayloadError::Subject);
        }
        if bool::from(token.as_bytes().ct_eq(self.token.as_bytes())) {
            Ok(())
        } else {
            Err(BindingPayloadError::Token)
        }
    }
}

/// A software key that its device has proved to hold at binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedBinding {
    public_key: PublicKey,
}

impl VerifiedBinding {
    /// Returns the new passkey's public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

/// Verifies a software key's proof at binding: a compact JWS, signed with ES256 by the key in
/// its own header, over exactly the job's `sub` and `token`.
///
/// The proof is valid as long as its token. The caller checks that the token is still open.
pub fn verify_binding_jws(
    raw: &str,
    expected: &BindingSubject<'_>,
) -> Result<VerifiedBinding, ProofError> {
    let jws = CompactJws::parse(raw)?;
    jws::check_header(&jws.header, &["crit", "jku", "x5u", "x5c"])?;
    let public_key = PublicKey::from_jwk(jws.header.get("jwk").unwrap_or(&Value::Null))?;
    if public_key.algorithm() != Algorithm::Es256 {
        return Err(KeyError::Unsupported.into());
    }
    jws.verify_signature(&public_key)?;
    expected.check(&jws.payload)?;
    Ok(VerifiedBinding { public_key })
}
