//! Ceremonies over a challenge of the server's making.

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
