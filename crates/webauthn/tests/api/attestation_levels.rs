//! What chains of certificates are worth.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::{
    AppleStatement, Attestation, Authenticator, Authority, Certificate, CredentialKey, Extension,
    FidoU2fStatement, PackedStatement, TpmStatement, flags,
};
use keymoor_types::Timestamp;
use keymoor_types::pem::PemError;
use keymoor_webauthn::registration;
use keymoor_webauthn::{AttestationLevel, AttestationRoots, AttestationTrust, RootError};

use crate::registration::valid;
use crate::{NOW, registration_expectation, trusted_origins};
use AttestationLevel::{Attested, Flagged, Unproven};

fn level_at(
    attestation: Attestation,
    more_flags: u8,
    roots: Vec<Vec<u8>>,
    now: i64,
) -> AttestationLevel {
    let mut options = valid();
    options.attestation = attestation;
    options.flags |= more_flags;
    let roots = AttestationRoots::from_der(roots).expect("certificates");
    let trusted = trusted_origins();
    let mut expected = registration_expectation(&trusted);
    expected.attestation = AttestationTrust {
        roots: &roots,
        now: Timestamp::from_seconds(now),
    };
    registration::verify(&Authenticator::from_seed(1).register(&options), &expected)
        .expect("no chain is refused")
        .attestation_level()
}

fn level(attestation: Attestation, roots: Vec<Vec<u8>>) -> AttestationLevel {
    level_at(attestation, 0, roots, NOW)
}

fn root() -> Vec<Vec<u8>> {
    vec![Authority::default().root()]
}

fn packed() -> PackedStatement {
    PackedStatement::new(Authority::default(), CredentialKey::es256(2))
}

#[test]
fn a_statement_whose_chain_leads_to_a_root_is_attested() {
    let tpm = TpmStatement::new(Authority::default(), CredentialKey::es256(2));
    for attestation in [
        Attestation::by(packed()),
        Attestation::by(tpm),
        Attestation::by(AppleStatement::default()),
        Attestation::by(FidoU2fStatement::default()),
    ] {
        assert_eq!(level(attestation.clone(), root()), Attested);
        assert_eq!(level(attestation.clone(), vec![]), Flagged);
        assert_eq!(
            level_at(attestation.clone(), flags::BE, vec![], NOW),
            Unproven
        );
        assert_eq!(level_at(attestation, flags::BE, root(), NOW), Attested);
    }
    for key in CredentialKey::one_of_each() {
        let authority = Authority::new("Another CA", key);
        let statement = PackedStatement::new(authority.clone(), CredentialKey::es256(2));
        assert_eq!(
            level(Attestation::by(statement), vec![authority.root()]),
            Attested
        );
    }
}

/// The count of unused bits is not signed: whoever passes a certificate on could change it.
#[test]
fn a_signature_of_a_certificate_has_whole_bytes() {
    let authority = Authority::default();
    let intermediate_by = |root: &Authority| {
        Certificate::authority(&authority.name, &authority.key, &root.name).signed_by(&root.key)
    };
    // The reader itself refuses unused bits that are not zero.
    let (root, mut intermediate) = (1..=64)
        .map(|seed| Authority::new("Root CA", CredentialKey::ed25519(seed)))
        .map(|root| (root.clone(), intermediate_by(&root)))
        .find(|(_, certificate)| certificate.last().is_some_and(|byte| byte % 8 == 0))
        .expect("one of eight or so");
    let level_by = |intermediate: &[u8]| {
        let statement = PackedStatement {
            intermediates: vec![intermediate.to_vec()],
            ..packed()
        };
        level(Attestation::by(statement), vec![root.root()])
    };
    assert_eq!(level_by(&intermediate), Attested);
    let unused_bits = intermediate.len() - 65;
    assert_eq!(intermediate[unused_bits - 2..=unused_bits], [0x03, 65, 0]);
    for count in 1..=3 {
        intermediate[unused_bits] = count;
        assert_eq!(level_by(&intermediate), Flagged, "{count}");
    }
}

/// X.690 section 11.1: DER has one way to write TRUE.
#[test]
fn only_what_der_calls_true_makes_an_authority() {
    let root = Authority::new("Root CA", CredentialKey::ed25519(7));
    let authority = Authority::default();
    let level_by = |truth: u8| {
        let mut intermediate = Certificate::authority(&authority.name, &authority.key, &root.name);
        let constraints = vec![0x30, 0x03, 0x01, 0x01, truth];
        intermediate.extensions[0] = Extension::new("2.5.29.19", true, constraints);
        let statement = PackedStatement {
            intermediates: vec![intermediate.signed_by(&root.key)],
            ..packed()
        };
        level(Attestation::by(statement), vec![root.root()])
    };
    assert_eq!(level_by(0xff), Attested);
    assert_eq!(level_by(0x7f), Flagged);
    assert_eq!(level_by(0x01), Flagged);
}

#[test]
fn a_tpm_vouches_only_for_keys_that_it_made_and_keeps() {
    const FIXED_TPM: u32 = 1 << 1;
    const FIXED_PARENT: u32 = 1 << 4;
    const SENSITIVE_DATA_ORIGIN: u32 = 1 << 5;
    const SIGN: u32 = 1 << 18;
    let kept = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN;
    for (object_attributes, expected) in [
        (kept, Attested),
        (kept | SIGN, Attested),
        (kept & !FIXED_TPM, Flagged),
        (kept & !FIXED_PARENT, Flagged),
        (kept & !SENSITIVE_DATA_ORIGIN, Flagged),
        // An imported key of software's making: userWithAuth and sign.
        (0x0004_0040, Flagged),
        (0, Flagged),
    ] {
        let mut statement = TpmStatement::new(Authority::default(), CredentialKey::es256(2));
        statement.object_attributes = object_attributes;
        let found = level(Attestation::by(statement), root());
        assert_eq!(found, expected, "{object_attributes:#010x}");
    }
}

#[test]
fn without_certificates_the_flags_are_all_there_is() {
    let unsupported = PackedStatement {
        algorithm: Some(-36),
        ..packed()
    };
    for attestation in [
        Attestation::None,
        Attestation::PackedSelf,
        Attestation::by(unsupported),
        Attestation::Other {
            format: "android-safetynet".to_owned(),
            statement: vec![0xa0],
        },
    ] {
        assert_eq!(level(attestation.clone(), root()), Flagged);
        assert_eq!(level_at(attestation, flags::BE, root(), NOW), Unproven);
    }
}

#[test]
fn certificates_are_valid_between_their_times_and_the_root_too() {
    let (from, until) = (1_900_000_000, 1_900_000_100);
    let mut statement = packed();
    statement.certificate.not_before = "20300317174640Z".to_owned();
    statement.certificate.not_after = "20300317174820Z".to_owned();
    let mut brief_root = Certificate::authority(
        "Attestation CA",
        &Authority::default().key,
        "Attestation CA",
    );
    brief_root.not_before = "20300317174640Z".to_owned();
    brief_root.not_after = "20300317174820Z".to_owned();
    let brief_root = brief_root.signed_by(&Authority::default().key);
    for (now, expected) in [
        (from - 1, Flagged),
        (from, Attested),
        (until, Attested),
        (until + 1, Flagged),
    ] {
        let leaf_at = level_at(Attestation::by(statement.clone()), 0, root(), now);
        assert_eq!(leaf_at, expected, "{now}");
        let root_at = level_at(Attestation::by(packed()), 0, vec![brief_root.clone()], now);
        assert_eq!(root_at, expected, "{now}");
    }
}

/// A statement with one intermediate authority below the root, which a test may spoil.
fn with_intermediate(forge: impl FnOnce(&mut Certificate)) -> PackedStatement {
    let intermediate = Authority::new("Intermediate CA", CredentialKey::es384());
    let root = Authority::default();
    let mut certificate = Certificate::authority(&intermediate.name, &intermediate.key, &root.name);
    forge(&mut certificate);
    let mut statement = PackedStatement::new(intermediate, CredentialKey::es256(2));
    statement.intermediates = vec![certificate.signed_by(&root.key)];
    statement
}

#[test]
fn an_intermediate_must_be_an_authority_that_may_issue() {
    let constraints = |is_ca, length| {
        with_intermediate(|c| c.extensions[0] = Extension::basic_constraints(is_ca, length))
    };
    let usage = |bits| with_intermediate(|c| c.extensions[1] = Extension::key_usage(bits));
    let extension = |oid: &str, critical| {
        let extension = Extension::new(oid, critical, vec![0x05, 0x00]);
        with_intermediate(|c| c.extensions.push(extension))
    };
    for (name, statement, expected) in [
        ("an authority", with_intermediate(|_| {}), Attested),
        (
            "an authority above leaves only",
            constraints(true, Some(0)),
            Attested,
        ),
        ("no authority", constraints(false, None), Flagged),
        (
            "no constraints",
            with_intermediate(|c| drop(c.extensions.remove(0))),
            Flagged,
        ),
        (
            "no key usage",
            with_intermediate(|c| drop(c.extensions.remove(1))),
            Attested,
        ),
        ("a key usage that cannot certify", usage(0x80), Flagged),
        (
            "an unknown extension",
            extension("1.2.3.4", false),
            Attested,
        ),
        (
            "an unknown critical extension",
            extension("1.2.3.4", true),
            Flagged,
        ),
        (
            "critical name constraints",
            extension("2.5.29.30", true),
            Flagged,
        ),
        (
            "an expired authority",
            with_intermediate(|c| c.not_after = "20200102000000Z".to_owned()),
            Flagged,
        ),
        (
            "another name",
            with_intermediate(|c| c.subject[0].1 = "Other".to_owned()),
            Flagged,
        ),
        (
            "another issuer",
            with_intermediate(|c| c.issuer[0].1 = "Other".to_owned()),
            Flagged,
        ),
        ("version 1", with_intermediate(|c| c.version = 1), Flagged),
    ] {
        assert_eq!(
            level(Attestation::by(statement), root()),
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_root_that_leaves_no_length_has_no_intermediate_below_it() {
    let authority = Authority::default();
    let mut certificate = Certificate::authority(&authority.name, &authority.key, &authority.name);
    certificate.extensions[0] = Extension::basic_constraints(true, Some(0));
    let roots = vec![certificate.signed_by(&authority.key)];
    assert_eq!(level(Attestation::by(packed()), roots.clone()), Attested);
    let longer = with_intermediate(|_| {});
    assert_eq!(level(Attestation::by(longer), roots), Flagged);
}

#[test]
fn a_chain_is_broken_by_a_foreign_signature_or_certificate() {
    // The right issuer's name over another issuer's signature.
    let impostor = Authority::new("Attestation CA", CredentialKey::es256(7));
    let statement = PackedStatement::new(impostor, CredentialKey::es256(2));
    assert_eq!(level(Attestation::by(statement), root()), Flagged);
    // What follows the leaf did not issue it.
    let mut statement = packed();
    statement.intermediates = vec![Authority::new("Other CA", CredentialKey::es256(8)).root()];
    assert_eq!(level(Attestation::by(statement), root()), Flagged);
    let mut statement = packed();
    statement.intermediates = vec![vec![0x30, 0x00]];
    assert_eq!(level(Attestation::by(statement), root()), Flagged);
    // One signature algorithm inside, another outside the certificate is refused at once; one
    // that is not the issuer's breaks the chain.
    let mut statement = packed();
    statement.certificate.signature_algorithm = Some(CredentialKey::es384().signature_algorithm());
    assert_eq!(level(Attestation::by(statement), root()), Flagged);
}

#[test]
fn roots_may_come_along_be_intermediates_or_single_attestation_keys() {
    let mut statement = packed();
    let root = Authority::default().root();
    statement.intermediates = vec![root.clone()];
    assert_eq!(
        level(Attestation::by(statement.clone()), vec![root]),
        Attested
    );
    // Signed once more, the root is the same in all but its signature.
    assert_eq!(
        level(
            Attestation::by(statement),
            vec![Authority::default().root()]
        ),
        Attested
    );
    let statement = with_intermediate(|_| {});
    let intermediate = statement.intermediates.clone();
    assert_eq!(level(Attestation::by(statement), intermediate), Attested);
    // A leaf is no authority, however much it is trusted.
    let leaf = Certificate::new("Attestation CA", &Authority::default().key, "x");
    let leaf = leaf.signed_by(&CredentialKey::es256(9));
    assert_eq!(level(Attestation::by(packed()), vec![leaf]), Flagged);
}

#[test]
fn roots_are_certificates_in_pem_and_nothing_else() {
    let authority = Authority::default();
    let certificate = Certificate::authority(&authority.name, &authority.key, &authority.name);
    let pem = certificate.pem_signed_by(&authority.key);
    let count = |text: &str| AttestationRoots::from_pem(text.as_bytes()).map(|roots| roots.len());
    assert_eq!(count(&pem), Ok(1));
    assert_eq!(count(&format!("A comment\n{pem}\n{pem}")), Ok(2));
    assert_eq!(count(""), Err(RootError::Pem(PemError::Empty)));
    // Files as editors leave them: none loses a certificate (RFC 7468 section 2).
    let glued = format!("\u{feff}{}{pem}", pem.trim_end());
    assert_eq!(count(&glued), Ok(2));
    assert_eq!(count(&glued.replace('\n', "\r\n  ")), Ok(2));
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let refused = RootError::Pem(PemError::NoCertificate(2, "PRIVATE KEY".to_owned()));
    assert_eq!(count(&format!("{pem}{key}")), Err(refused));
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(count(garbage), Err(RootError::Certificate(1)));
    let cut = pem.replace("-----END CERTIFICATE-----\n", "");
    assert_eq!(count(&cut), Err(RootError::Pem(PemError::Unterminated(1))));
    let mut old = certificate.clone();
    old.version = 1;
    let old = old.pem_signed_by(&authority.key);
    assert_eq!(
        count(&format!("{pem}{old}")),
        Err(RootError::Certificate(2))
    );
    assert!(AttestationRoots::default().is_empty());
}

/// An RSA key of 1,024 bits, as SubjectPublicKeyInfo.
const SHORT_RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC+GdLFHt5/38/kpDJAZrgu8SJ9bxaHDtcFg3fS\
    Zc2PmKBTzhmNFxLuoWgCfpcit4P35LLwnl90eodnV0+i0e66iJcTOQy8XQjeIcI3GxHZ67FTqqKP\
    sCcZTx2LqSgU9VL/rmqCpyQjTS1tAZywIQ1P7kM7luhBlg8V35akPzQtHQIDAQAB";

/// Signatures by such a root are never accepted, so that it would only seem to be trusted: RFC 8017
/// keys below 2,048 bits, and critical extensions that nobody here supports (RFC 5280 section 4.2).
#[test]
fn roots_that_no_chain_can_lead_to_are_refused() {
    let authority = Authority::default();
    let certificate = Certificate::authority(&authority.name, &authority.key, &authority.name);
    let refusal = |change: &dyn Fn(&mut Certificate)| {
        let mut changed = certificate.clone();
        change(&mut changed);
        let roots = vec![authority.root(), changed.signed_by(&authority.key)];
        AttestationRoots::from_der(roots).unwrap_err().to_string()
    };
    let short = refusal(&|root| root.public_key = STANDARD.decode(SHORT_RSA).unwrap());
    assert_eq!(
        short,
        "certificate 2 has an RSA key of 1024 bits, and at least 2048 are needed"
    );
    let unknown = refusal(&|root| {
        let critical = Extension::new("1.3.6.1.4.1.45724.2.1.1", true, vec![5, 0]);
        root.extensions.push(critical);
    });
    assert_eq!(
        unknown,
        "certificate 2 has a critical extension that is not supported"
    );
    let rsa = Authority::new("RSA", CredentialKey::rs256());
    AttestationRoots::from_der(vec![rsa.root()]).unwrap();
}

#[test]
fn roots_outside_their_validity_are_told_apart() {
    let authority = Authority::default();
    let mut old = Certificate::authority("Old", &authority.key, "Old");
    old.not_after = "20210101000000Z".to_owned();
    let roots = vec![authority.root(), old.signed_by(&authority.key)];
    let roots = AttestationRoots::from_der(roots).unwrap();
    let invalid = |seconds| {
        let now = Timestamp::from_seconds(seconds);
        roots.invalid_at(now).collect::<Vec<_>>()
    };
    // 2020-06-01, 2026-01-01 and 2019-01-01.
    assert_eq!(invalid(1_590_969_600), Vec::<usize>::new());
    assert_eq!(invalid(1_767_225_600), [2]);
    assert_eq!(invalid(1_546_300_800), [1, 2]);
}
