use keymoor_testkit::{Jws, SoftwareKey};
use keymoor_webauthn::proof::{BindingPayloadError, BindingSubject, ProofError};
use keymoor_webauthn::proof::{VerifiedBinding, verify_binding_jws};
use keymoor_webauthn::{KeyError, PublicKey};
use serde_json::{Value, json};

use crate::{SUBJECT, TOKEN, challenge};

fn verify(raw: &str) -> Result<VerifiedBinding, ProofError> {
    let expected = BindingSubject {
        subject: SUBJECT,
        token: TOKEN,
    };
    verify_binding_jws(raw, &expected)
}

fn valid(key: &SoftwareKey) -> Jws {
    Jws::binding(key, SUBJECT, TOKEN)
}

#[test]
fn b1_a_software_key_proves_possession_and_its_job() {
    let key = SoftwareKey::from_seed(1);
    let verified = verify(&key.binding_jws(SUBJECT, TOKEN)).unwrap();
    assert_eq!(
        *verified.public_key(),
        PublicKey::from_jwk(&key.jwk()).unwrap()
    );
    let with_more = valid(&key).header("typ", "JWT").header("kid", "any");
    assert!(verify(&with_more.signed_by(&key)).is_ok());
}

#[test]
fn b1_refuses_another_key_a_changed_payload_and_every_other_algorithm() {
    let (key, other) = (SoftwareKey::from_seed(1), SoftwareKey::from_seed(2));
    let signed = valid(&key).signed_by(&key);
    let transplanted = {
        let foreign = Jws::binding(&key, "CN=other", TOKEN).signed_by(&key);
        let parts: Vec<_> = signed.split('.').collect();
        let payload = foreign.split('.').nth(1).unwrap();
        format!("{}.{payload}.{}", parts[0], parts[2])
    };
    let claiming = |alg: Value| valid(&key).header("alg", alg).signed_by(&key);
    for (name, raw, expected) in [
        (
            "by another key",
            valid(&key).signed_by(&other),
            ProofError::Signature,
        ),
        (
            "a transplanted payload",
            transplanted,
            ProofError::Signature,
        ),
        ("alg none", valid(&key).unsigned(), ProofError::Algorithm),
        (
            "HS256 with the public key",
            valid(&key).hmac_signed(key.point()),
            ProofError::Algorithm,
        ),
        ("alg RS256", claiming("RS256".into()), ProofError::Algorithm),
        ("alg ES384", claiming("ES384".into()), ProofError::Algorithm),
        ("alg es256", claiming("es256".into()), ProofError::Algorithm),
        (
            "alg in an array",
            claiming(json!(["ES256"])),
            ProofError::Algorithm,
        ),
        (
            "no alg",
            valid(&key).without_header("alg").signed_by(&key),
            ProofError::Algorithm,
        ),
    ] {
        assert_eq!(verify(&raw), Err(expected), "{name}");
    }
}

#[test]
fn b1_refuses_headers_that_choose_their_own_key_or_rules() {
    let key = SoftwareKey::from_seed(1);
    for (name, value) in [
        ("jku", json!("https://attacker.example/jwks.json")),
        ("x5u", json!("https://attacker.example/certificate")),
        ("x5c", json!(["MAA="])),
        ("crit", json!(["b64"])),
        ("jku", Value::Null),
    ] {
        let raw = valid(&key).header(name, value).signed_by(&key);
        assert_eq!(verify(&raw), Err(ProofError::RefusedHeader(name)));
    }
}

#[test]
fn b1_refuses_a_header_key_that_is_private_off_curve_or_absent() {
    let key = SoftwareKey::from_seed(1);
    let mut off_curve = key.jwk();
    off_curve["y"] = off_curve["x"].clone();
    let with = |jwk: Value| valid(&key).header("jwk", jwk).signed_by(&key);
    for (name, raw, expected) in [
        ("private", with(key.private_jwk()), KeyError::Private),
        ("off the curve", with(off_curve), KeyError::NotOnCurve),
        (
            "symmetric",
            with(json!({ "kty": "oct", "k": "AA" })),
            KeyError::Unsupported,
        ),
        (
            "absent",
            valid(&key).without_header("jwk").signed_by(&key),
            KeyError::NotJwk,
        ),
        (
            "a proof at sign-in",
            key.authentication_jws(&challenge().claims()),
            KeyError::NotJwk,
        ),
    ] {
        assert_eq!(verify(&raw), Err(ProofError::Key(expected)), "{name}");
    }
}

#[test]
fn b1_refuses_any_payload_but_exactly_this_subject_and_token() {
    use BindingPayloadError::{Malformed, Subject, Token};
    let key = SoftwareKey::from_seed(1);
    let repeated = format!(r#"{{"sub":"{SUBJECT}","token":"other","token":"{TOKEN}"}}"#);
    for (payload, expected) in [
        (
            json!({ "sub": "CN=00a9, OU=00b2, O=00c3", "token": TOKEN }),
            Subject,
        ),
        (
            json!({ "sub": SUBJECT.to_lowercase(), "token": TOKEN }),
            Subject,
        ),
        (
            json!({ "sub": format!("{SUBJECT} "), "token": TOKEN }),
            Subject,
        ),
        (json!({ "sub": SUBJECT, "token": "another-token" }), Token),
        (json!({ "sub": SUBJECT, "token": "" }), Token),
        (json!({ "sub": SUBJECT, "token": &TOKEN[1..] }), Token),
        (
            json!({ "sub": SUBJECT, "token": format!("{TOKEN}x") }),
            Token,
        ),
        (json!({ "sub": SUBJECT }), Malformed),
        (json!({ "token": TOKEN }), Malformed),
        (
            json!({ "sub": SUBJECT, "token": TOKEN, "aud": "x" }),
            Malformed,
        ),
        (json!({ "sub": SUBJECT, "token": [TOKEN] }), Malformed),
        (json!([SUBJECT, TOKEN]), Malformed),
        (json!(TOKEN), Malformed),
    ] {
        let raw = valid(&key).payload(payload.to_string()).signed_by(&key);
        assert_eq!(
            verify(&raw),
            Err(ProofError::Binding(expected)),
            "{payload}"
        );
    }
    for payload in [&repeated, "", "{", "not JSON"] {
        let raw = valid(&key).payload(payload).signed_by(&key);
        assert_eq!(
            verify(&raw),
            Err(ProofError::Binding(Malformed)),
            "{payload}"
        );
    }
}

#[test]
fn b1_refuses_what_is_no_compact_jws() {
    let key = SoftwareKey::from_seed(1);
    let raw = key.binding_jws(SUBJECT, TOKEN);
    let (input, _) = raw.rsplit_once('.').unwrap();
    for (name, raw) in [
        ("nothing", String::new()),
        ("one part", "e30".to_owned()),
        ("two parts", input.to_owned()),
        ("four parts", format!("{raw}.AA")),
        ("padding", format!("{raw}==")),
        ("white space before", format!(" {raw}")),
        ("a line break after", format!("{raw}\n")),
        ("standard base64", raw.replace(['-', '_'], "+") + "/"),
    ] {
        assert_eq!(verify(&raw), Err(ProofError::NotCompactJws), "{name}");
    }
    let der = raw.replace(raw.rsplit_once('.').unwrap().1, "MAYCAQECAQE");
    assert_eq!(verify(&der), Err(ProofError::Signature));
}

#[test]
fn b1_refuses_a_header_that_is_malformed_or_repeats_a_member() {
    let key = SoftwareKey::from_seed(1);
    let jwk = key.jwk();
    for header in [
        format!(r#"{{"alg":"none","alg":"ES256","jwk":{jwk}}}"#),
        format!(r#"{{"alg":"ES256","jwk":{{}},"jwk":{jwk}}}"#),
        format!(
            r#"{{"alg":"ES256","jwk":{}}}"#,
            jwk.to_string().replacen('{', r#"{"x":"","#, 1)
        ),
        r#"["ES256"]"#.to_owned(),
        "not JSON".to_owned(),
        String::new(),
    ] {
        let raw = valid(&key).raw_header(&header).signed_by(&key);
        assert_eq!(verify(&raw), Err(ProofError::MalformedHeader), "{header}");
    }
}

#[test]
fn no_error_repeats_the_proof() {
    let key = SoftwareKey::from_seed(1);
    let raw = Jws::binding(&key, "CN=other", TOKEN).signed_by(&key);
    let error = verify(&raw).unwrap_err();
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(TOKEN) && !text.contains("CN="), "{text}");
    }
}
