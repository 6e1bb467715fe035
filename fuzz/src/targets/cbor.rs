//! Attestation objects: the CBOR around everything else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::cbor::Item;
use keymoor_testkit::{Attestation, AttestationCertificate, RegistrationOptions};
use keymoor_webauthn::AttestationRoots;
use keymoor_webauthn::registration::{self, RegistrationError, VerifiedRegistration};
use serde_json::{Value, json};

use crate::independent::{self, AuthenticatorData};
use crate::scene::{AUTHENTICATOR, ORIGIN, RP_ID, SUBJECT, TOKEN, registration_expectation};
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "cbor",
    run,
    seeds,
};

fn run(data: &[u8]) {
    let verdict = verify(data);
    let Some(entries) = independent::map(data) else {
        assert!(verdict.is_err(), "accepted what is no map");
        return;
    };
    assert_eq!(
        verify(&Item::Map(entries.clone()).encode()).is_ok(),
        verdict.is_ok(),
        "the spelling of the same CBOR decides"
    );
    if let Ok(verified) = verdict {
        assert_reading(&verified, entries);
    }
}

/// What was verified is what `entries`, the members of the attestation object, say.
pub(super) fn assert_reading(verified: &VerifiedRegistration, entries: Vec<(Item, Item)>) {
    assert!(entries.len() == 3 && independent::has_unique_keys(&entries));
    let object = Item::Map(entries);
    let Some(Item::Bytes(data)) = object.get("authData") else {
        panic!("accepted without authenticator data");
    };
    let data = AuthenticatorData::read(data).expect("accepted authenticator data can be read");
    let credential = data
        .credential
        .as_ref()
        .expect("accepted with a credential");
    assert_eq!(
        object.get("fmt"),
        Some(&Item::Text(verified.attestation_format().to_owned()))
    );
    assert!(data.flags_are_acceptable());
    assert_eq!(verified.sign_count(), data.sign_count);
    assert_eq!(verified.backup_eligible(), data.flags & 0x08 != 0);
    assert_eq!(verified.backup_state(), data.flags & 0x10 != 0);
    assert_eq!(verified.credential_id(), credential.id);
    assert!((1..=1_023).contains(&credential.id.len()));
    assert_eq!(verified.aaguid(), credential.aaguid);
    let key = keymoor_webauthn::PublicKey::from_cose(&credential.key.encode());
    assert_eq!(key.as_ref(), Ok(verified.public_key()));
}

/// Verifies `attestation_object` as part of an otherwise valid registration, without roots.
pub(super) fn verify(attestation_object: &[u8]) -> Result<VerifiedRegistration, RegistrationError> {
    verify_by(&AttestationRoots::NONE, attestation_object)
}

/// The same with these roots.
pub(super) fn verify_by(
    roots: &AttestationRoots,
    attestation_object: &[u8],
) -> Result<VerifiedRegistration, RegistrationError> {
    let raw = json!({
        "client_data_json_base64": STANDARD.encode(client_data()),
        "attestation_object": STANDARD.encode(attestation_object),
    });
    registration::verify(&raw.to_string(), &registration_expectation(roots))
}

/// The client data that the testkit writes for a valid registration.
pub(super) fn client_data() -> Vec<u8> {
    member(&options(Attestation::None), "client_data_json_base64")
}

pub(super) fn options(attestation: Attestation) -> RegistrationOptions {
    let mut options = RegistrationOptions::new(ORIGIN, RP_ID, SUBJECT, TOKEN);
    options.attestation = attestation;
    options
}

/// The attestation object that the testkit makes for `options`.
pub(super) fn attestation_object(options: &RegistrationOptions) -> Vec<u8> {
    member(options, "attestation_object")
}

fn member(options: &RegistrationOptions, name: &str) -> Vec<u8> {
    let raw: Value =
        serde_json::from_str(&AUTHENTICATOR.register(options)).expect("the testkit writes JSON");
    let text = raw[name].as_str().expect("the testkit writes strings");
    STANDARD.decode(text).expect("the testkit writes base64")
}

fn seeds() -> Vec<Vec<u8>> {
    let mut with_extensions = options(Attestation::None);
    with_extensions.extensions = Some(vec![0xa1, 0x61, b'x', 0x82, 0xf5, 0x41, 0x00]);
    [
        options(Attestation::None),
        options(Attestation::PackedSelf),
        options(Attestation::PackedX5c(AttestationCertificate::default())),
        with_extensions,
    ]
    .iter()
    .map(attestation_object)
    .collect()
}
