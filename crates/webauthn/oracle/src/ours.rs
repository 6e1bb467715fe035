//! This project's verdicts: one for each mechanism by which a response may come.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use keymoor_testkit::Authenticator;
use keymoor_types::Timestamp;
use keymoor_types::wire::AuthenticationProof;
use keymoor_webauthn::assertion::{
    AssertionExpectation, AssertionProof, ExpectedCredential, LEEWAY, WebAuthnFacts,
};
use keymoor_webauthn::fido2::{
    self, Fido2Assertion, Fido2Expectation, Fido2RegistrationExpectation, RegistrationTerms,
};
use keymoor_webauthn::proof::ProofError;
use keymoor_webauthn::registration::{self, RegistrationExpectation};
use keymoor_webauthn::{Algorithm, AttestationRoots, AttestationTrust, PublicKey};
use serde_json::{Value, json};

use crate::assertion::AssertionResponse;
use crate::registration::RegistrationResponse;
use crate::scene::{
    AUDIENCE, NOW, RP_ID, SUBJECT, TOKEN, TRUSTED_ORIGINS, assertion_challenge,
    registration_challenge,
};
use crate::verdict::{Facts, Verdict};

/// Who made the challenge, and in which JSON the response comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mechanism {
    /// The device, from members that the server knows or judges; the published protocol's JSON.
    Published,
    /// The server, which compares it whole; WebAuthn's own JSON.
    Fido2,
}

impl Mechanism {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Published, Self::Fido2];

    /// The name that `differences.toml` knows it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Fido2 => "fido2",
        }
    }
}

/// Judges a registration.
#[must_use]
pub fn register(mechanism: Mechanism, response: &RegistrationResponse) -> Verdict {
    let trusted_origins = &TRUSTED_ORIGINS.map(str::to_owned);
    let attestation = AttestationTrust {
        roots: &AttestationRoots::NONE,
        now: Timestamp::from_seconds(NOW),
    };
    let verified = match mechanism {
        Mechanism::Published => {
            let expected = RegistrationExpectation {
                subject: SUBJECT,
                token: TOKEN,
                trusted_origins,
                attestation,
            };
            registration::verify(&published_registration(response), &expected)
        }
        Mechanism::Fido2 => {
            let expected = Fido2RegistrationExpectation {
                trusted_origins,
                attestation,
            };
            let recognise = |challenge: &[u8]| {
                (challenge == registration_challenge()).then(|| RegistrationTerms {
                    rp_id: RP_ID.to_owned(),
                    algorithms: &Algorithm::ALL,
                })
            };
            fido2::verify_registration(&fido2_registration(response), &expected, recognise)
        }
    };
    match verified {
        Ok(verified) => Verdict::Accepts(Facts {
            credential_id: verified.credential_id().to_vec(),
            public_key: numbers(verified.public_key()),
            sign_count: verified.sign_count(),
            backup_eligible: verified.backup_eligible(),
            backup_state: verified.backup_state(),
            attested: verified.attestation_signature_verified(),
        }),
        Err(error) => Verdict::Refuses(format!("{error:?}")),
    }
}

fn published_registration(response: &RegistrationResponse) -> String {
    json!({
        "client_data_json_base64": STANDARD.encode(&response.client_data),
        "attestation_object": STANDARD.encode(&response.attestation_object),
    })
    .to_string()
}

fn fido2_registration(response: &RegistrationResponse) -> String {
    let id = URL_SAFE_NO_PAD.encode(response.credential_id().unwrap_or_default());
    json!({
        "id": id,
        "rawId": id,
        "type": "public-key",
        "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(&response.client_data),
            "attestationObject": URL_SAFE_NO_PAD.encode(&response.attestation_object),
        },
    })
    .to_string()
}

/// Judges an assertion against `authenticator`'s credential.
#[must_use]
pub fn authenticate(
    mechanism: Mechanism,
    response: &AssertionResponse,
    authenticator: &Authenticator,
) -> Verdict {
    let key = PublicKey::from_jwk(&authenticator.credential_key().jwk())
        .expect("the testkit's keys are valid");
    let facts = match mechanism {
        Mechanism::Published => authenticate_as_published(response, authenticator, &key),
        Mechanism::Fido2 => authenticate_as_fido2(response, authenticator, &key),
    };
    match facts {
        Ok(facts) => Verdict::Accepts(Facts {
            sign_count: facts.sign_count(),
            backup_eligible: facts.backup_eligible(),
            backup_state: facts.backup_state(),
            ..Facts::default()
        }),
        Err(error) => Verdict::Refuses(format!("{error:?}")),
    }
}

fn authenticate_as_published(
    response: &AssertionResponse,
    authenticator: &Authenticator,
    key: &PublicKey,
) -> Result<WebAuthnFacts, ProofError> {
    let raw = json!({
        "authenticator_data": STANDARD.encode(&response.authenticator_data),
        "client_data": STANDARD.encode(&response.client_data),
        "signature": STANDARD.encode(&response.signature),
    });
    let expected = AssertionExpectation {
        subject: SUBJECT,
        audience: AUDIENCE,
        now: Timestamp::from_seconds(NOW),
        leeway: LEEWAY,
        trusted_origins: &TRUSTED_ORIGINS.map(str::to_owned),
        credential: ExpectedCredential::WebAuthn {
            credential_id: authenticator.credential_id(),
            rp_id: RP_ID,
        },
    };
    let proof = AssertionProof::parse(&AuthenticationProof::WebAuthn(raw.to_string()))?;
    let verified = proof.verify(key, &expected)?;
    let facts = verified.webauthn().expect("it is no software key's proof");
    Ok(facts.clone())
}

fn authenticate_as_fido2(
    response: &AssertionResponse,
    authenticator: &Authenticator,
    key: &PublicKey,
) -> Result<WebAuthnFacts, ProofError> {
    let id = URL_SAFE_NO_PAD.encode(authenticator.credential_id());
    let raw = json!({
        "transaction_id": "the-transaction",
        "nonce": "the-nonce",
        "sub": SUBJECT,
        "credential": {
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "authenticatorData": URL_SAFE_NO_PAD.encode(&response.authenticator_data),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(&response.client_data),
                "signature": URL_SAFE_NO_PAD.encode(&response.signature),
            },
        },
    });
    let challenge = assertion_challenge(authenticator).to_string();
    let expected = Fido2Expectation {
        challenge: challenge.as_bytes(),
        subject: SUBJECT,
        user_handle: None,
        credential_id: authenticator.credential_id(),
        rp_id: RP_ID,
        trusted_origins: &TRUSTED_ORIGINS.map(str::to_owned),
    };
    Fido2Assertion::parse(&raw.to_string())?.verify(key, &expected)
}

fn numbers(key: &PublicKey) -> Vec<u8> {
    let jwk: Value = serde_json::from_str(&key.to_jwk_json()).expect("a JWK is JSON");
    ["n", "e", "x", "y"]
        .iter()
        .filter_map(|name| jwk[*name].as_str())
        .flat_map(|number| {
            URL_SAFE_NO_PAD
                .decode(number)
                .expect("a JWK's numbers are base64url")
        })
        .collect()
}
