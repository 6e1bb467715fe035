//! Each format of attestation statement, and a refusal for each rule of its verification.

use keymoor_testkit::{
    AndroidKeyStatement, AppleStatement, Attestation, AttestationCertificate, Authenticator,
    Authority, Authorizations, CredentialKey, Extension, FidoU2fStatement, PackedStatement,
    Statement, TpmStatement, tpm_name,
};
use keymoor_webauthn::AttestationError::{
    self, AllApplications, AttestationChallenge, KeyDescription, Origin, PublicKey, Purpose,
    Signature, TpmCertInfo, TpmExtraData, TpmMagic, TpmName, TpmPublicArea, TpmType, TpmVersion,
};
use keymoor_webauthn::registration::{RegistrationError, VerifiedRegistration};

use crate::registration::{valid, verify};

fn attested_by(
    key: &CredentialKey,
    statement: impl Statement + 'static,
) -> Result<VerifiedRegistration, RegistrationError> {
    let mut options = valid();
    options.attestation = Attestation::by(statement);
    verify(&Authenticator::with_key(key.clone()).register(&options))
}

/// The outcome of registering an ES256 key.
pub(crate) fn outcome(statement: impl Statement + 'static) -> Result<bool, AttestationError> {
    match attested_by(&CredentialKey::es256(1), statement) {
        Ok(registration) => Ok(registration.attestation_signature_verified()),
        Err(RegistrationError::Attestation(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_format_attests_every_key_that_it_can() {
    let [es256, ed25519, rs256, es384] = CredentialKey::one_of_each();
    let signers = || [es256.clone(), ed25519.clone(), rs256.clone(), es384.clone()];
    for key in signers() {
        for signer in signers() {
            let statement = PackedStatement::new(Authority::default(), signer.clone());
            assert!(attested_by(&key, statement).is_ok_and(|r| r.attestation_signature_verified()));
        }
        let android = attested_by(&key, AndroidKeyStatement::default()).unwrap();
        assert_eq!(android.attestation_format(), "android-key");
        assert!(android.attestation_signature_verified());
        let apple = attested_by(&key, AppleStatement::default()).unwrap();
        assert_eq!(apple.attestation_format(), "apple");
        assert!(!apple.attestation_signature_verified());
    }
    for key in [&es256, &rs256, &es384] {
        for signer in [&es256, &rs256, &es384] {
            let statement = TpmStatement::new(Authority::default(), signer.clone());
            let tpm = attested_by(key, statement).unwrap();
            assert_eq!(tpm.attestation_format(), "tpm");
            assert!(tpm.attestation_signature_verified());
        }
    }
    let u2f = attested_by(&es256, FidoU2fStatement::default()).unwrap();
    assert_eq!(u2f.attestation_format(), "fido-u2f");
    assert!(u2f.attestation_signature_verified());
}

#[test]
fn packed_signatures_are_of_the_certificates_key_and_algorithm() {
    let forged = |forge: fn(&mut PackedStatement)| {
        let mut statement = PackedStatement::new(Authority::default(), CredentialKey::es256(2));
        forge(&mut statement);
        outcome(statement)
    };
    assert_eq!(forged(|_| {}), Ok(true));
    assert_eq!(forged(|s| s.key = CredentialKey::es256(3)), Err(Signature));
    assert_eq!(forged(|s| s.algorithm = Some(-257)), Err(Signature));
    assert_eq!(
        forged(|s| s.key = CredentialKey::ed25519(2)),
        Err(Signature)
    );
    // ES512 and RS1 are not supported and prove nothing.
    assert_eq!(forged(|s| s.algorithm = Some(-36)), Ok(false));
    assert_eq!(forged(|s| s.algorithm = Some(-65_535)), Ok(false));
    assert_eq!(
        forged(|s| s.intermediates = vec![vec![]; 8]),
        Err(AttestationError::Statement)
    );
}

#[test]
fn an_aaguid_extension_is_not_critical_and_says_16_bytes_once() {
    let forged = |extensions: Vec<Extension>| {
        let mut statement = PackedStatement::new(Authority::default(), CredentialKey::es256(2));
        statement.certificate.extensions.extend(extensions);
        outcome(statement)
    };
    let aaguid = Extension::aaguid(Authenticator::from_seed(1).aaguid());
    assert_eq!(forged(vec![aaguid.clone()]), Ok(true));
    let critical = Extension {
        critical: true,
        ..aaguid.clone()
    };
    let bare = Extension {
        value: aaguid.value[2..].to_vec(),
        ..aaguid.clone()
    };
    for wrong in [vec![critical], vec![bare], vec![aaguid.clone(), aaguid]] {
        assert_eq!(forged(wrong), Err(AttestationError::Certificate));
    }
    assert_eq!(
        forged(vec![Extension::aaguid([7; 16])]),
        Err(AttestationError::Aaguid)
    );
}

#[test]
fn fido_u2f_refuses_what_section_8_6_refuses() {
    let forged = |forge: fn(&mut FidoU2fStatement)| {
        let mut statement = FidoU2fStatement::default();
        forge(&mut statement);
        outcome(statement)
    };
    assert_eq!(forged(|_| {}), Ok(true));
    for (name, result, expected) in [
        (
            "two certificates",
            forged(|s| s.certificates = 2),
            AttestationError::Statement,
        ),
        (
            "no certificate",
            forged(|s| s.certificates = 0),
            AttestationError::Statement,
        ),
        (
            "a certificate for a P-384 key",
            forged(|s| s.key = CredentialKey::es384()),
            AttestationError::Certificate,
        ),
        (
            "a certificate for an RSA key",
            forged(|s| s.key = CredentialKey::rs256()),
            AttestationError::Certificate,
        ),
        (
            "a signature over another key",
            forged(|s| s.signed_key = Some(vec![4; 65])),
            Signature,
        ),
    ] {
        assert_eq!(result, Err(expected), "{name}");
    }
    let of_ed25519 = attested_by(&CredentialKey::ed25519(1), FidoU2fStatement::default());
    assert_eq!(
        of_ed25519,
        Err(RegistrationError::Attestation(AttestationError::Algorithm))
    );
}

#[test]
fn apple_refuses_what_section_8_8_refuses() {
    let nonce = |nonce: Vec<u8>| {
        outcome(AppleStatement {
            nonce: Some(nonce),
            ..AppleStatement::default()
        })
    };
    assert_eq!(nonce(vec![7; 32]), Err(AttestationError::Nonce));
    assert_eq!(nonce(vec![7; 31]), Err(AttestationError::Nonce));
    assert_eq!(nonce(vec![]), Err(AttestationError::Nonce));
    for key in [CredentialKey::es256(2), CredentialKey::rs256()] {
        let other_key = outcome(AppleStatement {
            key: Some(key),
            ..AppleStatement::default()
        });
        assert_eq!(other_key, Err(PublicKey));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row per rule")]
fn android_key_refuses_what_section_8_4_refuses() {
    let forged = |forge: &dyn Fn(&mut AndroidKeyStatement)| {
        let mut statement = AndroidKeyStatement::default();
        forge(&mut statement);
        outcome(statement)
    };
    assert_eq!(forged(&|_| {}), Ok(true));
    let by_software = |s: &mut AndroidKeyStatement| {
        s.software_enforced = std::mem::take(&mut s.tee_enforced);
    };
    assert_eq!(forged(&by_software), Ok(true));
    for (name, result, expected) in [
        (
            "a certificate of another key",
            forged(&|s| s.key = Some(CredentialKey::es256(2))),
            PublicKey,
        ),
        (
            "another signer",
            forged(&|s| s.signer = Some(CredentialKey::es256(2))),
            Signature,
        ),
        (
            "another signer's algorithm",
            forged(&|s| s.signer = Some(CredentialKey::ed25519(2))),
            Signature,
        ),
        (
            "no key description",
            forged(&|s| s.description = Some(vec![])),
            KeyDescription,
        ),
        (
            "an empty key description",
            forged(&|s| s.description = Some(vec![0x30, 0x00])),
            KeyDescription,
        ),
        (
            "a key description that is none",
            forged(&|s| s.description = Some(vec![0x04, 0x00])),
            KeyDescription,
        ),
        (
            "another challenge",
            forged(&|s| s.challenge = Some(vec![7; 32])),
            AttestationChallenge,
        ),
        (
            "an empty challenge",
            forged(&|s| s.challenge = Some(vec![])),
            AttestationChallenge,
        ),
        (
            "all applications, by the environment",
            forged(&|s| s.tee_enforced.all_applications = true),
            AllApplications,
        ),
        (
            "all applications, by software",
            forged(&|s| s.software_enforced.all_applications = true),
            AllApplications,
        ),
        (
            "an imported key",
            forged(&|s| s.tee_enforced.origin = Some(2)),
            Origin,
        ),
        (
            "a key that software says is imported",
            forged(&|s| s.software_enforced.origin = Some(2)),
            Origin,
        ),
        (
            "a key of unsaid origin",
            forged(&|s| s.tee_enforced.origin = None),
            Origin,
        ),
        (
            "a key for encryption",
            forged(&|s| s.tee_enforced.purposes = vec![0]),
            Purpose,
        ),
        (
            "a key for signing and encryption",
            forged(&|s| s.tee_enforced.purposes = vec![2, 0]),
            Purpose,
        ),
        (
            "a key for encryption too, by software",
            forged(&|s| s.software_enforced.purposes = vec![0]),
            Purpose,
        ),
        (
            "a key for nothing",
            forged(&|s| s.tee_enforced.purposes = vec![]),
            Purpose,
        ),
        (
            "nothing said",
            forged(&|s| s.tee_enforced = Authorizations::default()),
            Origin,
        ),
    ] {
        assert_eq!(result, Err(expected), "{name}");
    }
}

#[test]
fn tpm_refuses_what_section_8_3_refuses() {
    let forged = |forge: &dyn Fn(&mut TpmStatement)| {
        let mut statement = TpmStatement::new(Authority::default(), CredentialKey::es256(2));
        forge(&mut statement);
        outcome(statement)
    };
    assert_eq!(forged(&|_| {}), Ok(true));
    for (name, result, expected) in [
        (
            "version 1.2",
            forged(&|s| s.version = "1.2".to_owned()),
            TpmVersion,
        ),
        (
            "another key",
            forged(&|s| s.attested_key = Some(CredentialKey::es256(3))),
            PublicKey,
        ),
        (
            "another kind of key",
            forged(&|s| s.attested_key = Some(CredentialKey::rs256())),
            PublicKey,
        ),
        (
            "a public area with more",
            forged(&|s| s.after_public_area = vec![0]),
            TpmPublicArea,
        ),
        (
            "a key that wraps others",
            forged(&|s| s.symmetric = 0x0006),
            TpmPublicArea,
        ),
        (
            "a name by SHA-1",
            forged(&|s| s.name_algorithm = 0x0004),
            TpmPublicArea,
        ),
        (
            "a name by another hash than it says",
            forged(&|s| s.name_algorithm = 0x000c),
            TpmName,
        ),
        (
            "the name of another key",
            forged(&|s| s.name = Some([&[0, 0x0b][..], &[7; 32]].concat())),
            TpmName,
        ),
        ("no name", forged(&|s| s.name = Some(vec![])), TpmName),
        (
            "what no TPM generated",
            forged(&|s| s.magic = 0xff54_4348),
            TpmMagic,
        ),
        ("a quote", forged(&|s| s.kind = 0x8018), TpmType),
        (
            "a certification with more",
            forged(&|s| s.after_cert_info = vec![0]),
            TpmCertInfo,
        ),
        (
            "another registration",
            forged(&|s| s.extra_data = Some(vec![7; 32])),
            TpmExtraData,
        ),
        (
            "no registration",
            forged(&|s| s.extra_data = Some(vec![])),
            TpmExtraData,
        ),
        (
            "another signer",
            forged(&|s| s.signer = Some(CredentialKey::es256(3))),
            Signature,
        ),
        (
            "an algorithm that is not the certificate's",
            forged(&|s| s.algorithm = Some(-257)),
            Signature,
        ),
    ] {
        assert_eq!(result, Err(expected), "{name}");
    }
    // SHA-1 and EdDSA are none of the algorithms that a TPM proves anything with here.
    assert_eq!(forged(&|s| s.algorithm = Some(-65_535)), Ok(false));
    assert_eq!(forged(&|s| s.algorithm = Some(-8)), Ok(false));
}

/// The places of a TPM certificate's extensions.
const CONSTRAINTS: usize = 0;
const NAME: usize = 1;
const PURPOSE: usize = 2;

#[test]
fn tpm_refuses_certificates_that_section_8_3_1_refuses() {
    let forged = |forge: &dyn Fn(&mut keymoor_testkit::Certificate)| {
        let mut statement = TpmStatement::new(Authority::default(), CredentialKey::es256(2));
        forge(&mut statement.certificate);
        outcome(statement)
    };
    let named = |manufacturer, model, version| {
        let name = Extension::subject_alternative_name(&tpm_name(manufacturer, model, version));
        forged(&|c| c.extensions[NAME] = name.clone())
    };
    assert_eq!(named("id:FFFFF1D0", "M", "id:1"), Ok(true));
    for (name, result) in [
        ("version 1", forged(&|c| c.version = 1)),
        (
            "a subject",
            forged(&|c| {
                c.subject = AttestationCertificate::default()
                    .certificate(&CredentialKey::es256(2), "")
                    .subject;
            }),
        ),
        ("no name", forged(&|c| drop(c.extensions.remove(NAME)))),
        ("no manufacturer", named("", "M", "id:1")),
        ("a manufacturer in words", named("Acme", "M", "id:1")),
        ("a manufacturer of 3 bytes", named("id:4B4D4F", "M", "id:1")),
        (
            "a manufacturer of no bytes",
            named("id:4B4D4F5X", "M", "id:1"),
        ),
        ("no model", named("id:4B4D4F52", "", "id:1")),
        ("no version", named("id:4B4D4F52", "M", "")),
        (
            "no purpose",
            forged(&|c| drop(c.extensions.remove(PURPOSE))),
        ),
        (
            "another purpose",
            forged(&|c| c.extensions[PURPOSE] = Extension::extended_key_usage("2.23.133.8.1")),
        ),
        (
            "a CA",
            forged(&|c| c.extensions[CONSTRAINTS] = Extension::basic_constraints(true, None)),
        ),
        (
            "no constraints",
            forged(&|c| drop(c.extensions.remove(CONSTRAINTS))),
        ),
    ] {
        assert_eq!(result, Err(AttestationError::Certificate), "{name}");
    }
    let of_another_model = forged(&|c| c.extensions.push(Extension::aaguid([7; 16])));
    assert_eq!(of_another_model, Err(AttestationError::Aaguid));
}
