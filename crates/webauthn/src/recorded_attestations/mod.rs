//! Attestations that real authenticators and the FIDO conformance tools made, as the test suite
//! and the root certificates of py_webauthn 3.0.1 hold them (BSD-3-Clause).
//!
//! Their challenges are other servers', so they run against the steps and not against the entry
//! point.

mod data;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_types::Timestamp;

use self::data::Recording;
use crate::attestation::AttestationObject;
use crate::authenticator_data::AuthenticatorData;
use crate::{AttestationError, AttestationLevel, AttestationRoots, AttestationTrust};

fn level(
    recording: &Recording,
    root: Option<&str>,
    now: i64,
) -> Result<(bool, AttestationLevel), AttestationError> {
    let object = STANDARD
        .decode(recording.attestation_object)
        .expect("base64");
    let object = AttestationObject::parse(&object)?;
    let mut data = AuthenticatorData::parse(object.authenticator_data)
        .unwrap_or_else(|error| panic!("{error}"));
    let credential = data.credential.take().expect("a credential");
    let evidence = object.verify(&credential, &recording.client_data_hash)?;
    let roots = root.map(|root| STANDARD.decode(root).expect("base64"));
    let roots = AttestationRoots::from_der(roots.into_iter().collect()).expect("certificates");
    let trust = AttestationTrust {
        roots: &roots,
        now: Timestamp::from_seconds(now),
    };
    let level = trust.level(&evidence, data.backup_eligible());
    Ok((evidence.signature_verified, level))
}

const APPLE_TIME: i64 = 1_630_540_800;
const ANDROID_TIME: i64 = 1_736_294_400;
const ANDROID_OTHER_TIME: i64 = 1_777_161_600;

#[test]
fn statements_of_real_authenticators_verify() {
    for (name, recording, signature_verified) in [
        ("packed", &data::PACKED, true),
        ("packed, EdDSA", &data::PACKED_EDDSA, true),
        ("fido-u2f", &data::FIDO_U2F, true),
        ("fido-u2f, conformance", &data::FIDO_U2F_CONFORMANCE, true),
        ("android-key", &data::ANDROID_KEY, true),
        ("android-key, another", &data::ANDROID_KEY_OTHER, true),
        ("apple", &data::APPLE, false),
        // Signed with SHA-1, which proves nothing here.
        ("tpm, RSA", &data::TPM_RSA, false),
        ("tpm, ECC", &data::TPM_ECC, false),
    ] {
        assert_eq!(
            level(recording, None, ANDROID_TIME),
            Ok((signature_verified, AttestationLevel::Flagged)),
            "{name}"
        );
    }
}

#[test]
fn chains_of_real_authenticators_lead_to_their_makers_root_while_they_are_valid() {
    use AttestationLevel::{Attested, Flagged};
    let year = 365 * 86_400;
    for (name, recording, root, now, expected) in [
        (
            "apple",
            &data::APPLE,
            data::APPLE_ROOT,
            APPLE_TIME,
            Attested,
        ),
        (
            "apple, a year later",
            &data::APPLE,
            data::APPLE_ROOT,
            APPLE_TIME + year,
            Flagged,
        ),
        (
            "apple, another root",
            &data::APPLE,
            data::ANDROID_KEY_ROOT,
            APPLE_TIME,
            Flagged,
        ),
        (
            "android-key",
            &data::ANDROID_KEY,
            data::ANDROID_KEY_ROOT,
            ANDROID_TIME,
            Attested,
        ),
        (
            "android-key, years before",
            &data::ANDROID_KEY,
            data::ANDROID_KEY_ROOT,
            ANDROID_TIME - 10 * year,
            Flagged,
        ),
        (
            "android-key, another",
            &data::ANDROID_KEY_OTHER,
            data::ANDROID_KEY_OTHER_ROOT,
            ANDROID_OTHER_TIME,
            Attested,
        ),
        (
            "android-key, the other's root",
            &data::ANDROID_KEY,
            data::ANDROID_KEY_OTHER_ROOT,
            ANDROID_TIME,
            Flagged,
        ),
    ] {
        let found = level(recording, Some(root), now).map(|(_, level)| level);
        assert_eq!(found, Ok(expected), "{name}");
    }
}
