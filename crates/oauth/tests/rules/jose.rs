use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use keymoor_oauth::jose::{
    Algorithm, JoseError, JwtHeader, KeySet, MAX_TOKEN_BYTES, SigningKey, TokenType, verify,
};
use proptest::{prop_assert_eq, proptest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) static EC: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());
pub(crate) static RSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Rs256).unwrap());

pub(crate) const ACCESS: JwtHeader<'_> = JwtHeader {
    typ: TokenType::AccessToken,
    jku: None,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    sub: String,
    exp: i64,
}

pub(crate) fn claims() -> Claims {
    Claims {
        sub: "somebody".to_owned(),
        exp: 10,
    }
}

fn keys() -> KeySet {
    [EC.verifying_key(), RSA.verifying_key()]
        .into_iter()
        .collect()
}

pub(crate) fn read(token: &str) -> Result<Claims, JoseError> {
    verify(token, &keys(), TokenType::AccessToken)
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with a header of the attacker's choice and the signature of a genuine one.
fn with_header(key: &SigningKey, header: &str) -> String {
    let genuine = key.sign(ACCESS, &claims());
    let (_, rest) = genuine.split_once('.').unwrap();
    format!("{}.{rest}", encode(header))
}

fn genuine_header(key: &SigningKey) -> Value {
    json!({ "alg": key.algorithm().as_str(), "kid": key.kid(), "typ": "at+jwt" })
}

fn header_of(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

#[test]
fn what_is_signed_is_read_back() {
    for key in [&*EC, &*RSA] {
        assert_eq!(read(&key.sign(ACCESS, &claims())), Ok(claims()));
    }
}

#[test]
fn the_header_names_algorithm_key_kind_and_where_the_key_is() {
    let header = JwtHeader {
        typ: TokenType::Request,
        jku: Some("https://op.example/jwks.json"),
    };
    let token = EC.sign(header, &claims());
    assert_eq!(
        header_of(&token),
        json!({
            "alg": "ES256",
            "kid": EC.kid(),
            "jku": "https://op.example/jwks.json",
        })
    );
    assert_eq!(
        verify(&token, &keys(), TokenType::Request),
        Ok(claims()),
        "jku is allowed and not followed"
    );
    let signature = token.rsplit_once('.').unwrap().1;
    assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap().len(), 64);
}

#[test]
fn the_algorithm_comes_from_the_key_and_never_from_the_header() {
    for key in [&*EC, &*RSA] {
        for alg in [
            "none", "None", "nOnE", "", "HS256", "HS512", "ES256", "RS256", "PS256", "ES384",
            "es256", "EdDSA",
        ] {
            if alg == key.algorithm().as_str() {
                continue;
            }
            let mut header = genuine_header(key);
            header["alg"] = json!(alg);
            let token = with_header(key, &header.to_string());
            assert_eq!(read(&token), Err(JoseError::WrongAlgorithm), "{alg}");
            let (unsigned, _) = token.rsplit_once('.').unwrap();
            assert_eq!(
                read(&format!("{unsigned}.")),
                Err(JoseError::WrongAlgorithm),
                "{alg} without signature"
            );
        }
    }
}

#[test]
fn a_token_authenticated_with_the_public_key_as_a_secret_is_refused() {
    use aws_lc_rs::hmac;

    let public_key = RSA.public_jwk().to_string();
    for alg in ["HS256", "RS256"] {
        let mut header = genuine_header(&RSA);
        header["alg"] = json!(alg);
        let input = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(serde_json::to_vec(&claims()).unwrap())
        );
        let secret = hmac::Key::new(hmac::HMAC_SHA256, public_key.as_bytes());
        let token = format!("{input}.{}", encode(hmac::sign(&secret, input.as_bytes())));
        let expected = match alg {
            "HS256" => JoseError::WrongAlgorithm,
            _ => JoseError::WrongSignature,
        };
        assert_eq!(read(&token), Err(expected));
    }
}

#[test]
fn a_key_of_one_algorithm_does_not_verify_for_the_other() {
    for (signer, named) in [(&*EC, &*RSA), (&*RSA, &*EC)] {
        let mut header = genuine_header(named);
        let token = with_header(signer, &header.to_string());
        assert_eq!(read(&token), Err(JoseError::WrongSignature));
        header["alg"] = json!(signer.algorithm().as_str());
        let token = with_header(signer, &header.to_string());
        assert_eq!(read(&token), Err(JoseError::WrongAlgorithm));
    }
}

#[test]
fn an_attacker_cannot_bring_a_key_or_an_extension() {
    for (name, value) in [
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("crit", Value::Null),
        ("jwk", EC.public_jwk()),
        ("jwk", Value::Null),
        ("x5u", json!("https://attacker.example/chain")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = genuine_header(&EC);
        header[name] = value;
        assert_eq!(
            read(&with_header(&EC, &header.to_string())),
            Err(JoseError::RefusedHeader),
            "{name}"
        );
    }
}

#[test]
fn an_unknown_key_is_an_error_of_its_own() {
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    let token = stranger.sign(ACCESS, &claims());
    assert_eq!(read(&token), Err(JoseError::UnknownKey));
    let mut header = genuine_header(&EC);
    let (_, rest) = token.split_once('.').unwrap();
    assert_eq!(
        read(&format!("{}.{rest}", encode(header.to_string()))),
        Err(JoseError::WrongSignature),
        "another key's kid"
    );
    header.as_object_mut().unwrap().remove("kid");
    assert_eq!(
        read(&with_header(&EC, &header.to_string())),
        Err(JoseError::Malformed)
    );
}

#[test]
fn c6_no_kind_of_token_passes_as_another() {
    let kinds = [
        TokenType::AccessToken,
        TokenType::IdToken,
        TokenType::Request,
    ];
    for signed_as in kinds {
        let token = EC.sign(
            JwtHeader {
                typ: signed_as,
                jku: None,
            },
            &claims(),
        );
        for read_as in kinds {
            let expected = if signed_as == read_as {
                Ok(claims())
            } else {
                Err(JoseError::WrongType)
            };
            assert_eq!(verify(&token, &keys(), read_as), expected);
        }
    }
    for typ in [
        json!(null),
        json!("AT+JWT"),
        json!("application/at+jwt"),
        json!(""),
    ] {
        let mut header = genuine_header(&EC);
        header["typ"] = typ;
        let token = with_header(&EC, &header.to_string());
        assert_eq!(read(&token), Err(JoseError::WrongType));
    }
    let mut header = genuine_header(&EC);
    header.as_object_mut().unwrap().remove("typ");
    let token = with_header(&EC, &header.to_string());
    assert_eq!(read(&token), Err(JoseError::WrongType));
}

#[test]
fn repeated_members_are_refused() {
    let kid = EC.kid();
    for header in [
        format!(r#"{{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"ES256","typ":"JWT","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"x","kid":"{kid}"}}"#),
    ] {
        assert_eq!(
            read(&with_header(&EC, &header)),
            Err(JoseError::Malformed),
            "{header}"
        );
    }
    assert_eq!(
        read(&EC.sign(ACCESS, &TwoSubjects)),
        Err(JoseError::MalformedClaims)
    );
}

struct TwoSubjects;

impl Serialize for TwoSubjects {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([
            ("sub", json!("me")),
            ("sub", json!("admin")),
            ("exp", json!(1)),
        ])
    }
}

#[test]
fn claims_of_the_wrong_type_are_no_absent_claims() {
    for wrong in [
        json!({"sub": "somebody"}),
        json!({"sub": "somebody", "exp": "10"}),
        json!({"sub": "somebody", "exp": null}),
        json!({"sub": ["somebody"], "exp": 10}),
        json!([]),
        json!(null),
    ] {
        assert_eq!(
            read(&EC.sign(ACCESS, &wrong)),
            Err(JoseError::MalformedClaims),
            "{wrong}"
        );
    }
}

#[test]
fn a_token_has_one_spelling() {
    let token = EC.sign(ACCESS, &claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let stray_bits = {
        // 64 bytes leave four unused bits in the last of 86 characters.
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let last = signature.as_bytes()[85];
        let index = alphabet.iter().position(|byte| *byte == last).unwrap();
        format!("{}{}", &signature[..85], char::from(alphabet[index | 1]))
    };
    for (what, wrong) in [
        ("empty", String::new()),
        ("dots", "..".to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{token}.{signature}")),
        ("a leading space", format!(" {token}")),
        ("a trailing newline", format!("{token}\n")),
        ("an inner space", format!("{header}. {payload}.{signature}")),
        (
            "padding",
            format!("{header}.{payload}.{}", URL_SAFE.encode(&bytes)),
        ),
        ("stray bits", format!("{header}.{payload}.{stray_bits}")),
        (
            "the standard alphabet",
            format!("{header}.{payload}.{}==", STANDARD.encode([0xfb; 64])),
        ),
        (
            "JSON serialisation",
            json!({"payload": payload}).to_string(),
        ),
        (
            "a header that is no JSON",
            format!("{}.{payload}.{signature}", encode("{")),
        ),
        (
            "two headers",
            with_header(&EC, &format!("{0}{0}", genuine_header(&EC))),
        ),
    ] {
        assert_eq!(read(&wrong), Err(JoseError::Malformed), "{what}");
    }
}

#[test]
fn a_signature_of_another_form_or_length_is_refused() {
    let token = EC.sign(ACCESS, &claims());
    let (input, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let der = [
        &[0x30, 0x44, 0x02, 0x20][..],
        &bytes[..32],
        &[0x02, 0x20],
        &bytes[32..],
    ]
    .concat();
    for wrong in [
        &[][..],
        &bytes[..63],
        &[&bytes[..], &[0]].concat(),
        &[0; 64],
        &[0xff; 64],
        &der,
    ] {
        assert_eq!(
            read(&format!("{input}.{}", encode(wrong))),
            Err(JoseError::WrongSignature)
        );
    }
}

#[test]
fn a_token_over_the_limit_is_not_looked_at() {
    let mut long = claims();
    let empty = EC.sign(ACCESS, &claims()).len();
    long.sub = "x".repeat((MAX_TOKEN_BYTES - empty) / 4 * 3);
    let token = EC.sign(ACCESS, &long);
    assert!(token.len() <= MAX_TOKEN_BYTES);
    assert_eq!(read(&token), Ok(long));
    assert_eq!(
        read(&"x".repeat(MAX_TOKEN_BYTES + 1)),
        Err(JoseError::TooLong)
    );
}

#[test]
fn any_cut_or_changed_character_invalidates_the_token() {
    let token = EC.sign(ACCESS, &claims());
    for at in 0..token.len() {
        assert!(read(&token[..at]).is_err(), "cut at {at}");
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(
            read(std::str::from_utf8(&changed).unwrap()).is_err(),
            "changed at {at}"
        );
    }
}

proptest! {
    #[test]
    fn any_claims_round_trip(sub in "(?s).{0,200}", exp: i64) {
        let claims = Claims { sub, exp };
        prop_assert_eq!(read(&EC.sign(ACCESS, &claims)), Ok(claims));
    }

    #[test]
    fn no_text_makes_the_verifier_panic(text in "[A-Za-z0-9._=-]{0,300}") {
        prop_assert_eq!(read(&text).is_ok(), false);
    }
}
