//! Ceremonies with server-generated options and challenges (WebAuthn Level 3 sections 7.1 and 7.2).
//!
//! The steps are those of [`crate::registration`] and [`crate::assertion`]. Two things differ: only
//! the server can interpret the challenge, and the messages are WebAuthn's own JSON.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::fido2::{RegistrationResponse, SignInProof};
use subtle::ConstantTimeEq as _;

use crate::assertion::{WebAuthnEvidence, WebAuthnFacts};
use crate::client_data::ClientData;
use crate::proof::ProofError;
use crate::registration::{self, RegistrationError, VerifiedRegistration};
use crate::{Algorithm, AttestationTrust, PublicKey};

/// The server's terms for a registration challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationTerms {
    /// The RP ID of the options.
    pub rp_id: String,
    /// The algorithms of the options.
    pub algorithms: &'static [Algorithm],
}

/// The expected contents of a registration, whatever its terms.
#[derive(Clone, Copy)]
pub struct Fido2RegistrationExpectation<'a> {
    /// The origins that may run the ceremony, as browsers serialise them.
    pub trusted_origins: &'a [String],
    /// The roots and the time for checking attestations.
    pub attestation: AttestationTrust<'a>,
}

/// Verifies a registration: `raw_json` is a JSON text of [`RegistrationResponse`].
///
/// `recognise` receives the challenge and returns the terms under which the server generated it. It
/// returns `None` for a challenge that is unknown, expired, or for another ceremony.
pub fn verify_registration(
    raw_json: &str,
    expected: &Fido2RegistrationExpectation<'_>,
    recognise: impl FnOnce(&[u8]) -> Option<RegistrationTerms>,
) -> Result<VerifiedRegistration, RegistrationError> {
    let malformed = RegistrationError::Malformed;
    let raw: RegistrationResponse =
        keymoor_types::json::from_str(raw_json).map_err(|_| malformed)?;
    let credential_id = credential_id(&raw.id, &raw.raw_id).ok_or(malformed)?;
    let client_data = decode(&raw.response.client_data_json).ok_or(malformed)?;
    let attestation_object = decode(&raw.response.attestation_object).ok_or(malformed)?;

    let mut offered: &[Algorithm] = &[];
    let check_challenge = |challenge: &[u8], rp_id: &str| {
        let terms = recognise(challenge).ok_or(RegistrationError::ForeignChallenge)?;
        offered = terms.algorithms;
        if terms.rp_id == rp_id {
            Ok(())
        } else {
            Err(RegistrationError::RpId)
        }
    };
    let verified = registration::verify_response(
        &client_data,
        &attestation_object,
        expected.trusted_origins,
        expected.attestation,
        check_challenge,
    )?;
    if !offered.contains(&verified.public_key().algorithm()) {
        return Err(RegistrationError::Algorithm);
    }
    if verified.credential_id() != credential_id {
        return Err(RegistrationError::CredentialId);
    }
    Ok(verified)
}

/// A proof at sign-in, read but not trusted. [`Self::verify`] verifies its contents.
pub struct Fido2Assertion {
    transaction_id: String,
    nonce: String,
    subject: Option<String>,
    user_handle: Option<Vec<u8>>,
    evidence: WebAuthnEvidence,
}

/// The expected contents of an assertion.
#[derive(Clone, Copy)]
pub struct Fido2Expectation<'a> {
    /// The challenge that the server generated for this transaction.
    pub challenge: &'a [u8],
    /// The distinguished name of the credential's owner.
    pub subject: &'a str,
    /// The user handle with which the credential was created, or `None` if the device chose an
    /// unknown one.
    pub user_handle: Option<&'a [u8]>,
    /// The credential's id.
    pub credential_id: &'a [u8],
    /// The RP ID that the credential is scoped to.
    pub rp_id: &'a str,
    /// The origins that may run the ceremony, as browsers serialise them.
    pub trusted_origins: &'a [String],
}

impl Fido2Assertion {
    /// Parses a proof, which is a JSON text of [`SignInProof`]. It checks the form and verifies
    /// nothing.
    pub fn parse(raw: &str) -> Result<Self, ProofError> {
        let malformed = ProofError::MalformedAssertion;
        let proof: SignInProof = keymoor_types::json::from_str(raw).map_err(|_| malformed)?;
        let response = &proof.credential.response;
        let bytes = |text: &str| decode(text).ok_or(malformed);
        let id = credential_id(&proof.credential.id, &proof.credential.raw_id);
        // A user handle has 1 to 64 bytes (section 5.4.3), so an empty one names nobody. Some clients
        // write it where the specification has null.
        let user_handle = response.user_handle.as_deref().map(bytes).transpose()?;
        let user_handle = user_handle.filter(|handle| !handle.is_empty());
        Ok(Self {
            evidence: WebAuthnEvidence::new(
                id.ok_or(ProofError::CredentialId)?,
                ClientData::parse(&bytes(&response.client_data_json)?)?,
                &bytes(&response.authenticator_data)?,
                bytes(&response.signature)?,
            )?,
            user_handle,
            transaction_id: proof.transaction_id,
            nonce: proof.nonce,
            subject: proof.sub,
        })
    }

    /// Returns the transaction that the proof claims to answer.
    #[must_use]
    pub fn transaction_id(&self) -> &str {
        &self.transaction_id
    }

    /// Returns the transaction's nonce.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Returns the id of the credential that the proof claims to use.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        self.evidence.credential_id()
    }

    /// Verifies the proof with the credential's key (section 7.2). The caller checks that the
    /// transaction is open and its nonce matches.
    pub fn verify(
        &self,
        key: &PublicKey,
        expected: &Fido2Expectation<'_>,
    ) -> Result<WebAuthnFacts, ProofError> {
        if !bool::from(self.evidence.challenge().ct_eq(expected.challenge)) {
            return Err(ProofError::ForeignChallenge);
        }
        self.check_user(expected)?;
        self.evidence.verify(
            key,
            expected.credential_id,
            expected.rp_id,
            expected.trusted_origins,
        )
    }

    /// Performs "Identify the user and verify that this user is the owner of the public key
    /// credential source". The requested user and the user that the authenticator names must both
    /// be the owner. An authenticator that chose the user must name one.
    fn check_user(&self, expected: &Fido2Expectation<'_>) -> Result<(), ProofError> {
        let asked_for = self.subject.as_deref();
        if asked_for.is_some_and(|subject| subject != expected.subject) {
            return Err(ProofError::Subject);
        }
        match (&self.user_handle, expected.user_handle) {
            (None, _) if asked_for.is_none() => Err(ProofError::UserHandle),
            (Some(named), Some(owner)) if named != owner => Err(ProofError::UserHandle),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Fido2Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fido2Assertion").finish_non_exhaustive()
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes the credential id, which appears twice. If the two could differ, one could be looked up
/// and the other verified.
fn credential_id(id: &str, raw_id: &str) -> Option<Vec<u8>> {
    (id == raw_id).then(|| decode(raw_id)).flatten()
}
