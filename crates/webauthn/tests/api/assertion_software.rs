use keymoor_testkit::{Challenge, Jws, SoftwareKey};
use keymoor_types::wire::{AuthenticationProof, ProofKind};
use keymoor_types::{Seconds, Timestamp};
use keymoor_webauthn::PublicKey;
use keymoor_webauthn::assertion::{
    AssertionExpectation, AssertionProof, ExpectedCredential, VerifiedAssertion,
};
use keymoor_webauthn::proof::ProofError;
use serde_json::{Value, json};

use crate::{AUDIENCE, NOW, SUBJECT, TOKEN, assertion_expectation, challenge};

fn expectation() -> AssertionExpectation<'static> {
    assertion_expectation(&[], ExpectedCredential::Software)
}

fn parse(raw: String) -> Result<AssertionProof, ProofError> {
    AssertionProof::parse(&AuthenticationProof::Jwt(raw))
}

fn verify(raw: String) -> Result<VerifiedAssertion, ProofError> {
    let key = PublicKey::from_jwk(&SoftwareKey::from_seed(1).jwk()).expect("a valid key");
    parse(raw)?.verify(&key, &expectation())
}

fn verify_claims(claims: &Value) -> Result<VerifiedAssertion, ProofError> {
    verify(SoftwareKey::from_seed(1).authentication_jws(claims))
}

fn valid() -> (SoftwareKey, Jws) {
    let key = SoftwareKey::from_seed(1);
    let jws = Jws::authentication(&key, &challenge().claims());
    (key, jws)
}

#[test]
fn c3_a_software_key_signs_in() {
    let (key, jws) = valid();
    let proof = parse(jws.signed_by(&key)).unwrap();
    assert_eq!(proof.key_thumbprint(), key.thumbprint());
    assert_eq!(proof.kind(), ProofKind::Jwt);
    assert_eq!(proof.credential_id(), None);
    assert_eq!(proof.claims().sub, SUBJECT);

    let verified = verify(jws.header("typ", "JWT").signed_by(&key)).unwrap();
    assert_eq!(verified.transaction_id(), "the-transaction");
    assert_eq!(verified.nonce(), "the-nonce");
    assert_eq!(verified.kind(), ProofKind::Jwt);
    assert!(!verified.user_verified());
    assert_eq!(verified.webauthn(), None);
    assert_eq!(verified.claims().bi_prf.as_deref(), Some("W10="));
    assert_eq!(verified.claims().flow_type.as_deref(), Some("embedded"));
}

#[test]
fn unknown_claims_are_ignored_and_a_lone_audience_is_one() {
    let mut claims = challenge().claims();
    claims["a claim from the future"] = json!({ "nested": [1, 2] });
    claims["aud"] = AUDIENCE.into();
    assert!(verify_claims(&claims).is_ok());
}

/// They are listed in `docs/reference/software-key-proofs.md`.
#[test]
fn what_the_sdk_says_of_itself_may_be_left_out() {
    let mut claims = challenge().claims();
    for optional in ["bi_prf", "bi_pol_ver", "flow_type"] {
        assert!(claims.as_object_mut().unwrap().remove(optional).is_some());
    }
    assert!(verify_claims(&claims).is_ok());
}

#[test]
fn c3_refuses_other_algorithms_and_headers_that_choose_their_own_key() {
    let (key, jws) = valid();
    let with = |name, value: Value| jws.clone().header(name, value).signed_by(&key);
    for (raw, expected) in [
        (jws.clone().unsigned(), ProofError::Algorithm),
        (jws.clone().hmac_signed(key.point()), ProofError::Algorithm),
        (with("alg", "RS256".into()), ProofError::Algorithm),
        (with("jwk", key.jwk()), ProofError::RefusedHeader("jwk")),
        (
            with("jku", "https://a.example".into()),
            ProofError::RefusedHeader("jku"),
        ),
        (
            with("x5u", "https://a.example".into()),
            ProofError::RefusedHeader("x5u"),
        ),
        (
            with("x5c", json!(["MAA="])),
            ProofError::RefusedHeader("x5c"),
        ),
        (
            with("crit", json!(["exp"])),
            ProofError::RefusedHeader("crit"),
        ),
        (with("kid", 1.into()), ProofError::KeyId),
        (
            jws.clone().without_header("kid").signed_by(&key),
            ProofError::KeyId,
        ),
        (
            key.binding_jws(SUBJECT, TOKEN),
            ProofError::RefusedHeader("jwk"),
        ),
    ] {
        assert_eq!(parse(raw).unwrap_err(), expected);
    }
}

#[test]
fn c3_refuses_the_signature_or_the_name_of_another_key() {
    let (key, jws) = valid();
    let other = SoftwareKey::from_seed(2);
    let unnamed = jws
        .clone()
        .header("kid", other.thumbprint())
        .signed_by(&key);
    assert_eq!(
        verify(jws.signed_by(&other)).unwrap_err(),
        ProofError::Signature
    );
    assert_eq!(verify(unnamed).unwrap_err(), ProofError::KeyId);

    let padded = jws.header("kid", format!("{}=", key.thumbprint()));
    assert_eq!(
        verify(padded.signed_by(&key)).unwrap_err(),
        ProofError::KeyId
    );
}

#[test]
fn c3_refuses_another_subject_or_audience() {
    let more = format!("{AUDIENCE}/");
    for (name, value, expected) in [
        ("sub", json!("CN=other"), ProofError::Subject),
        ("sub", json!(""), ProofError::Subject),
        ("aud", json!([]), ProofError::Audience),
        (
            "aud",
            json!(["https://other.example"]),
            ProofError::Audience,
        ),
        (
            "aud",
            json!([AUDIENCE, "https://other.example"]),
            ProofError::Audience,
        ),
        ("aud", json!([more]), ProofError::Audience),
    ] {
        let mut claims = challenge().claims();
        claims[name] = value;
        assert_eq!(verify_claims(&claims).unwrap_err(), expected, "{claims}");
    }
}

#[test]
fn c3_refuses_claims_that_are_malformed() {
    let (key, jws) = valid();
    for required in [
        "iss", "sub", "aud", "iat", "nbf", "exp", "jti", "bi_tid", "bi_non",
    ] {
        let mut claims = challenge().claims();
        claims.as_object_mut().unwrap().remove(required);
        assert_eq!(
            verify_claims(&claims).unwrap_err(),
            ProofError::MalformedClaims,
            "{required}"
        );
    }
    let valid_text = challenge().claims().to_string();
    for payload in [
        valid_text.replacen('{', r#"{"sub":"CN=other","#, 1),
        valid_text.replacen('{', r#"{"unknown":1,"unknown":2,"#, 1),
        valid_text.replace(&format!("{}", NOW + 4_200), "1e99"),
        "[]".to_owned(),
        String::new(),
    ] {
        let raw = jws.clone().payload(&payload).signed_by(&key);
        assert_eq!(
            verify(raw).unwrap_err(),
            ProofError::MalformedClaims,
            "{payload}"
        );
    }
}

#[test]
fn c3_browser_clocks_may_be_4_200_seconds_off_and_no_more() {
    let made_at = |now| {
        let claims = Challenge { now, ..challenge() }.claims();
        verify_claims(&claims).map(|_| ())
    };
    assert_eq!(made_at(NOW - 4_199), Ok(()));
    assert_eq!(made_at(NOW - 4_200), Err(ProofError::Expired));
    assert_eq!(made_at(NOW + 4_200), Ok(()));
    assert_eq!(made_at(NOW + 4_201), Err(ProofError::NotYetValid));
}

#[test]
fn c3_a_wide_window_does_not_outlive_the_leeway() {
    let with_times = |iat: i64, nbf: i64, exp: i64| {
        let mut claims = challenge().claims();
        claims["iat"] = iat.into();
        claims["nbf"] = nbf.into();
        claims["exp"] = exp.into();
        verify_claims(&claims).map(|_| ())
    };
    assert_eq!(with_times(NOW - 4_200, 0, i64::MAX), Ok(()));
    assert_eq!(
        with_times(NOW - 4_201, 0, i64::MAX),
        Err(ProofError::IssuedAt)
    );
    assert_eq!(
        with_times(NOW + 4_201, 0, i64::MAX),
        Err(ProofError::IssuedAt)
    );
    assert_eq!(
        with_times(i64::MIN, i64::MIN, i64::MAX),
        Err(ProofError::IssuedAt)
    );
    assert_eq!(
        with_times(NOW, NOW + 1, NOW + 2),
        Err(ProofError::NotYetValid)
    );
    assert_eq!(with_times(NOW, NOW, NOW + 1), Ok(()));
    assert_eq!(with_times(NOW, NOW, NOW), Err(ProofError::Expired));
}

#[test]
fn the_leeway_is_the_callers() {
    let (key, jws) = valid();
    let strict = AssertionExpectation {
        leeway: Seconds::MINUTE,
        now: Timestamp::from_seconds(NOW + 61),
        ..expectation()
    };
    let public = PublicKey::from_jwk(&key.jwk()).unwrap();
    let proof = parse(jws.signed_by(&key)).unwrap();
    assert_eq!(
        proof.verify(&public, &strict).unwrap_err(),
        ProofError::IssuedAt
    );
}

#[test]
fn a_software_proof_never_passes_for_a_webauthn_credential() {
    let (key, jws) = valid();
    let expected = AssertionExpectation {
        credential: ExpectedCredential::WebAuthn {
            credential_id: b"any",
            rp_id: "app.example.org",
        },
        ..expectation()
    };
    let public = PublicKey::from_jwk(&key.jwk()).unwrap();
    let proof = parse(jws.signed_by(&key)).unwrap();
    assert_eq!(
        proof.verify(&public, &expected).unwrap_err(),
        ProofError::Kind
    );
}

#[test]
fn debug_output_holds_no_part_of_the_proof() {
    let (key, jws) = valid();
    let proof = parse(jws.signed_by(&key)).unwrap();
    let verified = verify(jws.signed_by(&key)).unwrap();
    for text in [format!("{proof:?}"), format!("{verified:?}")] {
        assert!(
            !text.contains("the-nonce") && !text.contains("CN="),
            "{text}"
        );
    }
}
