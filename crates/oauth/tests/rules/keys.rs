use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::jose::{Algorithm, KeySet, SigningKey, TokenType, VerifyingKey, verify};
use serde_json::{Value, json};

use crate::jose::{ACCESS, EC, RSA, claims, encode, read};

#[test]
fn a_key_survives_storage_and_is_no_key_of_the_other_algorithm() {
    for key in [&*EC, &*RSA] {
        let stored = key.to_pkcs8();
        let restored = SigningKey::from_pkcs8(key.algorithm(), &stored).unwrap();
        assert_eq!(restored.kid(), key.kid());
        assert_eq!(restored.public_jwk(), key.public_jwk());
        assert_eq!(read(&restored.sign(ACCESS, &claims())), Ok(claims()));
        let other = match key.algorithm() {
            Algorithm::Es256 => Algorithm::Rs256,
            Algorithm::Rs256 => Algorithm::Es256,
        };
        assert!(SigningKey::from_pkcs8(other, &stored).is_err());
        assert!(SigningKey::from_pkcs8(key.algorithm(), &stored[1..]).is_err());
    }
}

#[test]
fn a_published_key_holds_nothing_private_and_verifies() {
    let members = |key: &SigningKey| {
        let jwk = key.public_jwk();
        let mut names: Vec<_> = jwk.as_object().unwrap().keys().cloned().collect();
        names.sort();
        (names.join(" "), jwk)
    };
    let (names, jwk) = members(&EC);
    assert_eq!(names, "alg crv kid kty use x y");
    assert_eq!(VerifyingKey::from_jwk(&jwk).unwrap().kid(), EC.kid());
    let (names, jwk) = members(&RSA);
    assert_eq!(names, "alg e kid kty n use");
    assert_eq!(VerifyingKey::from_jwk(&jwk).unwrap().kid(), RSA.kid());
    assert_eq!(jwk["e"], "AQAB");

    for key in [&*EC, &*RSA] {
        let from_jwk: KeySet = [VerifyingKey::from_jwk(&key.public_jwk()).unwrap()]
            .into_iter()
            .collect();
        let token = key.sign(ACCESS, &claims());
        assert_eq!(
            verify(&token, &from_jwk, TokenType::AccessToken),
            Ok(claims())
        );
    }
}

#[test]
fn debug_output_shows_no_key() {
    let shown = format!("{:?} {:?}", *EC, EC.verifying_key());
    let private = EC.to_pkcs8();
    assert!(!shown.contains(&encode(&private)[60..80]));
    assert_eq!(
        shown,
        format!(
            "SigningKey {{ algorithm: Es256, kid: \"{kid}\", .. }} \
             VerifyingKey {{ algorithm: Es256, kid: \"{kid}\", .. }}",
            kid = EC.kid()
        )
    );
}

#[test]
fn keys_that_are_not_ours_to_use_are_refused() {
    let ec = EC.public_jwk();
    let rsa = RSA.public_jwk();
    let changed = |jwk: &Value, member: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[member] = value;
        jwk
    };
    let y_of_another_key = SigningKey::generate(Algorithm::Es256).unwrap().public_jwk()["y"].take();
    let modulus = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    let wrong = [
        ("empty", json!({})),
        ("not an object", json!("key")),
        ("private", changed(&ec, "d", json!("AA"))),
        ("for encryption", changed(&ec, "use", json!("enc"))),
        ("another algorithm", changed(&ec, "alg", json!("ES384"))),
        ("RSA's algorithm", changed(&ec, "alg", json!("RS256"))),
        ("PSS", changed(&rsa, "alg", json!("PS256"))),
        ("HMAC", changed(&rsa, "alg", json!("HS256"))),
        ("another curve", changed(&ec, "crv", json!("P-384"))),
        ("off the curve", changed(&ec, "y", y_of_another_key)),
        (
            "a short coordinate",
            changed(&ec, "x", json!(encode([1; 31]))),
        ),
        (
            "a long coordinate",
            changed(&ec, "x", json!(encode([1; 33]))),
        ),
        ("symmetric", json!({"kty": "oct", "k": "AAAA"})),
        (
            "OKP",
            json!({"kty": "OKP", "crv": "Ed25519", "x": encode([1; 32])}),
        ),
        (
            "1,024 bits",
            changed(&rsa, "n", json!(encode(&modulus[..128]))),
        ),
        (
            "a leading zero",
            changed(&rsa, "n", json!(encode([&[0][..], &modulus].concat()))),
        ),
        ("no exponent", changed(&rsa, "e", json!(""))),
        ("exponent 1", changed(&rsa, "e", json!("AQ"))),
    ];
    for (what, jwk) in wrong {
        assert!(VerifyingKey::from_jwk(&jwk).is_err(), "{what}");
    }
}
