//! What every target's input is about. Corpus files hold signatures over these, so a change
//! here makes them worthless.

use std::sync::LazyLock;

use keymoor_testkit::{Authenticator, Challenge};
use keymoor_types::Timestamp;
use keymoor_webauthn::assertion::{AssertionExpectation, ExpectedCredential, LEEWAY};
use keymoor_webauthn::registration::RegistrationExpectation;
use keymoor_webauthn::{AttestationRoots, AttestationTrust};
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "https://app.example.org:8443";
pub(crate) const RP_ID: &str = "app.example.org";
pub(crate) const SUBJECT: &str = "CN=00a1, OU=00b2, O=00c3";
pub(crate) const TOKEN: &str = "the-token-of-the-link";
pub(crate) const AUDIENCE: &str = "https://auth.example.org/v1/bi-authenticate";
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) static AUTHENTICATOR: LazyLock<Authenticator> =
    LazyLock::new(|| Authenticator::from_seed(1));

pub(crate) static TRUSTED_ORIGINS: LazyLock<Vec<String>> =
    LazyLock::new(|| vec![ORIGIN.to_owned()]);

pub(crate) fn claims() -> Value {
    Challenge {
        subject: SUBJECT,
        audience: AUDIENCE,
        transaction_id: "the-transaction",
        nonce: "the-nonce",
        now: NOW,
    }
    .claims()
}

/// The challenge of a valid assertion.
pub(crate) fn assertion_challenge() -> Vec<u8> {
    use base64::Engine as _;
    let id = base64::engine::general_purpose::STANDARD_NO_PAD.encode(AUTHENTICATOR.credential_id());
    let mut claims = claims();
    claims["pub_key_cred_id"] = id.into();
    json!({ "header": { "alg": "ES256", "kid": AUTHENTICATOR.key().thumbprint() }, "claims": claims })
        .to_string()
        .into_bytes()
}

pub(crate) fn registration_expectation(roots: &AttestationRoots) -> RegistrationExpectation<'_> {
    RegistrationExpectation {
        subject: SUBJECT,
        token: TOKEN,
        trusted_origins: &TRUSTED_ORIGINS,
        attestation: attestation_trust(roots),
    }
}

pub(crate) fn attestation_trust(roots: &AttestationRoots) -> AttestationTrust<'_> {
    AttestationTrust {
        roots,
        now: Timestamp::from_seconds(NOW),
    }
}

pub(crate) fn assertion_expectation(
    credential: ExpectedCredential<'static>,
) -> AssertionExpectation<'static> {
    AssertionExpectation {
        subject: SUBJECT,
        audience: AUDIENCE,
        now: Timestamp::from_seconds(NOW),
        leeway: LEEWAY,
        trusted_origins: &TRUSTED_ORIGINS,
        credential,
    }
}

pub(crate) fn webauthn_credential() -> ExpectedCredential<'static> {
    ExpectedCredential::WebAuthn {
        credential_id: AUTHENTICATOR.credential_id(),
        rp_id: RP_ID,
    }
}
