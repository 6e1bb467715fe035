//! How certificates are encoded: as DER and the RFC of their key's algorithm have it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::{
    AppleStatement, Attestation, Authenticator, Authority, CredentialKey, PackedStatement,
};
use keymoor_webauthn::AttestationError::{self, Certificate, Signature};
use keymoor_webauthn::registration::RegistrationError;
use serde_json::Value;

use crate::attestation::with_object;
use crate::attestation_formats::outcome;
use crate::registration::{valid, verify};

#[test]
fn a_curve_that_is_no_object_identifier_names_no_key() {
    // The named curve P-256 (RFC 5480 section 2.1.1.1), as a NULL with the same contents, as
    // a context-specific element, and as one that is made of others (X.690 section 8.19.1).
    const P256: [u8; 5] = [0x06, 0x08, 0x2a, 0x86, 0x48];
    for tag in [0x05, 0x86, 0x26] {
        let mut statement = PackedStatement::new(Authority::default(), CredentialKey::es256(2));
        let key = &mut statement.certificate.public_key;
        let curve = key.windows(P256.len()).position(|part| part == P256);
        key[curve.expect("an EC key names its curve")] = tag;
        assert_eq!(outcome(statement), Err(Signature), "{tag:#x}");
    }
}

/// RFC 3279 section 2.3.1: NULL. RFC 8410 section 3: none.
#[test]
fn keys_with_other_parameters_than_their_algorithm_has_are_refused() {
    const RSA: [u8; 13] = [
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let replaced = |key: CredentialKey, from: &[u8], to: &[u8]| {
        let mut statement = PackedStatement::new(Authority::default(), key);
        let spki = &mut statement.certificate.public_key;
        let at = spki.windows(from.len()).position(|part| part == from);
        let at = at.expect("a key names its algorithm");
        spki.splice(at..at + from.len(), to.iter().copied());
        outcome(statement)
    };
    let other_type = [&RSA[..11], &[0x06, 0x00]].concat();
    assert_eq!(
        replaced(CredentialKey::rs256(), &RSA, &other_type),
        Err(Signature)
    );
    let ed25519 = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
    let with_null = [
        0x30, 0x2c, 0x30, 0x07, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x05, 0x00,
    ];
    assert_eq!(
        replaced(CredentialKey::ed25519(2), &ed25519, &with_null),
        Err(Signature)
    );
}

/// RFC 5480 section 2.2 knows uncompressed points and leaves compressed ones to the reader's
/// choice; what else X9.62 has, the hybrid forms 0x06 and 0x07, must be refused.
#[test]
fn a_certificates_point_is_uncompressed() {
    let key = CredentialKey::es256(2);
    let point = key.public_bytes().to_vec();
    let is_odd = point[64] & 1;
    for first in [0x06 | is_odd, 0x02 | is_odd, 0x00] {
        let mut statement = PackedStatement::new(Authority::default(), key.clone());
        let spki = &mut statement.certificate.public_key;
        let at = spki.len() - point.len();
        assert_eq!(spki[at..], point);
        spki[at] = first;
        assert_eq!(outcome(statement), Err(Signature), "{first:#x}");
    }
}

/// X.690 section 10.1 (the shortest length), 10.2 (one primitive string), 11.2.1 (unused bits are
/// zero; RFC 5480 section 2.2 has whole bytes).
#[test]
fn a_certificates_key_is_one_bit_string_of_whole_bytes() {
    const BITS: [u8; 3] = [0x03, 0x42, 0x00];
    let with = |bits: &[u8]| {
        let mut statement = PackedStatement::new(Authority::default(), CredentialKey::es256(2));
        let spki = &mut statement.certificate.public_key;
        let at = spki.windows(BITS.len()).position(|part| part == BITS);
        let at = at.expect("a P-256 key has 66 bytes with its count of unused bits");
        spki.splice(at..at + BITS.len(), bits.iter().copied());
        spki[1] += u8::try_from(bits.len() - BITS.len()).unwrap();
        outcome(statement)
    };
    assert_eq!(with(&BITS), Ok(true));
    for (name, bits, expected) in [
        ("context-specific", &[0x83, 0x42, 0x00][..], Signature),
        ("an OCTET STRING", &[0x04, 0x42, 0x00], Certificate),
        ("made of others", &[0x23, 0x42, 0x00], Certificate),
        ("an unused bit", &[0x03, 0x42, 0x01], Certificate),
        ("a longer length", &[0x03, 0x81, 0x42, 0x00], Signature),
    ] {
        assert_eq!(with(bits), Err(expected), "{name}");
    }
}

/// What comes of an `apple` attestation in which `from`, which is there once, was replaced.
fn apple_with(from: &[u8], to: &[u8]) -> Result<(), AttestationError> {
    let mut options = valid();
    options.attestation = Attestation::by(AppleStatement::default());
    let raw = Authenticator::from_seed(1).register(&options);
    let json: Value = serde_json::from_str(&raw).expect("the testkit writes JSON");
    let mut object = json["attestation_object"]
        .as_str()
        .and_then(|text| STANDARD.decode(text).ok())
        .expect("and base64 in it");
    let at: Vec<_> = (0..object.len())
        .filter(|at| object[*at..].starts_with(from))
        .collect();
    assert_eq!(at.len(), 1, "{from:x?}");
    object[at[0]..at[0] + from.len()].copy_from_slice(to);
    match verify(&with_object(&object)) {
        Ok(_) => Ok(()),
        Err(RegistrationError::Attestation(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

/// RFC 5280 section 4.1: an object identifier, perhaps a BOOLEAN, an OCTET STRING.
#[test]
fn an_extension_has_the_types_that_it_must_have() {
    // That of the nonce: 1.2.840.113635.100.8.2.
    const NONCE: [u8; 11] = [
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 0x08, 0x02,
    ];
    assert_eq!(apple_with(&NONCE, &NONCE), Ok(()));
    for tag in [0x04, 0x26, 0x86, 0xcd] {
        let mut changed = NONCE;
        changed[0] = tag;
        assert_eq!(apple_with(&NONCE, &changed), Err(Certificate), "{tag:#x}");
    }
    // What marks the extensions among a certificate's fields, with another class.
    let marked = |tag| [tag, 0x45, 0x30, 0x43];
    assert_eq!(apple_with(&marked(0xa3), &marked(0xa3)), Ok(()));
    for tag in [0xe3, 0x63] {
        assert_eq!(
            apple_with(&marked(0xa3), &marked(tag)),
            Err(Certificate),
            "{tag:#x}"
        );
    }
    // The basic constraints are critical: TRUE, of which DER knows one (X.690 section 11.1).
    let constraints = |truth| [0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, truth];
    assert_eq!(apple_with(&constraints(0xff), &constraints(0xff)), Ok(()));
    assert_eq!(
        apple_with(&constraints(0xff), &constraints(0xfd)),
        Err(Certificate)
    );
}
