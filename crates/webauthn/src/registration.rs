//! WebAuthn registrations (WebAuthn Level 3 section 7.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_types::wire::WebAuthnRegistration;

use crate::attestation::AttestationObject;
use crate::authenticator_data::AuthenticatorData;
use crate::client_data::{Ceremony, ClientData};
use crate::proof::{BindingPayloadError, BindingSubject};
use crate::{
    AttestationError, AttestationLevel, AttestationTrust, AuthenticatorDataError, ClientDataError,
    PublicKey,
};

/// Why a registration is rejected. No variant repeats any part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// Not a JSON text of the members of its kind, each in its encoding.
    #[error("the registration is malformed")]
    Malformed,
    /// The client data are rejected.
    #[error(transparent)]
    ClientData(#[from] ClientDataError),
    /// The challenge is not this job's ("Verify that the value of C.challenge equals…").
    #[error(transparent)]
    Challenge(#[from] BindingPayloadError),
    /// The server did not generate the challenge, or not for this ceremony.
    #[error("the challenge is another one")]
    ForeignChallenge,
    /// The origin's host is not the RP ID for which the server generated the challenge.
    #[error("the registration was made for another relying party")]
    RpId,
    /// The server did not offer the key's algorithm ("Verify that the "alg" parameter… matches the
    /// alg attribute of one of the items in options.pubKeyCredParams").
    #[error("the key's algorithm was not offered")]
    Algorithm,
    /// The id beside the response is not that of the attested credential.
    #[error("the registration names another credential")]
    CredentialId,
    /// The authenticator data are rejected.
    #[error(transparent)]
    AuthenticatorData(#[from] AuthenticatorDataError),
    /// The attestation is rejected.
    #[error(transparent)]
    Attestation(#[from] AttestationError),
}

/// The expected contents of a registration.
#[derive(Clone, Copy)]
pub struct RegistrationExpectation<'a> {
    /// The identity's distinguished name, built by the server and never parsed.
    pub subject: &'a str,
    /// The link's token. Compared in constant time.
    pub token: &'a str,
    /// The origins that may run the ceremony, as browsers serialise them.
    pub trusted_origins: &'a [String],
    /// The roots and the time for checking attestations.
    pub attestation: AttestationTrust<'a>,
}

/// A WebAuthn credential whose authenticator has proved at binding that it holds the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedRegistration {
    public_key: PublicKey,
    credential_id: Vec<u8>,
    aaguid: [u8; 16],
    sign_count: u32,
    backup_eligible: bool,
    backup_state: bool,
    attestation_format: String,
    attestation_signature_verified: bool,
    attestation_level: AttestationLevel,
    origin: String,
    rp_id: String,
}

impl VerifiedRegistration {
    /// Returns the new passkey's public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns the credential id: 1 to 1,023 bytes, chosen by the authenticator.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// Returns the authenticator's model, all zeros if withheld. A claim unless attested, and with
    /// formats `fido-u2f`, `android-key` and `tpm` even then.
    #[must_use]
    pub fn aaguid(&self) -> [u8; 16] {
        self.aaguid
    }

    /// Returns the signature counter, or 0 if the authenticator has none.
    #[must_use]
    pub fn sign_count(&self) -> u32 {
        self.sign_count
    }

    /// Returns flag BE: whether the key may leave the device. A claim unless attested, and with
    /// formats `fido-u2f`, `android-key` and `tpm` even then.
    #[must_use]
    pub fn backup_eligible(&self) -> bool {
        self.backup_eligible
    }

    /// Returns flag BS: whether the key is backed up now. Never true without
    /// [`Self::backup_eligible`].
    #[must_use]
    pub fn backup_state(&self) -> bool {
        self.backup_state
    }

    /// Returns the attestation statement format: 1 to 32 printable ASCII characters, known or not.
    #[must_use]
    pub fn attestation_format(&self) -> &str {
        &self.attestation_format
    }

    /// Returns whether the attestation statement had a signature and it verified. Only
    /// [`Self::attestation_level`] states whether the signer is trusted. A statement of format
    /// `apple` has no signature: it is a certificate.
    #[must_use]
    pub fn attestation_signature_verified(&self) -> bool {
        self.attestation_signature_verified
    }

    /// Returns what the attestation has proved about the authenticator.
    #[must_use]
    pub fn attestation_level(&self) -> AttestationLevel {
        self.attestation_level
    }

    /// Returns the page's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the RP ID that the credential is scoped to: the origin's host.
    #[must_use]
    pub fn rp_id(&self) -> &str {
        &self.rp_id
    }
}

/// Verifies a registration: `raw_json` is a JSON text of
/// [`WebAuthnRegistration`], its challenge the JSON text of exactly the job's `sub` and `token`.
///
/// Attestation of the formats `none`, `packed`, `tpm`, `android-key`, `apple` and `fido-u2f` is
/// verified. Other formats are recorded. A chain that leads to no root is not rejected.
pub fn verify(
    raw_json: &str,
    expected: &RegistrationExpectation<'_>,
) -> Result<VerifiedRegistration, RegistrationError> {
    let (client_data, attestation_object) = decode(raw_json)?;
    let subject = BindingSubject {
        subject: expected.subject,
        token: expected.token,
    };
    verify_response(
        &client_data,
        &attestation_object,
        expected.trusted_origins,
        expected.attestation,
        |challenge, _| Ok(subject.check(challenge)?),
    )
}

/// Runs the steps that do not depend on the challenge's source. `check_challenge` checks the
/// challenge together with the RP ID.
pub(crate) fn verify_response(
    client_data: &[u8],
    attestation_object: &[u8],
    trusted_origins: &[String],
    attestation: AttestationTrust<'_>,
    check_challenge: impl FnOnce(&[u8], &str) -> Result<(), RegistrationError>,
) -> Result<VerifiedRegistration, RegistrationError> {
    let client_data = ClientData::parse(client_data)?;
    let rp_id = client_data.check(Ceremony::Registration, trusted_origins)?;
    check_challenge(&client_data.challenge, rp_id)?;

    let object = AttestationObject::parse(attestation_object)?;
    let mut data = AuthenticatorData::parse(object.authenticator_data)?;
    data.check(rp_id)?;
    let credential = data
        .credential
        .take()
        .ok_or(AuthenticatorDataError::NoCredential)?;
    let evidence = object.verify(&credential, &client_data.hash)?;
    let backup_eligible = data.backup_eligible();

    Ok(VerifiedRegistration {
        aaguid: credential.aaguid,
        sign_count: data.sign_count,
        backup_eligible,
        backup_state: data.backup_state(),
        attestation_format: object.format.to_owned(),
        attestation_signature_verified: evidence.signature_verified,
        attestation_level: attestation.level(&evidence, backup_eligible),
        rp_id: rp_id.to_owned(),
        origin: client_data.origin,
        public_key: credential.public_key,
        credential_id: credential.id,
    })
}

fn decode(raw_json: &str) -> Result<(Vec<u8>, Vec<u8>), RegistrationError> {
    let malformed = RegistrationError::Malformed;
    let raw: WebAuthnRegistration =
        keymoor_types::json::from_str(raw_json).map_err(|_| malformed)?;
    let bytes = |text: String| STANDARD.decode(text).map_err(|_| malformed);
    Ok((
        bytes(raw.client_data_json_base64)?,
        bytes(raw.attestation_object)?,
    ))
}
