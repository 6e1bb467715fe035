use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::{Attestation, AttestationCertificate, Authenticator, SoftwareKey};
use keymoor_webauthn::AttestationError;
use keymoor_webauthn::registration::RegistrationError;
use serde_json::Value;

use crate::registration::{forged, valid, verify};

#[test]
fn packed_attestation_is_verified_and_formats_that_are_not_known_are_recorded() {
    let other = Attestation::Other {
        format: "android-safetynet".to_owned(),
        statement: vec![0xa1, 0x61, b'a', 0x01],
    };
    let certificate = |aaguid| AttestationCertificate {
        aaguid,
        ..AttestationCertificate::default()
    };
    let aaguid = Authenticator::from_seed(1).aaguid();
    for (attestation, format, verified) in [
        (Attestation::None, "none", false),
        (Attestation::PackedSelf, "packed", true),
        (Attestation::PackedX5c(certificate(None)), "packed", true),
        (
            Attestation::PackedX5c(certificate(Some(aaguid))),
            "packed",
            true,
        ),
        (other, "android-safetynet", false),
    ] {
        let registration = forged(|o| o.attestation = attestation).unwrap();
        assert_eq!(registration.attestation_format(), format);
        assert_eq!(registration.attestation_signature_verified(), verified);
    }
    // A signature of another algorithm (-36 is ES512) proves as little as an unknown format.
    let registration = forged(|o| {
        o.attestation = Attestation::PackedX5c(certificate(None));
        o.attestation_algorithm = Some(-36);
    })
    .unwrap();
    assert!(!registration.attestation_signature_verified());
}

#[test]
fn packed_attestation_with_a_bad_signature_is_refused() {
    let elsewhere = SoftwareKey::from_seed(9).sign_der(b"something else");
    let x5c = Attestation::PackedX5c(AttestationCertificate::default());
    for attestation in [Attestation::PackedSelf, x5c] {
        for signature in [elsewhere.clone(), vec![]] {
            let result = forged(|o| {
                o.attestation = attestation.clone();
                o.attestation_signature = Some(signature);
            });
            let expected = RegistrationError::Attestation(AttestationError::Signature);
            assert_eq!(result, Err(expected));
        }
    }
    let wrong_algorithm = forged(|o| {
        o.attestation = Attestation::PackedSelf;
        o.attestation_algorithm = Some(-257);
    });
    assert_eq!(
        wrong_algorithm,
        Err(RegistrationError::Attestation(AttestationError::Algorithm))
    );
}

#[test]
fn a_packed_certificate_must_be_an_attestation_certificate_of_this_model() {
    type Forge = fn(&mut AttestationCertificate);
    use AttestationError::{Aaguid, Certificate};
    for (name, forge, expected) in [
        ("version 1", (|c| c.version = 1) as Forge, Certificate),
        ("a CA", |c| c.is_ca = true, Certificate),
        (
            "another unit",
            |c| c.organizational_unit = "Sales".to_owned(),
            Certificate,
        ),
        (
            "a country of 3 letters",
            |c| c.country = "NOR".to_owned(),
            Certificate,
        ),
        (
            "no organization",
            |c| c.organization = String::new(),
            Certificate,
        ),
        (
            "no common name",
            |c| c.common_name = String::new(),
            Certificate,
        ),
        ("another model", |c| c.aaguid = Some([7; 16]), Aaguid),
    ] {
        let mut certificate = AttestationCertificate::default();
        forge(&mut certificate);
        let result = forged(|o| o.attestation = Attestation::PackedX5c(certificate));
        assert_eq!(
            result,
            Err(RegistrationError::Attestation(expected)),
            "{name}"
        );
    }
}

#[test]
fn malformed_attestation_is_refused() {
    use AttestationError::{Format, Object, Statement};
    let other = |format: &str, statement: &[u8]| Attestation::Other {
        format: format.to_owned(),
        statement: statement.to_vec(),
    };
    let not_a_certificate = [
        &[0xa3, 0x63][..],
        b"alg",
        &[0x26, 0x63],
        b"sig",
        &[0x41, 0x00, 0x63],
        b"x5c",
        &[0x81, 0x41, 0x30],
    ]
    .concat();
    let no_certificate = [
        &[0xa3, 0x63][..],
        b"alg",
        &[0x26, 0x63],
        b"sig",
        &[0x41, 0x00, 0x63],
        b"x5c",
        &[0x80],
    ]
    .concat();
    let ecdaa = [&[0xa1, 0x6a][..], b"ecdaaKeyId", &[0x41, 0x00]].concat();
    for (name, attestation, expected) in [
        (
            "none with a statement",
            other("none", &[0xa1, 0x00, 0x00]),
            Statement,
        ),
        (
            "packed without members",
            other("packed", &[0xa0]),
            Statement,
        ),
        ("packed with ECDAA", other("packed", &ecdaa), Statement),
        (
            "packed with an empty x5c",
            other("packed", &no_certificate),
            Statement,
        ),
        (
            "packed with a certificate that is none",
            other("packed", &not_a_certificate),
            AttestationError::Certificate,
        ),
        (
            "a statement that is no map",
            other("fido-u2f", &[0x80]),
            Object,
        ),
        ("a format without a name", other("", &[0xa0]), Format),
        (
            "a format of 33 characters",
            other(&"f".repeat(33), &[0xa0]),
            Format,
        ),
        (
            "a format with a control character",
            other("a\nb", &[0xa0]),
            Format,
        ),
    ] {
        let result = forged(|o| o.attestation = attestation);
        assert_eq!(
            result,
            Err(RegistrationError::Attestation(expected)),
            "{name}"
        );
    }
    assert_eq!(
        forged(|o| o.after_attestation_object = vec![0]),
        Err(RegistrationError::Attestation(Object))
    );
}

#[test]
fn an_attestation_object_has_exactly_its_three_members() {
    let whole = attestation_object("none", &[0xa0], &[0; 37]);
    let again = [&[0xa4][..], &whole[1..], &[0x63], b"fmt", &[0x60]].concat();
    let more = [&[0xa4][..], &whole[1..], &[0x61, b'x', 0x00]].concat();
    let less = [&[0xa1, 0x63][..], b"fmt", &[0x64], b"none"].concat();
    for object in [&again, &more, &less, &vec![], &vec![0x80]] {
        assert_eq!(
            verify(&with_object(object)),
            Err(RegistrationError::Attestation(AttestationError::Object))
        );
    }
}

pub(crate) fn with_object(object: &[u8]) -> String {
    let raw = Authenticator::from_seed(1).register(&valid());
    let mut json: Value = serde_json::from_str(&raw).expect("the testkit writes JSON");
    json["attestation_object"] = STANDARD.encode(object).into();
    json.to_string()
}

pub(crate) fn attestation_object(
    format: &str,
    statement: &[u8],
    authenticator_data: &[u8],
) -> Vec<u8> {
    let length = |bytes: usize| u8::try_from(bytes).expect("short");
    [
        &[0xa3, 0x63][..],
        b"fmt",
        &[0x60 + length(format.len())],
        format.as_bytes(),
        &[0x67],
        b"attStmt",
        statement,
        &[0x68],
        b"authData",
        &[0x58, length(authenticator_data.len())],
        authenticator_data,
    ]
    .concat()
}
