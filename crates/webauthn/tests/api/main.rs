//! The public interface, proof by proof: what verifies, and what each forgery is refused for.

mod algorithms;
mod assertion_software;
mod assertion_webauthn;
mod attestation;
mod attestation_formats;
mod attestation_levels;
mod binding;
mod certificates;
mod fido2;
mod keys;
mod mutations;
mod registration;

use keymoor_testkit::Challenge;
use keymoor_types::Timestamp;
use keymoor_webauthn::assertion::{AssertionExpectation, ExpectedCredential, LEEWAY};
use keymoor_webauthn::registration::RegistrationExpectation;
use keymoor_webauthn::{AttestationRoots, AttestationTrust};

const SUBJECT: &str = "CN=00a1, OU=00b2, O=00c3";
const TOKEN: &str = "the-token-of-the-link";
const ORIGIN: &str = "https://app.example.org:8443";
const RP_ID: &str = "app.example.org";
const AUDIENCE: &str = "https://auth.example.org/v1/tenants/00c3/realms/00b2/bi-authenticate";
const NOW: i64 = 1_800_000_000;
static NO_ROOTS: AttestationRoots = AttestationRoots::NONE;

fn trusted_origins() -> Vec<String> {
    vec!["https://other.example.org".to_owned(), ORIGIN.to_owned()]
}

fn registration_expectation(trusted_origins: &[String]) -> RegistrationExpectation<'_> {
    RegistrationExpectation {
        subject: SUBJECT,
        token: TOKEN,
        trusted_origins,
        attestation: AttestationTrust {
            roots: &NO_ROOTS,
            now: Timestamp::from_seconds(NOW),
        },
    }
}

fn challenge() -> Challenge<'static> {
    Challenge {
        subject: SUBJECT,
        audience: AUDIENCE,
        transaction_id: "the-transaction",
        nonce: "the-nonce",
        now: NOW,
    }
}

fn assertion_expectation<'a>(
    trusted_origins: &'a [String],
    credential: ExpectedCredential<'a>,
) -> AssertionExpectation<'a> {
    AssertionExpectation {
        subject: SUBJECT,
        audience: AUDIENCE,
        now: Timestamp::from_seconds(NOW),
        leeway: LEEWAY,
        trusted_origins,
        credential,
    }
}
