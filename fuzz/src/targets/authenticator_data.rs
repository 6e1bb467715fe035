//! Authenticator data, signed as they are by the right key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::{AssertionOptions, flags};
use keymoor_types::wire::AuthenticationProof;
use keymoor_webauthn::PublicKey;
use keymoor_webauthn::assertion::{AssertionProof, VerifiedAssertion};
use keymoor_webauthn::proof::ProofError;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::independent::AuthenticatorData;
use crate::scene::{
    AUTHENTICATOR, ORIGIN, RP_ID, assertion_challenge, assertion_expectation, claims,
    webauthn_credential,
};
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "authenticator_data",
    run,
    seeds,
};

fn run(data: &[u8]) {
    let verdict = verify(data, &client_data());
    let read = AuthenticatorData::read(data);
    let Ok(verified) = verdict else {
        // Extensions and credentials have rules of their own; without them the flags decide.
        let plain = read.filter(|read| read.flags & (flags::AT | flags::ED) == 0);
        assert!(
            !plain.is_some_and(|read| is_acceptable(&read)),
            "{verdict:?}"
        );
        return;
    };
    let read = read.expect("accepted authenticator data can be read");
    assert!(is_acceptable(&read));
    let facts = verified.webauthn().expect("it is no software key's proof");
    assert_eq!(facts.sign_count(), read.sign_count);
    assert_eq!(facts.backup_eligible(), read.flags & flags::BE != 0);
    assert_eq!(facts.backup_state(), read.flags & flags::BS != 0);
    assert_eq!(facts.origin(), ORIGIN);
}

pub(super) fn is_acceptable(data: &AuthenticatorData) -> bool {
    data.rp_id_hash[..] == Sha256::digest(RP_ID)[..] && data.flags_are_acceptable()
}

/// Verifies an assertion over these bytes, signed by the credential's own key.
pub(super) fn verify(
    authenticator_data: &[u8],
    client_data: &[u8],
) -> Result<VerifiedAssertion, ProofError> {
    let signed = [authenticator_data, &Sha256::digest(client_data)].concat();
    let raw = json!({
        "authenticator_data": STANDARD.encode(authenticator_data),
        "client_data": STANDARD.encode(client_data),
        "signature": STANDARD.encode(AUTHENTICATOR.key().sign_der(&signed)),
    });
    let key = PublicKey::from_jwk(&AUTHENTICATOR.key().jwk()).expect("a valid key");
    AssertionProof::parse(&AuthenticationProof::WebAuthn(raw.to_string()))?
        .verify(&key, &assertion_expectation(webauthn_credential()))
}

/// The client data that the testkit writes for a valid assertion.
pub(super) fn client_data() -> Vec<u8> {
    member(&options(), "client_data")
}

pub(super) fn authenticator_data() -> Vec<u8> {
    member(&options(), "authenticator_data")
}

fn options() -> AssertionOptions {
    let mut options = AssertionOptions::new(ORIGIN, RP_ID, claims());
    options.challenge = Some(assertion_challenge());
    options
}

fn member(options: &AssertionOptions, name: &str) -> Vec<u8> {
    let raw: Value =
        serde_json::from_str(&AUTHENTICATOR.assert(options)).expect("the testkit writes JSON");
    let text = raw[name].as_str().expect("the testkit writes strings");
    STANDARD.decode(text).expect("the testkit writes base64")
}

fn seeds() -> Vec<Vec<u8>> {
    let plain = authenticator_data();
    let with = |flag: u8, behind: &[u8]| {
        let mut data = plain.clone();
        data[32] |= flag;
        data.extend(behind);
        data
    };
    let attested = [&[7; 16][..], &[0, 1, 9], &AUTHENTICATOR.key().cose()].concat();
    vec![
        with(flags::BE, &[]),
        with(flags::BE | flags::BS, &[]),
        with(flags::ED, &[0xa1, 0x61, b'x', 0x82, 0xf5, 0x41, 0x00]),
        with(flags::AT, &attested),
        with(flags::AT | flags::ED, &[&attested[..], &[0xa0]].concat()),
        plain,
    ]
}
