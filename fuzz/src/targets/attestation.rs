//! Attestation statements. The input is a format's name, a semicolon, and the statement.

use keymoor_testkit::cbor::Item;
use keymoor_testkit::{
    AndroidKeyStatement, AppleStatement, Attestation, AttestationCertificate, Authority,
    CredentialKey, FidoU2fStatement, TpmStatement,
};
use keymoor_webauthn::AttestationLevel;
use keymoor_webauthn::registration::{RegistrationError, VerifiedRegistration};
use sha2::{Digest as _, Sha256};

use super::cbor;
use crate::independent;
use crate::scene::AUTHENTICATOR;
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "attestation",
    run,
    seeds,
};

fn run(data: &[u8]) {
    let Some((format, statement)) = split(data) else {
        return;
    };
    let Ok(verified) = verify(format, statement) else {
        return;
    };
    assert_eq!(verified.attestation_format(), format);
    assert_ne!(
        verified.attestation_level(),
        AttestationLevel::Attested,
        "there are no roots"
    );
    let entries = independent::map(statement).expect("accepted statements are maps");
    let is_verified = verified.attestation_signature_verified();
    if is_verified {
        assert!(independent::has_unique_keys(&entries));
    }
    let statement = Item::Map(entries);
    match format {
        "none" => assert!(statement == Item::Map(Vec::new()) && !is_verified),
        "apple" => assert!(has_nonce(&statement) && !is_verified),
        "packed" if is_verified => assert_signed(&statement, &signed()),
        "fido-u2f" if is_verified => assert_signed(&statement, &signed_by_u2f()),
        "android-key" if is_verified => {
            assert_signed(&statement, &signed());
            assert!(leaf_holds(&statement, AUTHENTICATOR.key().point()));
            assert!(leaf_holds(&statement, &client_data_hash()));
        }
        "tpm" if is_verified => assert_certified(&statement),
        _ => assert!(!is_verified, "nothing in it can be verified"),
    }
}

fn verify(format: &str, statement: &[u8]) -> Result<VerifiedRegistration, RegistrationError> {
    cbor::verify(&object(format, Item::Raw(statement.to_vec())))
}

/// What "verified" says, by other means: the signature is by the key that the certificate holds,
/// or by the credential's own. Other algorithms than ES256 have no second reading here.
fn assert_signed(statement: &Item, signed: &[u8]) {
    if !is_es256(statement) {
        return;
    }
    let Some(Item::Bytes(signature)) = statement.get("sig") else {
        panic!("verified without a signature");
    };
    let point = match statement.get("x5c") {
        None => AUTHENTICATOR.key().point(),
        Some(_) => independent::p256_point_in(leaf(statement))
            .expect("an ES256 certificate names its curve"),
    };
    assert!(independent::verifies_der(point, signed, signature));
}

/// Section 8.3: what is signed is `certInfo`, which tells the hash of what the other formats sign
/// and the name of `pubArea`, which tells the credential's key.
fn assert_certified(statement: &Item) {
    let (Some(Item::Bytes(cert_info)), Some(Item::Bytes(public_area))) =
        (statement.get("certInfo"), statement.get("pubArea"))
    else {
        panic!("verified without a structure of the TPM");
    };
    let key = AUTHENTICATOR.key();
    assert!(independent::position(public_area, key.x()).is_some());
    assert!(independent::position(public_area, key.y()).is_some());
    // Other hashes have no second reading here, in names or by other algorithms.
    if public_area[2..4] == [0x00, 0x0b] {
        let name = Sha256::digest(public_area);
        assert!(independent::position(cert_info, &name).is_some());
    }
    if is_es256(statement) {
        let extra_data = independent::tpm_extra_data(cert_info);
        assert_eq!(extra_data, Some(&Sha256::digest(signed())[..]));
    }
    assert_signed(statement, cert_info);
}

/// Section 8.8: the certificate is of the credential's key and has, behind its type, an extension
/// with the hash of what the other formats sign.
fn has_nonce(statement: &Item) -> bool {
    const TYPE: [u8; 11] = [
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 0x08, 0x02,
    ];
    const BEFORE: [u8; 6] = [0x30, 0x24, 0xa1, 0x22, 0x04, 0x20];
    let value = [&BEFORE[..], &Sha256::digest(signed())].concat();
    let leaf = leaf(statement);
    leaf_holds(statement, AUTHENTICATOR.key().point())
        && independent::position(leaf, &TYPE)
            .is_some_and(|at| independent::position(&leaf[at..], &value).is_some())
}

/// `alg`, which format `fido-u2f` leaves out.
fn is_es256(statement: &Item) -> bool {
    matches!(statement.get("alg"), None | Some(Item::Negative(6)))
}

fn leaf_holds(statement: &Item, part: &[u8]) -> bool {
    independent::position(leaf(statement), part).is_some()
}

fn leaf(statement: &Item) -> &[u8] {
    let Some(Item::Array(chain)) = statement.get("x5c") else {
        panic!("accepted without a chain");
    };
    match chain.first() {
        Some(Item::Bytes(leaf)) => leaf,
        _ => panic!("accepted without a certificate"),
    }
}

fn signed() -> Vec<u8> {
    [&authenticator_data()[..], &client_data_hash()].concat()
}

/// Section 8.6.
fn signed_by_u2f() -> Vec<u8> {
    let rp_id_hash = &authenticator_data()[..32];
    let credential_id = AUTHENTICATOR.credential_id();
    let point = AUTHENTICATOR.key().point();
    [
        &[0][..],
        rp_id_hash,
        &client_data_hash(),
        credential_id,
        point,
    ]
    .concat()
}

fn client_data_hash() -> Vec<u8> {
    Sha256::digest(cbor::client_data()).to_vec()
}

/// An attestation object with this statement.
pub(super) fn object(format: &str, statement: Item) -> Vec<u8> {
    let text = |text: &str| Item::Text(text.to_owned());
    Item::Map(vec![
        (text("fmt"), text(format)),
        (text("attStmt"), statement),
        (text("authData"), Item::Bytes(authenticator_data())),
    ])
    .encode()
}

/// The statement that the testkit makes.
pub(super) fn statement(attestation: Attestation) -> Item {
    member(attestation, "attStmt", Item::clone)
}

fn authenticator_data() -> Vec<u8> {
    member(Attestation::None, "authData", |item| match item {
        Item::Bytes(bytes) => bytes.clone(),
        _ => panic!("the testkit writes bytes"),
    })
}

fn member<T>(attestation: Attestation, name: &str, read: fn(&Item) -> T) -> T {
    let bytes = cbor::attestation_object(&cbor::options(attestation));
    let (object, _) = Item::read(&bytes).expect("the testkit writes CBOR");
    read(object.get(name).expect("the testkit writes all members"))
}

fn split(data: &[u8]) -> Option<(&str, &[u8])> {
    let at = data.iter().position(|byte| *byte == b';')?;
    Some((str::from_utf8(&data[..at]).ok()?, &data[at + 1..]))
}

fn seeds() -> Vec<Vec<u8>> {
    [sound(), spoilt()].concat()
}

fn sound() -> Vec<Vec<u8>> {
    let with_aaguid = AttestationCertificate {
        aaguid: Some(AUTHENTICATOR.aaguid()),
        ..AttestationCertificate::default()
    };
    [
        ("none", Attestation::None),
        ("packed", Attestation::PackedSelf),
        (
            "packed",
            Attestation::PackedX5c(AttestationCertificate::default()),
        ),
        ("packed", Attestation::PackedX5c(with_aaguid)),
        ("fido-u2f", Attestation::by(FidoU2fStatement::default())),
        ("apple", Attestation::by(AppleStatement::default())),
        (
            "android-key",
            Attestation::by(AndroidKeyStatement::default()),
        ),
        ("tpm", Attestation::by(tpm())),
    ]
    .map(|(format, attestation)| seed(format, attestation))
    .to_vec()
}

/// Signed as they are, which no change of bytes comes to, and to be refused for what they say.
fn spoilt() -> Vec<Vec<u8>> {
    let other_key = Some(CredentialKey::es256(3));
    let zeros = Some(vec![0; 32]);
    let (mut nonce, mut apple_key) = (AppleStatement::default(), AppleStatement::default());
    nonce.nonce.clone_from(&zeros);
    apple_key.key.clone_from(&other_key);
    let (mut challenge, mut android_key) = (
        AndroidKeyStatement::default(),
        AndroidKeyStatement::default(),
    );
    challenge.challenge.clone_from(&zeros);
    android_key.key.clone_from(&other_key);
    android_key.signer.clone_from(&other_key);
    let (mut extra_data, mut tpm_key, mut name) = (tpm(), tpm(), tpm());
    extra_data.extra_data.clone_from(&zeros);
    tpm_key.attested_key = other_key;
    name.name = zeros;
    [
        ("apple", Attestation::by(nonce)),
        ("apple", Attestation::by(apple_key)),
        ("android-key", Attestation::by(challenge)),
        ("android-key", Attestation::by(android_key)),
        ("tpm", Attestation::by(extra_data)),
        ("tpm", Attestation::by(tpm_key)),
        ("tpm", Attestation::by(name)),
    ]
    .map(|(format, attestation)| seed(format, attestation))
    .to_vec()
}

fn tpm() -> TpmStatement {
    TpmStatement::new(Authority::default(), CredentialKey::es256(2))
}

fn seed(format: &str, attestation: Attestation) -> Vec<u8> {
    let statement = statement(attestation).encode();
    [format.as_bytes(), b";", &statement].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_seeds_are_accepted_and_verified_where_something_is_signed() {
        for seed in sound() {
            let (format, statement) = split(&seed).expect("a seed has a format");
            let verified = verify(format, statement).expect("a sound statement");
            // Of format `apple` only the certificate is signed.
            let is_signed = !["none", "apple"].contains(&format);
            assert_eq!(verified.attestation_signature_verified(), is_signed);
        }
    }

    #[test]
    fn spoilt_seeds_are_refused() {
        for seed in spoilt() {
            let (format, statement) = split(&seed).expect("a seed has a format");
            assert!(verify(format, statement).is_err());
        }
    }
}
