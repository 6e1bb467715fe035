//! WebAuthn's own JSON around a registration or a proof at sign-in. The input's first byte says
//! what the rest is: a registration, a proof as it comes, or a proof that the right key signs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_testkit::{AssertionOptions, Attestation, CredentialKey, RegistrationOptions};
use keymoor_webauthn::assertion::WebAuthnFacts;
use keymoor_webauthn::fido2::{
    Fido2Assertion, Fido2Expectation, Fido2RegistrationExpectation, RegistrationTerms,
    verify_registration,
};
use keymoor_webauthn::proof::ProofError;
use keymoor_webauthn::registration::{RegistrationError, VerifiedRegistration};
use keymoor_webauthn::{Algorithm, AttestationRoots, PublicKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{authenticator_data, cbor};
use crate::independent::{self, AuthenticatorData};
use crate::scene::{AUTHENTICATOR, ORIGIN, RP_ID, SUBJECT, TRUSTED_ORIGINS, attestation_trust};
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "fido2",
    run,
    seeds,
};

const CHALLENGE: &[u8] = b"a challenge that the server made";
const USER_HANDLE: &[u8] = b"a user handle";

fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = str::from_utf8(rest) else {
        return;
    };
    match kind {
        b'r' => check_registration(text),
        b's' => {
            if let Some(signed) = signed(text) {
                check_proof(&signed);
            }
        }
        _ => check_proof(text),
    }
}

fn check_registration(text: &str) {
    let Ok(verified) = verify_as_registration(text) else {
        return;
    };
    let Some(credential) = with_names(text, &[""]) else {
        return;
    };
    assert_credential(&credential, verified.credential_id());
    assert_client_data(&credential["response"], "webauthn.create");
    let object = bytes(&credential["response"]["attestationObject"]);
    let entries = independent::map(&object).expect("accepted objects are maps");
    cbor::assert_reading(&verified, entries);
}

fn verify_as_registration(text: &str) -> Result<VerifiedRegistration, RegistrationError> {
    let no_roots = AttestationRoots::NONE;
    let expected = Fido2RegistrationExpectation {
        trusted_origins: &TRUSTED_ORIGINS,
        attestation: attestation_trust(&no_roots),
    };
    let recognise = |challenge: &[u8]| {
        (challenge == CHALLENGE).then(|| RegistrationTerms {
            rp_id: RP_ID.to_owned(),
            algorithms: &Algorithm::ALL,
        })
    };
    verify_registration(text, &expected, recognise)
}

fn check_proof(text: &str) {
    let Ok(assertion) = Fido2Assertion::parse(text) else {
        return;
    };
    let Some(proof) = with_names(text, &["", "/credential"]) else {
        return;
    };
    assert_eq!(proof["transaction_id"], assertion.transaction_id());
    assert_eq!(proof["nonce"], assertion.nonce());
    let Ok(facts) = verify_as_proof(&assertion) else {
        return;
    };
    let response = &proof["credential"]["response"];
    assert_credential(&proof["credential"], AUTHENTICATOR.credential_id());
    assert_client_data(response, "webauthn.get");
    assert_owner(&proof);

    let data = bytes(&response["authenticatorData"]);
    let read = AuthenticatorData::read(&data).expect("accepted authenticator data can be read");
    assert!(authenticator_data::is_acceptable(&read));
    assert_eq!(facts.sign_count(), read.sign_count);
    let client_data_hash = Sha256::digest(bytes(&response["clientDataJSON"]));
    assert!(independent::verifies_der(
        AUTHENTICATOR.key().point(),
        &[&data[..], &client_data_hash].concat(),
        &bytes(&response["signature"]),
    ));
}

fn verify_as_proof(assertion: &Fido2Assertion) -> Result<WebAuthnFacts, ProofError> {
    let key = PublicKey::from_jwk(&AUTHENTICATOR.key().jwk()).expect("a valid key");
    let expected = Fido2Expectation {
        challenge: CHALLENGE,
        subject: SUBJECT,
        user_handle: Some(USER_HANDLE),
        credential_id: AUTHENTICATOR.credential_id(),
        rp_id: RP_ID,
        trusted_origins: &TRUSTED_ORIGINS,
    };
    assertion.verify(&key, &expected)
}

fn assert_credential(credential: &Value, id: &[u8]) {
    assert_eq!(credential["id"], URL_SAFE_NO_PAD.encode(id));
    assert_eq!(credential["rawId"], credential["id"]);
    assert_eq!(credential["type"], "public-key");
}

fn assert_client_data(response: &Value, kind: &str) {
    let text = bytes(&response["clientDataJSON"]);
    // "UTF-8 decode" strips a byte order mark.
    let json = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
    let client_data: Value = serde_json::from_slice(json).expect("accepted client data are JSON");
    assert_eq!(client_data["type"], kind);
    assert_eq!(client_data["origin"], ORIGIN);
    assert_eq!(client_data["challenge"], URL_SAFE_NO_PAD.encode(CHALLENGE));
}

/// Somebody names the owner, and nobody names somebody else.
fn assert_owner(proof: &Value) {
    let handle = &proof["credential"]["response"]["userHandle"];
    let owner = URL_SAFE_NO_PAD.encode(USER_HANDLE);
    assert!(proof["sub"] == SUBJECT || proof["sub"].is_null());
    assert!(*handle == owner || handle.is_null() || handle == "");
    assert!(proof["sub"] == SUBJECT || *handle == owner);
}

/// What `text` says, if the members of these objects and of the `response` in the last have
/// names: serde also reads their values in order, from an array.
fn with_names(text: &str, objects: &[&str]) -> Option<Value> {
    let read: Value = serde_json::from_str(text).expect("what is read is JSON");
    let response = format!("{}/response", objects.last()?);
    let mut objects = objects.iter().copied().chain([&response[..]]);
    let have_names = objects.all(|at| read.pointer(at).is_some_and(Value::is_object));
    have_names.then_some(read)
}

fn bytes(member: &Value) -> Vec<u8> {
    let text = member.as_str().expect("accepted bytes are a string");
    URL_SAFE_NO_PAD
        .decode(text)
        .expect("accepted bytes are base64url")
}

/// The proof `text` with the signature that belongs to it, if it is far enough a proof to have
/// one.
fn signed(text: &str) -> Option<String> {
    let mut proof: Value = serde_json::from_str(text).ok()?;
    let response = proof
        .get_mut("credential")?
        .get_mut("response")?
        .as_object_mut()?;
    let decoded = |name: &str| {
        let text = response.get(name)?.as_str()?;
        URL_SAFE_NO_PAD.decode(text).ok()
    };
    let client_data_hash = Sha256::digest(decoded("clientDataJSON")?);
    let message = [&decoded("authenticatorData")?[..], &client_data_hash].concat();
    let signature = URL_SAFE_NO_PAD.encode(AUTHENTICATOR.key().sign_der(&message));
    response.insert("signature".to_owned(), signature.into());
    Some(proof.to_string())
}

fn seeds() -> Vec<Vec<u8>> {
    let with_handle = proof();
    let mut named = with_handle.clone();
    named["sub"] = SUBJECT.into();
    named["credential"]["response"]["userHandle"] = Value::Null;
    let mut emptied = named.clone();
    emptied["credential"]["response"]["userHandle"] = "".into();
    let mut registrations = vec![
        AUTHENTICATOR.register_json(&registration_options()),
        AUTHENTICATOR.register_json(&RegistrationOptions {
            attestation: Attestation::PackedSelf,
            ..registration_options()
        }),
    ];
    registrations.extend(CredentialKey::one_of_each().map(|key| {
        let options = RegistrationOptions {
            cose_key: Some(key.cose()),
            ..registration_options()
        };
        AUTHENTICATOR.register_json(&options)
    }));
    let registrations = registrations.iter().map(|json| format!("r{json}"));
    let proofs = [
        format!("a{with_handle}"),
        format!("a{named}"),
        format!("a{emptied}"),
        format!("s{with_handle}"),
        format!("s{named}"),
    ];
    registrations
        .chain(proofs)
        .map(String::into_bytes)
        .collect()
}

fn registration_options() -> RegistrationOptions {
    RegistrationOptions {
        challenge: CHALLENGE.to_vec(),
        ..cbor::options(Attestation::None)
    }
}

fn proof() -> Value {
    let options = AssertionOptions {
        challenge: Some(CHALLENGE.to_vec()),
        ..AssertionOptions::new(ORIGIN, RP_ID, json!({}))
    };
    json!({
        "transaction_id": "the-transaction",
        "nonce": "the-nonce",
        "credential": AUTHENTICATOR.assert_json(&options, USER_HANDLE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_accepted() {
        for seed in seeds() {
            let text = str::from_utf8(&seed[1..]).expect("a seed is text");
            if seed[0] == b'r' {
                verify_as_registration(text).expect("a sound registration");
            } else {
                let proof = Fido2Assertion::parse(text).expect("a proof");
                verify_as_proof(&proof).expect("a sound proof");
            }
        }
    }
}
