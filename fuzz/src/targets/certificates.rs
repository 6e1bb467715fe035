//! Chains of attestation certificates. The input is certificates in DER, each with its length in
//! 2 bytes before it; the first one's key has signed the statement that they come with.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::cbor::Item;
use keymoor_testkit::{
    Attestation, AttestationCertificate, Authority, Certificate, CredentialKey, Extension,
    PackedStatement,
};
use keymoor_webauthn::registration::{RegistrationError, VerifiedRegistration};
use keymoor_webauthn::{AttestationLevel, AttestationRoots};

use super::{attestation, cbor};
use crate::independent;
use crate::scene::AUTHENTICATOR;
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "certificates",
    run,
    seeds,
};

/// More than a statement may have.
const MAX_CERTIFICATES: usize = 9;

/// [`crate::scene::NOW`] as certificates spell it.
const NOW: &[u8] = b"20270115080000Z";

static ROOT: LazyLock<Vec<u8>> = LazyLock::new(|| Authority::default().root());

static ROOTS: LazyLock<AttestationRoots> =
    LazyLock::new(|| AttestationRoots::from_der(vec![ROOT.clone()]).expect("a root is usable"));

static STATEMENT: LazyLock<Item> = LazyLock::new(|| {
    let statement = PackedStatement::new(Authority::default(), leaf_key());
    attestation::statement(Attestation::by(statement))
});

fn run(data: &[u8]) {
    let chain = split(data);
    for certificate in &chain {
        check_root(certificate);
    }
    let Ok(verified) = verify(&chain) else {
        return;
    };
    assert!(verified.attestation_signature_verified());
    assert!(independent::position(chain[0], leaf_key().public_bytes()).is_some());
    if verified.attestation_level() == AttestationLevel::Attested {
        assert_leads_to_root(&chain);
    }
}

fn verify(chain: &[&[u8]]) -> Result<VerifiedRegistration, RegistrationError> {
    let mut statement = STATEMENT.clone();
    let certificates = chain.iter().map(|der| Item::Bytes(der.to_vec())).collect();
    *statement.get_mut("x5c").expect("the testkit writes it") = Item::Array(certificates);
    let object = attestation::object("packed", statement);
    cbor::verify_by(&ROOTS, &object)
}

/// In PEM a root is what it is in DER.
fn check_root(der: &[u8]) {
    let text = STANDARD.encode(der);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let from_pem = AttestationRoots::from_pem(pem.as_bytes());
    assert_eq!(
        from_pem.ok(),
        AttestationRoots::from_der(vec![der.to_vec()]).ok()
    );
}

fn assert_leads_to_root(chain: &[&[u8]]) {
    assert!(chain.iter().all(|certificate| is_valid_now(certificate)));
    for pair in chain.windows(2) {
        assert!(may_issue(pair[1]));
        // Other keys have no second reading here.
        if independent::p256_point_in(pair[1]).is_some() {
            assert!(is_signed_by(pair[0], pair[1]));
        }
    }
    assert!(
        chain
            .iter()
            .any(|certificate| *certificate == *ROOT || is_signed_by(certificate, &ROOT))
    );
}

fn is_signed_by(certificate: &[u8], issuer: &[u8]) -> bool {
    let point = independent::p256_point_in(issuer);
    point
        .zip(independent::certificate_parts(certificate))
        .is_some_and(|(point, (message, signature))| {
            independent::verifies_der(point, message, signature)
        })
}

/// Whether the basic constraints say that this is a CA: their type, perhaps whether they are critical (which
/// RFC 5280 section 6.1.4 does not ask for), and an OCTET STRING with a SEQUENCE that begins with
/// TRUE (section 4.2.1.9).
fn may_issue(certificate: &[u8]) -> bool {
    const TYPE: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x13];
    const TRUE: [u8; 3] = [0x01, 0x01, 0xff];
    independent::position(certificate, &TYPE).is_some_and(|at| {
        let behind = &certificate[at + TYPE.len()..];
        let is_critical = behind.strip_prefix(&TRUE);
        let value = is_critical.or_else(|| behind.strip_prefix(&[0x01, 0x01, 0x00]));
        value.unwrap_or(behind).get(4..7) == Some(&TRUE)
    })
}

/// By its first two GeneralizedTimes. Whoever signs certificates here writes no UTCTime.
fn is_valid_now(certificate: &[u8]) -> bool {
    const HEAD: [u8; 2] = [0x18, 0x0f];
    independent::position(certificate, &HEAD).is_some_and(|at| {
        let (from, until) = (at + 2, at + 2 + 15 + 2);
        certificate
            .get(from..from + 15)
            .is_some_and(|from| from <= NOW)
            && certificate
                .get(until..until + 15)
                .is_some_and(|until| NOW <= until)
    })
}

fn split(mut data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<2>()
        && parts.len() < MAX_CERTIFICATES
    {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (part, behind) = rest.split_at(length);
        parts.push(part);
        data = behind;
    }
    parts
}

fn joined(chain: &[Vec<u8>]) -> Vec<u8> {
    let with_length = |der: &Vec<u8>| {
        let length = u16::try_from(der.len()).expect("a certificate is short");
        [&length.to_be_bytes()[..], der].concat()
    };
    chain.iter().flat_map(with_length).collect()
}

fn leaf_key() -> CredentialKey {
    CredentialKey::es256(3)
}

fn leaf(issuer: &Authority, change: impl FnOnce(&mut Certificate)) -> Vec<u8> {
    let mut certificate = AttestationCertificate::default().certificate(&leaf_key(), &issuer.name);
    change(&mut certificate);
    certificate.signed_by(&issuer.key)
}

fn seeds() -> Vec<Vec<u8>> {
    let root = Authority::default();
    let unchanged = |_: &mut Certificate| ();
    let mut chains = vec![
        vec![leaf(&root, unchanged)],
        vec![leaf(&root, unchanged), root.root()],
        vec![AttestationCertificate::default().der(&leaf_key())],
        vec![leaf(&root, |leaf| {
            "20261231235959Z".clone_into(&mut leaf.not_after);
        })],
        vec![leaf(&root, |leaf| {
            let unknown = Extension::new("1.3.6.1.4.1.45724.2.1.1", true, vec![5, 0]);
            leaf.extensions.push(unknown);
            leaf.extensions.push(Extension::key_usage(0x80));
            leaf.extensions
                .push(Extension::aaguid(AUTHENTICATOR.aaguid()));
        })],
    ];
    let one_of_each = CredentialKey::one_of_each();
    for key in one_of_each {
        let middle = Authority::new("Vendor CA", key);
        let certificate = Certificate::authority(&middle.name, &middle.key, &root.name);
        chains.push(vec![
            leaf(&middle, unchanged),
            certificate.signed_by(&root.key),
        ]);
    }
    let no_ca = Authority::new("No CA", CredentialKey::es256(4));
    let certificate = Certificate::new(&no_ca.name, &no_ca.key, &root.name);
    chains.push(vec![
        leaf(&no_ca, unchanged),
        certificate.signed_by(&root.key),
    ]);
    chains.iter().map(|chain| joined(chain)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_seeds_are_attested_and_some_are_not() {
        let levels: Vec<&str> = seeds()
            .iter()
            .map(|seed| verify(&split(seed)).expect("the leaf is sound"))
            .map(|verified| verified.attestation_level().as_str())
            .collect();
        let (attested, flagged) = ("attested", "flagged");
        assert_eq!(
            levels,
            [
                attested, attested, flagged, flagged, flagged, attested, attested, attested,
                attested, flagged
            ]
        );
    }
}
