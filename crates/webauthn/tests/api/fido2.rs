//! Ceremonies over a challenge of the server's making.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_testkit::{AssertionOptions, Authenticator, CredentialKey, RegistrationOptions, flags};
use keymoor_types::Timestamp;
use keymoor_webauthn::fido2::{
    Fido2Assertion, Fido2Expectation, Fido2RegistrationExpectation, RegistrationTerms,
    verify_registration,
};
use keymoor_webauthn::proof::ProofError;
use keymoor_webauthn::registration::{RegistrationError, VerifiedRegistration};
use keymoor_webauthn::{
    Algorithm, AttestationRoots, AttestationTrust, AuthenticatorDataError, ClientDataError,
    PublicKey,
};
use serde_json::{Value, json};

const ORIGIN: &str = "https://app.example";
const RP_ID: &str = "app.example";
const CHALLENGE: &[u8] = b"sixteen bytes or more";
const OWNER: &str = "CN=I, OU=R, O=T";
const HANDLE: &[u8] = b"a user handle";

fn registration(change: impl FnOnce(&mut RegistrationOptions)) -> RegistrationOptions {
    let mut options = RegistrationOptions::new(ORIGIN, RP_ID, "", "");
    options.challenge = CHALLENGE.to_vec();
    change(&mut options);
    options
}

fn verify(response: &Value) -> Result<VerifiedRegistration, RegistrationError> {
    verify_for(RP_ID, &Algorithm::ALL, response)
}

fn verify_for(
    rp_id: &str,
    algorithms: &'static [Algorithm],
    response: &Value,
) -> Result<VerifiedRegistration, RegistrationError> {
    let recognise = |challenge: &[u8]| {
        (challenge == CHALLENGE).then(|| RegistrationTerms {
            rp_id: rp_id.to_owned(),
            algorithms,
        })
    };
    let expected = Fido2RegistrationExpectation {
        trusted_origins: &[ORIGIN.to_owned()],
        attestation: AttestationTrust {
            roots: &AttestationRoots::NONE,
            now: Timestamp::from_seconds(1_767_225_600),
        },
    };
    verify_registration(&response.to_string(), &expected, recognise)
}

#[test]
fn a_registration_over_a_recognised_challenge_verifies_whatever_its_algorithm() {
    for key in CredentialKey::one_of_each() {
        let authenticator = Authenticator::with_key(key);
        let verified = verify(&authenticator.register_json(&registration(|_| ()))).unwrap();
        assert_eq!(verified.credential_id(), authenticator.credential_id());
        assert_eq!(verified.rp_id(), RP_ID);
    }
}

#[test]
fn a_registration_keeps_to_the_options_that_its_challenge_stands_for() {
    let authenticator = Authenticator::from_seed(1);
    let response = |change: &dyn Fn(&mut RegistrationOptions)| {
        authenticator.register_json(&registration(|options| change(options)))
    };
    let refused = |response: &Value| verify(response).unwrap_err();
    let good = response(&|_| ());
    assert_eq!(
        refused(&response(&|o| o.challenge[0] ^= 1)),
        RegistrationError::ForeignChallenge
    );
    assert_eq!(
        verify_for("other.example", &Algorithm::ALL, &good),
        Err(RegistrationError::RpId)
    );
    assert_eq!(
        verify_for(RP_ID, &[Algorithm::EdDsa], &good),
        Err(RegistrationError::Algorithm)
    );
    assert_eq!(
        refused(&response(&|o| o.flags &= !flags::UV)),
        AuthenticatorDataError::UserNotVerified.into()
    );
    assert_eq!(
        refused(&response(
            &|o| o.client_data.origin = "https://evil.example".to_owned()
        )),
        ClientDataError::Origin.into()
    );
    let mut another = good.clone();
    another["id"] = "AAAA".into();
    assert_eq!(refused(&another), RegistrationError::Malformed, "two ids");
    another["rawId"] = "AAAA".into();
    assert_eq!(refused(&another), RegistrationError::CredentialId);
}

struct Signed {
    authenticator: Authenticator,
    proof: Value,
}

impl Signed {
    fn new(change: impl FnOnce(&mut AssertionOptions)) -> Self {
        let authenticator = Authenticator::from_seed(2);
        let mut options = AssertionOptions::new(ORIGIN, RP_ID, json!({}));
        options.challenge = Some(CHALLENGE.to_vec());
        change(&mut options);
        let credential = authenticator.assert_json(&options, HANDLE);
        let proof = json!({ "transaction_id": "TX", "nonce": "N", "credential": credential });
        Self {
            authenticator,
            proof,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.proof);
        self
    }

    fn verify(&self) -> Result<(), ProofError> {
        self.verify_of(Some(HANDLE))
    }

    /// By a credential made with this user handle.
    fn verify_of(&self, user_handle: Option<&[u8]>) -> Result<(), ProofError> {
        let assertion = Fido2Assertion::parse(&self.proof.to_string())?;
        assert_eq!((assertion.transaction_id(), assertion.nonce()), ("TX", "N"));
        assert_eq!(
            assertion.credential_id(),
            self.authenticator.credential_id()
        );
        let key = PublicKey::from_jwk(&self.authenticator.key().jwk()).expect("a JWK");
        let expected = Fido2Expectation {
            challenge: CHALLENGE,
            subject: OWNER,
            user_handle,
            credential_id: self.authenticator.credential_id(),
            rp_id: RP_ID,
            trusted_origins: &[ORIGIN.to_owned()],
        };
        assertion.verify(&key, &expected).map(|_| ())
    }
}

fn without_handle(proof: &mut Value) {
    let response = proof["credential"]["response"].as_object_mut();
    let removed = response.and_then(|response| response.remove("userHandle"));
    assert!(removed.is_some(), "there was none");
}

#[test]
fn an_assertion_names_its_user_by_the_authenticator_or_by_the_request() {
    let good = || Signed::new(|_| ());
    let named = |subject: &'static str| good().with(|proof| proof["sub"] = subject.into());
    assert_eq!(good().verify(), Ok(()));
    assert_eq!(
        good().verify_of(None),
        Ok(()),
        "the device chose the handle"
    );
    assert_eq!(
        good().verify_of(Some(b"other")),
        Err(ProofError::UserHandle)
    );
    assert_eq!(named(OWNER).verify(), Ok(()));
    assert_eq!(named(OWNER).with(without_handle).verify(), Ok(()));
    assert_eq!(
        named(OWNER).verify_of(Some(b"other")),
        Err(ProofError::UserHandle)
    );
    assert_eq!(named("CN=J, OU=R, O=T").verify(), Err(ProofError::Subject));
    assert_eq!(
        good().with(without_handle).verify(),
        Err(ProofError::UserHandle)
    );
    assert_eq!(
        good().with(without_handle).verify_of(None),
        Err(ProofError::UserHandle)
    );
}

/// WebAuthn Level 3, sections 5.4.3 and 7.2: a user handle has at least one byte, and `userHandle` is
/// nullable.
#[test]
fn an_empty_or_null_user_handle_is_none() {
    for handle in [json!(""), Value::Null] {
        let good = || {
            Signed::new(|_| ())
                .with(|proof| proof["credential"]["response"]["userHandle"] = handle.clone())
        };
        let named = |subject: &'static str| good().with(|proof| proof["sub"] = subject.into());
        assert_eq!(named(OWNER).verify(), Ok(()), "{handle}");
        assert_eq!(named(OWNER).verify_of(None), Ok(()), "{handle}");
        assert_eq!(named("CN=J").verify(), Err(ProofError::Subject), "{handle}");
        // Nobody named the user.
        assert_eq!(good().verify(), Err(ProofError::UserHandle), "{handle}");
        assert_eq!(good().verify_of(None), Err(ProofError::UserHandle));
    }
}

/// WebAuthn Level 3, section 5.1: byte strings in JSON are base64url without padding.
#[test]
fn byte_strings_are_base64url_without_padding() {
    for member in [
        "clientDataJSON",
        "authenticatorData",
        "signature",
        "userHandle",
    ] {
        for (before, after) in [("", "="), ("", "=="), ("", "\n"), ("+/", "")] {
            let mut signed = Signed::new(|_| ());
            let text = &mut signed.proof["credential"]["response"][member];
            *text = format!("{before}{}{after}", text.as_str().expect("a member")).into();
            let parsed = Fido2Assertion::parse(&signed.proof.to_string());
            let refused = parsed.map(|_| ()).unwrap_err();
            assert_eq!(refused, ProofError::MalformedAssertion, "{member}");
        }
    }
}

/// WebAuthn Level 3, section 5.1: members that a browser adds, or leaves null or empty, don't matter.
#[test]
fn members_that_the_verification_does_not_use_may_be_absent_null_or_empty() {
    for (member, values) in [
        ("authenticatorAttachment", [json!(null), json!("")]),
        ("clientExtensionResults", [json!(null), json!({})]),
    ] {
        for value in values {
            let signed = Signed::new(|_| ()).with(|proof| proof["credential"][member] = value);
            assert_eq!(signed.verify(), Ok(()), "{member}");
        }
    }
    for (member, value) in [
        ("transports", json!(null)),
        ("transports", json!([])),
        ("publicKey", json!(null)),
        ("publicKeyAlgorithm", json!(null)),
        ("authenticatorData", json!(null)),
    ] {
        let mut response = Authenticator::from_seed(1).register_json(&registration(|_| ()));
        response["response"][member] = value;
        assert!(verify(&response).is_ok(), "{member}");
    }
}

/// WebAuthn Level 3, sections 7.1 and 7.2: "UTF-8 decode" strips a byte order mark. The hash is over
/// the bytes as received.
#[test]
fn client_data_may_start_with_one_byte_order_mark() {
    let with_marks = |kind: &str, marks: &str| {
        let challenge = URL_SAFE_NO_PAD.encode(CHALLENGE);
        let json = json!({ "type": kind, "challenge": challenge, "origin": ORIGIN });
        Some(format!("{marks}{json}"))
    };
    let registered = |marks: &str| {
        let options = registration(|o| o.client_data.raw = with_marks("webauthn.create", marks));
        verify(&Authenticator::from_seed(1).register_json(&options)).map(|_| ())
    };
    let asserted =
        |marks: &str| Signed::new(|o| o.client_data.raw = with_marks("webauthn.get", marks));
    assert_eq!(registered("\u{feff}"), Ok(()));
    assert_eq!(asserted("\u{feff}").verify(), Ok(()));
    for marks in ["\u{feff}\u{feff}", " \u{feff}", "\u{fffe}"] {
        let malformed = ClientDataError::Malformed;
        assert_eq!(registered(marks), Err(malformed.into()), "{marks:?}");
        let parsed = Fido2Assertion::parse(&asserted(marks).proof.to_string());
        assert_eq!(parsed.map(|_| ()).unwrap_err(), malformed.into());
    }
    // The signature covers the mark, so removing or adding one on the way breaks it.
    let mut removed = asserted("\u{feff}");
    let without = &asserted("").proof["credential"]["response"]["clientDataJSON"];
    removed.proof["credential"]["response"]["clientDataJSON"] = without.clone();
    assert_eq!(removed.verify(), Err(ProofError::Signature));
}

#[test]
fn an_assertion_over_anything_but_the_challenge_is_refused() {
    let other = Signed::new(|options| options.challenge = Some(b"another challenge".to_vec()));
    assert_eq!(other.verify(), Err(ProofError::ForeignChallenge));
    let mut borrowed = Signed::new(|_| ());
    borrowed.proof["credential"]["response"]["clientDataJSON"] = Signed::new(|o| {
        o.client_data.cross_origin = None;
    })
    .proof["credential"]["response"]["clientDataJSON"]
        .clone();
    assert_eq!(borrowed.verify(), Err(ProofError::Signature));
}

#[test]
fn no_output_repeats_a_proof() {
    let proof = Signed::new(|_| ()).proof.to_string();
    let assertion = Fido2Assertion::parse(&proof).unwrap();
    assert_eq!(format!("{assertion:?}"), "Fido2Assertion { .. }");
}
