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
    let signed = match format {
        "none" => return assert!(entries.is_empty() && !verified.attestation_signature_verified()),
        "packed" => signed(),
        "fido-u2f" => signed_by_u2f(),
        _ => return,
    };
    if verified.attestation_signature_verified() {
        assert_signed(entries, &signed);
    }
}

fn verify(format: &str, statement: &[u8]) -> Result<VerifiedRegistration, RegistrationError> {
    cbor::verify(&object(format, Item::Raw(statement.to_vec())))
}

/// What "verified" says, by other means: the signature is by the key that the certificate holds,
/// or by the credential's own. Other algorithms than ES256 have no second reading here.
fn assert_signed(entries: Vec<(Item, Item)>, signed: &[u8]) {
    assert!(independent::has_unique_keys(&entries));
    let statement = Item::Map(entries);
    if !matches!(statement.get("alg"), None | Some(Item::Negative(6))) {
        return;
    }
    let Some(Item::Bytes(signature)) = statement.get("sig") else {
        panic!("verified without a signature");
    };
    let point = match statement.get("x5c") {
        None => AUTHENTICATOR.key().point().to_vec(),
        Some(Item::Array(chain)) => match chain.first() {
            Some(Item::Bytes(leaf)) => independent::p256_point_in(leaf)
                .expect("an ES256 certificate names its curve")
                .to_vec(),
            _ => panic!("verified without a certificate"),
        },
        Some(_) => panic!("verified with a malformed chain"),
    };
    assert!(independent::verifies_der(&point, signed, signature));
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
    let with_aaguid = AttestationCertificate {
        aaguid: Some(AUTHENTICATOR.aaguid()),
        ..AttestationCertificate::default()
    };
    let tpm = TpmStatement::new(Authority::default(), CredentialKey::es256(2));
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
        ("tpm", Attestation::by(tpm)),
    ]
    .into_iter()
    .map(|(format, attestation)| {
        let statement = statement(attestation).encode();
        [format.as_bytes(), b";", &statement].concat()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_accepted_and_verified_where_something_is_signed() {
        for seed in seeds() {
            let (format, statement) = split(&seed).expect("a seed has a format");
            let verified = verify(format, statement).expect("a sound statement");
            // Of format `apple` only the certificate is signed.
            let is_signed = !["none", "apple"].contains(&format);
            assert_eq!(verified.attestation_signature_verified(), is_signed);
        }
    }
}
