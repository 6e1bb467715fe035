//! No change of one byte makes a valid proof verify as something else, and nothing panics.

use std::sync::LazyLock;

use keymoor_testkit::{
    AssertionOptions, Attestation, AttestationCertificate, Authenticator, RegistrationOptions,
};
use keymoor_types::wire::AuthenticationProof;
use keymoor_webauthn::PublicKey;
use keymoor_webauthn::assertion::{AssertionProof, ExpectedCredential, VerifiedAssertion};
use keymoor_webauthn::proof::{BindingSubject, ProofError, verify_binding_jws};
use keymoor_webauthn::registration;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::{
    ORIGIN, RP_ID, SUBJECT, TOKEN, assertion_expectation, challenge, registration_expectation,
    trusted_origins,
};

const BINDING: BindingSubject<'static> = BindingSubject {
    subject: SUBJECT,
    token: TOKEN,
};

static AUTHENTICATOR: LazyLock<Authenticator> = LazyLock::new(|| Authenticator::from_seed(1));

// One signature each instead of one a case: what varies is the mutation.
static BINDING_PROOF: LazyLock<String> =
    LazyLock::new(|| AUTHENTICATOR.key().binding_jws(SUBJECT, TOKEN));
static SOFTWARE_PROOF: LazyLock<String> = LazyLock::new(|| {
    AUTHENTICATOR
        .key()
        .authentication_jws(&challenge().claims())
});
static ASSERTION: LazyLock<String> = LazyLock::new(|| {
    let options = AssertionOptions::new(ORIGIN, RP_ID, challenge().claims());
    AUTHENTICATOR.assert(&options)
});
static SELF_ATTESTED: LazyLock<String> = LazyLock::new(|| registered(Attestation::PackedSelf));
static ATTESTED: LazyLock<String> =
    LazyLock::new(|| registered(Attestation::PackedX5c(AttestationCertificate::default())));

fn registered(attestation: Attestation) -> String {
    let mut options = RegistrationOptions::new(ORIGIN, RP_ID, SUBJECT, TOKEN);
    options.attestation = attestation;
    AUTHENTICATOR.register(&options)
}

/// `text` with one character replaced by another; `None` if that changes nothing.
fn mutated(text: &str, at: Index, replacement: char) -> Option<String> {
    let at = at.index(text.len());
    let changed = format!("{}{replacement}{}", &text[..at], &text[at + 1..]);
    (changed != text).then_some(changed)
}

fn character() -> impl Strategy<Value = char> {
    prop::char::range(' ', '~')
}

fn verify_assertion(proof: &AuthenticationProof) -> Result<VerifiedAssertion, ProofError> {
    let authenticator = &*AUTHENTICATOR;
    let key = PublicKey::from_jwk(&authenticator.key().jwk()).expect("a valid key");
    let trusted = trusted_origins();
    let credential = match proof {
        AuthenticationProof::Jwt(_) => ExpectedCredential::Software,
        AuthenticationProof::WebAuthn(_) | AuthenticationProof::Fido2(_) => {
            ExpectedCredential::WebAuthn {
                credential_id: authenticator.credential_id(),
                rp_id: RP_ID,
            }
        }
    };
    AssertionProof::parse(proof)?.verify(&key, &assertion_expectation(&trusted, credential))
}

#[test]
fn the_proofs_verify_as_they_are() {
    assert!(verify_binding_jws(&BINDING_PROOF, &BINDING).is_ok());
    let software = AuthenticationProof::Jwt(SOFTWARE_PROOF.clone());
    assert!(verify_assertion(&software).is_ok());
    let webauthn = AuthenticationProof::WebAuthn(ASSERTION.clone());
    assert!(verify_assertion(&webauthn).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_changed_binding_proof_never_verifies(at: Index, replacement in character()) {
        if let Some(raw) = mutated(&BINDING_PROOF, at, replacement) {
            prop_assert!(verify_binding_jws(&raw, &BINDING).is_err());
        }
    }

    #[test]
    fn a_changed_software_proof_never_verifies(at: Index, replacement in character()) {
        if let Some(raw) = mutated(&SOFTWARE_PROOF, at, replacement) {
            prop_assert!(verify_assertion(&AuthenticationProof::Jwt(raw)).is_err());
        }
    }

    #[test]
    fn a_changed_assertion_never_verifies(at: Index, replacement in character()) {
        if let Some(raw) = mutated(&ASSERTION, at, replacement) {
            prop_assert!(verify_assertion(&AuthenticationProof::WebAuthn(raw)).is_err());
        }
    }

    /// What the attestation signs cannot change. What it does not sign, its own certificate and
    /// the format's name, can at most make the attestation worthless.
    #[test]
    fn a_changed_registration_never_verifies_as_something_else(
        at: Index,
        replacement in character(),
        by_certificate: bool,
    ) {
        let raw = if by_certificate { &ATTESTED } else { &SELF_ATTESTED };
        let trusted = trusted_origins();
        let expected = registration_expectation(&trusted);
        let original = registration::verify(raw, &expected).expect("a valid registration");
        if let Some(raw) = mutated(raw, at, replacement)
            && let Ok(changed) = registration::verify(&raw, &expected)
        {
            prop_assert!(changed == original || !changed.attestation_signature_verified());
            prop_assert_eq!(changed.public_key(), original.public_key());
            prop_assert_eq!(changed.credential_id(), original.credential_id());
        }
    }

    #[test]
    fn arbitrary_text_is_refused_without_a_panic(text in ".{0,300}") {
        prop_assert!(verify_binding_jws(&text, &BINDING).is_err());
        prop_assert!(AssertionProof::parse(&AuthenticationProof::Jwt(text.clone())).is_err());
        prop_assert!(AssertionProof::parse(&AuthenticationProof::WebAuthn(text)).is_err());
    }

    #[test]
    fn arbitrary_cbor_is_refused_without_a_panic(
        key in prop::collection::vec(any::<u8>(), 0..120),
        statement in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        prop_assert!(PublicKey::from_cose(&key).is_err());
        let mut options = RegistrationOptions::new(ORIGIN, RP_ID, SUBJECT, TOKEN);
        options.attestation = Attestation::Other { format: "packed".to_owned(), statement };
        options.extensions = Some(key);
        let raw = AUTHENTICATOR.register(&options);
        let trusted = trusted_origins();
        prop_assert!(registration::verify(&raw, &registration_expectation(&trusted)).is_err());
    }
}
