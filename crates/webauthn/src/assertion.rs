//! Proofs at sign-in, of software keys and of WebAuthn credentials (Level 3 section 7.2).
//!
//! Verification has two steps, since the proof itself names the key to look up:
//! [`AssertionProof::parse`] reads and trusts nothing, [`AssertionProof::verify`] decides.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use keymoor_types::wire::{AuthenticationProof, ProofKind, WebAuthnAssertion};
use keymoor_types::{Seconds, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::authenticator_data::AuthenticatorData;
use crate::client_data::{Ceremony, ClientData};
use crate::jws::{self, CompactJws, Header};
use crate::proof::ProofError;
use crate::{
    Algorithm, AuthenticatorDataError, BadSignature, PublicKey, json, thumbprint_base64url,
};

/// How far a browser's clock may differ from ours, either way.
pub const LEEWAY: Seconds = Seconds(4_200);

/// The claims of a proof at sign-in. Members that are not listed are ignored.
#[derive(Clone, Deserialize)]
pub struct ProofClaims {
    /// The SDK instance that made the proof.
    pub iss: String,
    /// The identity's distinguished name.
    pub sub: String,
    /// The URL that the proof is posted to.
    #[serde(deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// When the proof was created, in seconds since the Unix epoch by the device's clock.
    pub iat: i64,
    /// The start of validity, in seconds since the Unix epoch.
    pub nbf: i64,
    /// The end of validity, in seconds since the Unix epoch.
    pub exp: i64,
    /// The proof's own id.
    pub jti: String,
    /// The transaction that it answers.
    pub bi_tid: String,
    /// The transaction's nonce, echoed.
    pub bi_non: String,
    /// What the device reports about itself, in base64.
    pub bi_prf: Option<String>,
    /// The version of the policy protocol.
    pub bi_pol_ver: Option<String>,
    /// How the sign-in was embedded.
    pub flow_type: Option<String>,
    /// What an e-mail one-time code is asked for; absent in a passkey's proof.
    pub authentication_control: Option<Value>,
    /// The WebAuthn credential id in standard base64 without padding; absent in a software
    /// key's proof.
    pub pub_key_cred_id: Option<String>,
}

/// Deserialises an audience: a string or an array of strings (RFC 7519 section 4.1.3).
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Audience::deserialize(deserializer)? {
        Audience::One(audience) => vec![audience],
        Audience::Many(audiences) => audiences,
    })
}

impl ProofClaims {
    fn from_value(claims: Value) -> Result<Self, ProofError> {
        keymoor_types::json::from_value(claims).map_err(|_| ProofError::MalformedClaims)
    }

    fn check(&self, expected: &AssertionExpectation<'_>) -> Result<(), ProofError> {
        if self.sub != expected.subject {
            return Err(ProofError::Subject);
        }
        if self.aud != [expected.audience] {
            return Err(ProofError::Audience);
        }
        let now = expected.now.as_seconds();
        if now < self.nbf {
            return Err(ProofError::NotYetValid);
        }
        if self.exp <= now {
            return Err(ProofError::Expired);
        }
        // Bounds `nbf` and `exp` too: a proof expires with its `iat`, however far apart they are.
        if now.abs_diff(self.iat) > expected.leeway.0.unsigned_abs() {
            return Err(ProofError::IssuedAt);
        }
        Ok(())
    }
}

impl fmt::Debug for ProofClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofClaims").finish_non_exhaustive()
    }
}

/// A proof at sign-in, read but not trusted. [`Self::verify`] verifies its contents.
pub struct AssertionProof {
    key_thumbprint: String,
    claims: ProofClaims,
    evidence: Evidence,
}

enum Evidence {
    Software(CompactJws),
    WebAuthn {
        claimed_algorithm: Algorithm,
        answer: Box<WebAuthnEvidence>,
    },
}

/// The response of a WebAuthn authenticator and its browser, read but not trusted.
pub(crate) struct WebAuthnEvidence {
    client_data: ClientData,
    authenticator_data: AuthenticatorData,
    credential_id: Vec<u8>,
    /// Authenticator data and the client data's hash.
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl WebAuthnEvidence {
    pub(crate) fn new(
        credential_id: Vec<u8>,
        client_data: ClientData,
        authenticator_data: &[u8],
        signature: Vec<u8>,
    ) -> Result<Self, AuthenticatorDataError> {
        Ok(Self {
            signed: [authenticator_data, &client_data.hash].concat(),
            signature,
            authenticator_data: AuthenticatorData::parse(authenticator_data)?,
            client_data,
            credential_id,
        })
    }

    pub(crate) fn challenge(&self) -> &[u8] {
        &self.client_data.challenge
    }

    pub(crate) fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    pub(crate) fn verify(
        &self,
        key: &PublicKey,
        stored_id: &[u8],
        rp_id: &str,
        trusted_origins: &[String],
    ) -> Result<WebAuthnFacts, ProofError> {
        key.verify_webauthn(&self.signed, &self.signature)
            .map_err(|BadSignature| ProofError::Signature)?;
        if self.credential_id != stored_id {
            return Err(ProofError::CredentialId);
        }
        let host = self
            .client_data
            .check(Ceremony::Assertion, trusted_origins)?;
        if host != rp_id {
            return Err(ProofError::RpId);
        }
        self.authenticator_data.check(rp_id)?;
        Ok(WebAuthnFacts {
            sign_count: self.authenticator_data.sign_count,
            backup_eligible: self.authenticator_data.backup_eligible(),
            backup_state: self.authenticator_data.backup_state(),
            origin: self.client_data.origin.clone(),
        })
    }
}

impl fmt::Debug for AssertionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionProof")
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// The expected contents of a proof at sign-in.
#[derive(Clone, Copy)]
pub struct AssertionExpectation<'a> {
    /// The identity's distinguished name, built by the server and never parsed.
    pub subject: &'a str,
    /// The URL that the proof was posted to, built from configuration.
    pub audience: &'a str,
    /// The current time.
    pub now: Timestamp,
    /// How far the device's clock may be off, either way: [`LEEWAY`].
    pub leeway: Seconds,
    /// The origins that may run the ceremony, as browsers serialise them. Only a WebAuthn proof
    /// names one.
    pub trusted_origins: &'a [String],
    /// The credential that the key belongs to.
    pub credential: ExpectedCredential<'a>,
}

/// The stored facts about the credential. A proof of the other kind is rejected.
#[derive(Clone, Copy)]
pub enum ExpectedCredential<'a> {
    /// A key stored in software.
    Software,
    /// A WebAuthn credential.
    WebAuthn {
        /// Its id.
        credential_id: &'a [u8],
        /// The RP ID it is scoped to.
        rp_id: &'a str,
    },
}

impl AssertionProof {
    /// Parses a proof. It checks the form, `alg` and the header members, and verifies nothing.
    /// [`crate::fido2`] parses proofs over server-generated challenges.
    pub fn parse(proof: &AuthenticationProof) -> Result<Self, ProofError> {
        match proof {
            AuthenticationProof::Jwt(raw) => Self::parse_jws(raw),
            AuthenticationProof::WebAuthn(raw) => Self::parse_webauthn(raw),
            AuthenticationProof::Fido2(_) => Err(ProofError::Kind),
        }
    }

    fn parse_jws(raw: &str) -> Result<Self, ProofError> {
        let jws = CompactJws::parse(raw)?;
        jws::check_header(&jws.header, &REFUSED_MEMBERS)?;
        let key_thumbprint = key_thumbprint(&jws.header)?;
        let claims = json::parse(&jws.payload).map_err(|_| ProofError::MalformedClaims)?;
        Ok(Self {
            key_thumbprint,
            claims: ProofClaims::from_value(claims)?,
            evidence: Evidence::Software(jws),
        })
    }

    fn parse_webauthn(raw: &str) -> Result<Self, ProofError> {
        let malformed = ProofError::MalformedAssertion;
        let raw: WebAuthnAssertion = keymoor_types::json::from_str(raw).map_err(|_| malformed)?;
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| malformed);
        let client_data = ClientData::parse(&decode(&raw.client_data)?)?;
        let authenticator_data = decode(&raw.authenticator_data)?;
        let (header, claims) = read_challenge(&client_data.challenge)?;
        let claimed_algorithm = jws::algorithm(&header)?;
        jws::refuse_members(&header, &REFUSED_MEMBERS)?;
        let key_thumbprint = key_thumbprint(&header)?;
        let claims = ProofClaims::from_value(claims)?;
        let credential_id = claims
            .pub_key_cred_id
            .as_deref()
            .and_then(|id| STANDARD_NO_PAD.decode(id).ok())
            .ok_or(ProofError::CredentialId)?;
        Ok(Self {
            key_thumbprint,
            claims,
            evidence: Evidence::WebAuthn {
                claimed_algorithm,
                answer: Box::new(WebAuthnEvidence::new(
                    credential_id,
                    client_data,
                    &authenticator_data,
                    decode(&raw.signature)?,
                )?),
            },
        })
    }

    /// Returns `kid`: the RFC 7638 SHA-256 thumbprint of the key, base64url without padding.
    #[must_use]
    pub fn key_thumbprint(&self) -> &str {
        &self.key_thumbprint
    }

    /// Returns the unverified claims.
    #[must_use]
    pub fn claims(&self) -> &ProofClaims {
        &self.claims
    }

    /// Returns the kind of the proof.
    #[must_use]
    pub fn kind(&self) -> ProofKind {
        match self.evidence {
            Evidence::Software(_) => ProofKind::Jwt,
            Evidence::WebAuthn { .. } => ProofKind::Webauthn,
        }
    }

    /// Returns the WebAuthn credential that the proof names, or `None` for a software key.
    #[must_use]
    pub fn credential_id(&self) -> Option<&[u8]> {
        match &self.evidence {
            Evidence::Software(_) => None,
            Evidence::WebAuthn { answer, .. } => Some(&answer.credential_id),
        }
    }

    /// Verifies the proof against the stored key and the expected contents.
    ///
    /// The caller checks that the transaction is open and its nonce matches.
    pub fn verify(
        &self,
        key: &PublicKey,
        expected: &AssertionExpectation<'_>,
    ) -> Result<VerifiedAssertion, ProofError> {
        if self.key_thumbprint != thumbprint_base64url(&key.thumbprint()) {
            return Err(ProofError::KeyId);
        }
        let webauthn = self.verify_evidence(key, expected)?;
        self.claims.check(expected)?;
        Ok(VerifiedAssertion {
            claims: self.claims.clone(),
            webauthn,
        })
    }

    fn verify_evidence(
        &self,
        key: &PublicKey,
        expected: &AssertionExpectation<'_>,
    ) -> Result<Option<WebAuthnFacts>, ProofError> {
        match (&self.evidence, expected.credential) {
            (Evidence::Software(jws), ExpectedCredential::Software) => {
                jws.verify_signature(key)?;
                Ok(None)
            }
            (
                Evidence::WebAuthn {
                    claimed_algorithm,
                    answer,
                },
                ExpectedCredential::WebAuthn {
                    credential_id,
                    rp_id,
                },
            ) => {
                // The published SDK writes ES256 whatever the authenticator chose.
                if ![Algorithm::Es256, key.algorithm()].contains(claimed_algorithm) {
                    return Err(ProofError::Algorithm);
                }
                answer
                    .verify(key, credential_id, rp_id, expected.trusted_origins)
                    .map(Some)
            }
            _ => Err(ProofError::Kind),
        }
    }
}

const REFUSED_MEMBERS: [&str; 5] = ["crit", "jku", "jwk", "x5u", "x5c"];

fn key_thumbprint(header: &Header) -> Result<String, ProofError> {
    header
        .get("kid")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or(ProofError::KeyId)
}

/// Parses a WebAuthn proof's challenge: a JSON text of exactly `header` and `claims`.
fn read_challenge(challenge: &[u8]) -> Result<(Header, Value), ProofError> {
    let malformed = ProofError::MalformedChallenge;
    let mut members = json::parse_object(challenge).map_err(|_| malformed)?;
    let header = members.remove("header");
    let claims = members.remove("claims");
    match (header, claims, members.is_empty()) {
        (Some(Value::Object(header)), Some(claims), true) => Ok((header, claims)),
        _ => Err(malformed),
    }
}

/// A verified proof at sign-in: this key signed these claims, now, for this subject and audience.
#[derive(Clone, Debug)]
pub struct VerifiedAssertion {
    claims: ProofClaims,
    webauthn: Option<WebAuthnFacts>,
}

/// The facts that a verified WebAuthn assertion adds to its claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAuthnFacts {
    sign_count: u32,
    backup_eligible: bool,
    backup_state: bool,
    origin: String,
}

impl WebAuthnFacts {
    /// Returns the signature counter, or 0 if the authenticator has none.
    #[must_use]
    pub fn sign_count(&self) -> u32 {
        self.sign_count
    }

    /// Returns flag BE, which Level 3 section 7.2 expects to be unchanged since registration.
    #[must_use]
    pub fn backup_eligible(&self) -> bool {
        self.backup_eligible
    }

    /// Returns flag BS: whether the key is backed up now.
    #[must_use]
    pub fn backup_state(&self) -> bool {
        self.backup_state
    }

    /// Returns the page's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl VerifiedAssertion {
    /// Returns the verified claims.
    #[must_use]
    pub fn claims(&self) -> &ProofClaims {
        &self.claims
    }

    /// Returns the transaction that the proof answers (`bi_tid`).
    #[must_use]
    pub fn transaction_id(&self) -> &str {
        &self.claims.bi_tid
    }

    /// Returns the transaction's nonce (`bi_non`).
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.claims.bi_non
    }

    /// Returns the kind of the proof.
    #[must_use]
    pub fn kind(&self) -> ProofKind {
        match self.webauthn {
            None => ProofKind::Jwt,
            Some(_) => ProofKind::Webauthn,
        }
    }

    /// Returns whether the authenticator verified the user. Always true for WebAuthn, which rejects
    /// anything less. Always false for a software key, which cannot verify a user.
    #[must_use]
    pub fn user_verified(&self) -> bool {
        self.webauthn.is_some()
    }

    /// Returns the WebAuthn facts, or `None` for a software key.
    #[must_use]
    pub fn webauthn(&self) -> Option<&WebAuthnFacts> {
        self.webauthn.as_ref()
    }
}
