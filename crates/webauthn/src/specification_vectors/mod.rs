//! The test vectors of WebAuthn Level 3 section 16, named as the specification's `info` strings
//! name them.
//!
//! Their challenges are random bytes, where ours are JSON, so they run against the steps and
//! not against the two entry points.

use std::fmt::Write as _;

use keymoor_types::Timestamp;

use self::data::Vector;
use crate::attestation::AttestationObject;
use crate::authenticator_data::{AttestedCredential, AuthenticatorData, AuthenticatorDataError};
use crate::client_data::{Ceremony, ClientData, ClientDataError};
use crate::{AttestationError, AttestationLevel, AttestationRoots, AttestationTrust, KeyError};

mod data;

const RP_ID: &str = "example.org";

fn unhex(hex: &str) -> Vec<u8> {
    assert_eq!(hex.len() % 2, 0, "whole bytes");
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

fn trusted() -> Vec<String> {
    vec![format!("https://{RP_ID}")]
}

fn trust(roots: &AttestationRoots) -> AttestationTrust<'_> {
    AttestationTrust {
        roots,
        now: Timestamp::from_seconds(1_800_000_000),
    }
}

struct Registered {
    data: AuthenticatorData,
    credential: AttestedCredential,
    signature_verified: bool,
    level: AttestationLevel,
    level_without_roots: AttestationLevel,
}

fn register(vector: &Vector) -> Registered {
    let client_data = ClientData::parse(&unhex(vector.client_data)).expect("client data");
    assert_eq!(
        client_data.check(Ceremony::Registration, &trusted()),
        Ok(RP_ID)
    );
    assert_eq!(hex(&client_data.challenge), vector.challenge);
    let object = unhex(vector.attestation_object);
    let object = AttestationObject::parse(&object).unwrap_or_else(|error| panic!("{error}"));
    let mut data = AuthenticatorData::parse(object.authenticator_data)
        .unwrap_or_else(|error| panic!("{error}"));
    let credential = data.credential.take().expect("a credential");
    let evidence = object
        .verify(&credential, &client_data.hash)
        .unwrap_or_else(|error| panic!("{}: {error}", vector.name));
    let roots = AttestationRoots::from_der(vec![unhex(data::ROOT)]).expect("a certificate");
    let level = |roots| trust(roots).level(&evidence, data.backup_eligible());
    Registered {
        signature_verified: evidence.signature_verified,
        level: level(&roots),
        level_without_roots: level(&AttestationRoots::NONE),
        data,
        credential,
    }
}

fn assertion_verifies(vector: &Vector, credential: &AttestedCredential) -> AuthenticatorData {
    let client_data = ClientData::parse(&unhex(vector.assertion_client_data)).expect("client data");
    assert_eq!(
        client_data.check(Ceremony::Assertion, &trusted()),
        Ok(RP_ID)
    );
    assert_eq!(hex(&client_data.challenge), vector.assertion_challenge);
    let data = unhex(vector.assertion_authenticator_data);
    let signed = [&data[..], &client_data.hash].concat();
    let signature = unhex(vector.assertion_signature);
    assert_eq!(
        credential.public_key.verify_webauthn(&signed, &signature),
        Ok(()),
        "{}",
        vector.name
    );
    AuthenticatorData::parse(&data).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn registrations_and_assertions_verify_as_the_specification_says() {
    use AttestationLevel::{Attested, Flagged, Unproven};
    // Whether the authenticator's own signature verified, the level with the specification's
    // root, and whether each ceremony verified the user.
    for (vector, signed, level, registered_uv, asserted_uv) in [
        (&data::NONE, false, Unproven, false, false),
        (&data::PACKED_SELF, true, Unproven, true, false),
        (&data::LONG_CREDENTIAL_ID, false, Unproven, false, true),
        (&data::PACKED, true, Attested, true, true),
        (&data::PACKED_ES384, true, Attested, false, true),
        (&data::PACKED_RS256, true, Attested, true, false),
        (&data::PACKED_EDDSA, true, Attested, false, false),
        // Its key has no attribute but `sign` (0x00040000): it may be imported, and leave its TPM.
        (&data::TPM, true, Unproven, true, true),
        (&data::APPLE, false, Attested, false, false),
        (&data::FIDO_U2F, true, Attested, false, false),
    ] {
        let registered = register(vector);
        let name = vector.name;
        assert_eq!(registered.signature_verified, signed, "{name}");
        assert_eq!(
            hex(&registered.credential.id),
            vector.credential_id,
            "{name}"
        );
        assert_eq!(registered.level, level, "{name}");
        let untraced = if registered.data.backup_eligible() {
            Unproven
        } else {
            Flagged
        };
        assert_eq!(registered.level_without_roots, untraced, "{name}");
        assert_eq!(registered.data.sign_count, 0, "{name}");
        let user = |data: &AuthenticatorData| match data.check(RP_ID) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error, AuthenticatorDataError::UserNotVerified, "{name}");
                false
            }
        };
        assert_eq!(user(&registered.data), registered_uv, "{name}");
        assert_eq!(
            user(&assertion_verifies(vector, &registered.credential)),
            asserted_uv,
            "{name}"
        );
    }
}

/// The vector's key description lists neither origin nor purpose, which the specification's own
/// procedure (section 8.4) compares. Everything before that step verifies.
#[test]
fn the_android_key_vector_lacks_what_its_procedure_compares() {
    let vector = &data::ANDROID_KEY;
    let object = unhex(vector.attestation_object);
    let object = AttestationObject::parse(&object).unwrap_or_else(|error| panic!("{error}"));
    let mut data = AuthenticatorData::parse(object.authenticator_data)
        .unwrap_or_else(|error| panic!("{error}"));
    let credential = data.credential.take().expect("a credential");
    let hash = ClientData::parse(&unhex(vector.client_data)).unwrap().hash;
    let result = object.verify(&credential, &hash).map(|_| ());
    assert_eq!(result, Err(AttestationError::Origin));
    assertion_verifies(vector, &credential);
}

#[test]
fn a_credential_of_an_algorithm_that_is_not_asked_for_is_refused() {
    let object = unhex(data::PACKED_ES512.attestation_object);
    let object = AttestationObject::parse(&object).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        AuthenticatorData::parse(object.authenticator_data).map(|_| ()),
        Err(AuthenticatorDataError::Key(KeyError::Unsupported))
    );
}

#[test]
fn ceremonies_of_embedded_pages_are_refused() {
    let check = |text| {
        let client_data = ClientData::parse(&unhex(text)).unwrap();
        client_data
            .check(Ceremony::Registration, &trusted())
            .map(str::to_owned)
    };
    assert_eq!(
        check(data::CROSS_ORIGIN_CLIENT_DATA),
        Err(ClientDataError::CrossOrigin)
    );
    assert_eq!(
        check(data::TOP_ORIGIN_CLIENT_DATA),
        Err(ClientDataError::CrossOrigin)
    );
    let same_origin = hex(br#""crossOrigin":true"#);
    let relaxed =
        data::TOP_ORIGIN_CLIENT_DATA.replace(&same_origin, &hex(br#""crossOrigin":false"#));
    assert_eq!(check(&relaxed), Err(ClientDataError::TopOrigin));
}

#[test]
fn a_changed_byte_of_a_packed_vector_never_verifies_as_attested() {
    for vector in [&data::PACKED_SELF, &data::PACKED] {
        let original = unhex(vector.attestation_object);
        let client_data_hash = ClientData::parse(&unhex(vector.client_data)).unwrap().hash;
        let attested = |bytes: &[u8]| -> Option<bool> {
            let object = AttestationObject::parse(bytes).ok()?;
            let mut data = AuthenticatorData::parse(object.authenticator_data).ok()?;
            object
                .verify(&data.credential.take()?, &client_data_hash)
                .map(|evidence| evidence.signature_verified)
                .ok()
        };
        assert_eq!(attested(&original), Some(true));
        let signed_part = original.len() - 164;
        for at in signed_part..original.len() {
            let mut changed = original.clone();
            changed[at] ^= 0x01;
            assert_eq!(attested(&changed), None, "byte {at}");
        }
    }
}
