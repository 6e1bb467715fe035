use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::{AssertionOptions, Authenticator, RegistrationOptions, SoftwareKey, flags};
use keymoor_types::wire::{AuthenticationProof, ProofKind};
use keymoor_webauthn::assertion::{
    AssertionExpectation, AssertionProof, ExpectedCredential, VerifiedAssertion,
};
use keymoor_webauthn::proof::ProofError;
use keymoor_webauthn::{AuthenticatorDataError, ClientDataError, PublicKey};
use serde_json::{Value, json};

use crate::{ORIGIN, RP_ID, SUBJECT, TOKEN, assertion_expectation, challenge, trusted_origins};

fn valid() -> AssertionOptions {
    AssertionOptions::new(ORIGIN, RP_ID, challenge().claims())
}

fn parse(raw: String) -> Result<AssertionProof, ProofError> {
    AssertionProof::parse(&AuthenticationProof::WebAuthn(raw))
}

fn verify(raw: String) -> Result<VerifiedAssertion, ProofError> {
    let authenticator = Authenticator::from_seed(1);
    let key = PublicKey::from_jwk(&authenticator.key().jwk()).expect("a valid key");
    let trusted = trusted_origins();
    let credential = ExpectedCredential::WebAuthn {
        credential_id: authenticator.credential_id(),
        rp_id: RP_ID,
    };
    parse(raw)?.verify(&key, &assertion_expectation(&trusted, credential))
}

fn forged(forge: impl FnOnce(&mut AssertionOptions)) -> Result<VerifiedAssertion, ProofError> {
    let mut options = valid();
    forge(&mut options);
    verify(Authenticator::from_seed(1).assert(&options))
}

#[test]
fn c3_a_webauthn_credential_signs_in() {
    let authenticator = Authenticator::from_seed(1);
    let mut options = valid();
    options.sign_count = 7;
    options.flags |= flags::BE | flags::BS;
    options.extensions = Some(vec![0xa0]);
    let raw = authenticator.assert(&options);
    let proof = parse(raw.clone()).unwrap();
    assert_eq!(proof.kind(), ProofKind::Webauthn);
    assert_eq!(proof.key_thumbprint(), authenticator.key().thumbprint());
    assert_eq!(proof.credential_id(), Some(authenticator.credential_id()));

    let verified = verify(raw).unwrap();
    assert_eq!(verified.transaction_id(), "the-transaction");
    assert_eq!(verified.nonce(), "the-nonce");
    assert_eq!(verified.kind(), ProofKind::Webauthn);
    assert!(verified.user_verified());
    let facts = verified.webauthn().unwrap();
    assert_eq!(facts.sign_count(), 7);
    assert!(facts.backup_eligible() && facts.backup_state());
    assert_eq!(facts.origin(), ORIGIN);
}

/// Chrome signs the whole origin of an extension as the RP ID.
#[test]
fn a_credential_of_an_extension_signs_in_at_this_extension_only() {
    const EXTENSION: &str = "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba";
    let authenticator = Authenticator::from_seed(1);
    let key = PublicKey::from_jwk(&authenticator.key().jwk()).expect("a valid key");
    let verify = |rp_id: &str, trusted: &str| {
        let raw = authenticator.assert(&AssertionOptions::new(
            EXTENSION,
            rp_id,
            challenge().claims(),
        ));
        let credential = ExpectedCredential::WebAuthn {
            credential_id: authenticator.credential_id(),
            rp_id: EXTENSION,
        };
        let trusted = [trusted.to_owned()];
        parse(raw)
            .unwrap()
            .verify(&key, &assertion_expectation(&trusted, credential))
            .map(|_| ())
    };
    assert_eq!(verify(EXTENSION, EXTENSION), Ok(()));
    let of_another = "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (rp_id, trusted) in [
        (&EXTENSION["chrome-extension://".len()..], EXTENSION),
        (of_another, EXTENSION),
        (EXTENSION, of_another),
    ] {
        assert!(verify(rp_id, trusted).is_err(), "{rp_id} {trusted}");
    }
}

#[test]
fn c3_refuses_client_data_of_another_ceremony_origin_or_frame() {
    type Forge = fn(&mut AssertionOptions);
    for (name, forge, expected) in [
        (
            "a registration",
            (|o| o.client_data.kind = "webauthn.create".to_owned()) as Forge,
            ClientDataError::Type,
        ),
        (
            "an untrusted origin",
            |o| o.client_data.origin = "https://evil.example".to_owned(),
            ClientDataError::Origin,
        ),
        (
            "a cross-origin frame",
            |o| o.client_data.cross_origin = Some(true),
            ClientDataError::CrossOrigin,
        ),
        (
            "a named top origin",
            |o| o.client_data.top_origin = Some(ORIGIN.to_owned()),
            ClientDataError::TopOrigin,
        ),
        (
            "no JSON",
            |o| o.client_data.raw = Some(String::new()),
            ClientDataError::Malformed,
        ),
    ] {
        assert_eq!(
            forged(forge).unwrap_err(),
            ProofError::ClientData(expected),
            "{name}"
        );
    }
}

#[test]
fn c3_refuses_authenticator_data_that_do_not_vouch_for_this_user_here() {
    use AuthenticatorDataError::{
        BackupState, Extensions, RpIdHash, TrailingBytes, UserNotPresent, UserNotVerified,
    };
    type Forge = fn(&mut AssertionOptions);
    for (name, forge, expected) in [
        (
            "the RP ID of another host",
            (|o| o.rp_id = "evil.example".to_owned()) as Forge,
            RpIdHash,
        ),
        ("no UP", |o| o.flags &= !flags::UP, UserNotPresent),
        ("no UV", |o| o.flags &= !flags::UV, UserNotVerified),
        ("BS without BE", |o| o.flags |= flags::BS, BackupState),
        (
            "trailing bytes",
            |o| o.after_authenticator_data = vec![0],
            TrailingBytes,
        ),
        (
            "extensions that are no map",
            |o| o.extensions = Some(vec![0x00]),
            Extensions,
        ),
    ] {
        let expected = ProofError::AuthenticatorData(expected);
        assert_eq!(forged(forge).unwrap_err(), expected, "{name}");
    }
}

#[test]
fn c3_refuses_a_trusted_origin_that_the_credential_was_not_made_for() {
    let result = forged(|o| {
        o.client_data.origin = "https://other.example.org".to_owned();
        o.rp_id = "other.example.org".to_owned();
    });
    assert_eq!(result.unwrap_err(), ProofError::RpId);
}

#[test]
fn c3_refuses_another_key_credential_or_signature() {
    let authenticator = Authenticator::from_seed(1);
    let stranger = SoftwareKey::from_seed(2);
    let by_stranger = authenticator.assert_signed_by(&stranger, &valid());
    assert_eq!(verify(by_stranger).unwrap_err(), ProofError::Signature);
    let of_stranger = Authenticator::from_seed(2).assert(&valid());
    assert_eq!(verify(of_stranger).unwrap_err(), ProofError::KeyId);

    for id in ["", "AAAA", "AAA=", "****"] {
        let result = forged(|o| o.claims["pub_key_cred_id"] = id.into());
        assert_eq!(result.unwrap_err(), ProofError::CredentialId, "{id}");
    }
    let padded = STANDARD.encode(authenticator.credential_id());
    let result = forged(|o| o.claims["pub_key_cred_id"] = padded.into());
    assert_eq!(result.unwrap_err(), ProofError::CredentialId);
    let result = forged(|o| o.claims["pub_key_cred_id"] = Value::Null);
    assert_eq!(result.unwrap_err(), ProofError::CredentialId);
}

#[test]
fn c3_refuses_a_challenge_that_is_not_header_and_claims() {
    let header = json!({ "alg": "ES256", "kid": "k" });
    let claims = challenge().claims();
    for (challenge, expected) in [
        (json!({ "header": header }), ProofError::MalformedChallenge),
        (json!({ "claims": claims }), ProofError::MalformedChallenge),
        (
            json!({ "header": header, "claims": claims, "more": 1 }),
            ProofError::MalformedChallenge,
        ),
        (
            json!({ "header": [], "claims": claims }),
            ProofError::MalformedChallenge,
        ),
        (
            json!({ "header": header, "claims": [] }),
            ProofError::MalformedClaims,
        ),
        (
            json!({ "sub": SUBJECT, "token": TOKEN }),
            ProofError::MalformedChallenge,
        ),
        (json!("text"), ProofError::MalformedChallenge),
    ] {
        let result = forged(|o| o.challenge = Some(challenge.to_string().into_bytes()));
        assert_eq!(result.unwrap_err(), expected, "{challenge}");
    }
    let repeated = format!(r#"{{"header":{{}},"header":{header},"claims":{claims}}}"#);
    let result = forged(|o| o.challenge = Some(repeated.into_bytes()));
    assert_eq!(result.unwrap_err(), ProofError::MalformedChallenge);
    let result = forged(|o| o.challenge = Some(vec![0; 32]));
    assert_eq!(result.unwrap_err(), ProofError::MalformedChallenge);
}

#[test]
fn c3_the_challenge_obeys_the_same_rules_as_a_software_proof() {
    let key = SoftwareKey::from_seed(1);
    let header = |more: Value| {
        let mut header = json!({ "alg": "ES256", "kid": key.thumbprint() });
        let members = more.as_object().expect("an object").clone();
        header.as_object_mut().expect("an object").extend(members);
        header
    };
    for (more, expected) in [
        (json!({ "alg": "none" }), ProofError::Algorithm),
        (
            json!({ "jwk": key.jwk() }),
            ProofError::RefusedHeader("jwk"),
        ),
        (
            json!({ "jku": "https://a.example" }),
            ProofError::RefusedHeader("jku"),
        ),
        (json!({ "kid": "another" }), ProofError::KeyId),
    ] {
        let result = forged(|o| o.header = Some(header(more)));
        assert_eq!(result.unwrap_err(), expected);
    }
    for (name, value, expected) in [
        ("sub", json!("CN=other"), ProofError::Subject),
        (
            "aud",
            json!(["https://other.example"]),
            ProofError::Audience,
        ),
        ("exp", json!(0), ProofError::Expired),
        ("nbf", json!(i64::MAX), ProofError::NotYetValid),
        ("iat", json!(0), ProofError::IssuedAt),
    ] {
        let result = forged(|o| o.claims[name] = value);
        assert_eq!(result.unwrap_err(), expected, "{name}");
    }
}

#[test]
fn a_webauthn_proof_never_passes_for_a_software_key() {
    let authenticator = Authenticator::from_seed(1);
    let key = PublicKey::from_jwk(&authenticator.key().jwk()).unwrap();
    let trusted = trusted_origins();
    let expected: AssertionExpectation<'_> =
        assertion_expectation(&trusted, ExpectedCredential::Software);
    let proof = parse(authenticator.assert(&valid())).unwrap();
    assert_eq!(proof.verify(&key, &expected).unwrap_err(), ProofError::Kind);
}

#[test]
fn a_proof_of_one_kind_does_not_parse_as_the_other() {
    let authenticator = Authenticator::from_seed(1);
    let jws = authenticator
        .key()
        .authentication_jws(&challenge().claims());
    assert_eq!(parse(jws).unwrap_err(), ProofError::MalformedAssertion);
    let assertion = AuthenticationProof::Jwt(authenticator.assert(&valid()));
    assert_eq!(
        AssertionProof::parse(&assertion).unwrap_err(),
        ProofError::NotCompactJws
    );
    let options = RegistrationOptions::new(ORIGIN, RP_ID, SUBJECT, TOKEN);
    let registration = authenticator.register(&options);
    assert_eq!(
        parse(registration).unwrap_err(),
        ProofError::MalformedAssertion
    );
}

#[test]
fn c3_the_three_members_are_standard_base64_with_padding() {
    let raw = Authenticator::from_seed(1).assert(&valid());
    let json: Value = serde_json::from_str(&raw).unwrap();
    for name in ["authenticator_data", "client_data", "signature"] {
        for value in [
            json!("AAA"),
            json!("A-_A"),
            json!("AAAA\n"),
            json!(1),
            Value::Null,
        ] {
            let mut changed = json.clone();
            changed[name] = value;
            let result = parse(changed.to_string());
            assert_eq!(
                result.unwrap_err(),
                ProofError::MalformedAssertion,
                "{name}"
            );
        }
    }
    let repeated = raw.replacen('{', r#"{"signature":"","#, 1);
    assert_eq!(parse(repeated).unwrap_err(), ProofError::MalformedAssertion);
}
