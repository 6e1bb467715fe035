//! The server's own tokens and the keys that verify them. The input's first byte says what the
//! rest is: a JWK, a token as it comes, or a header and claims that the right key signs, with a
//! line feed between them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::jose::{self, Algorithm, KeySet, TokenType, VerifyingKey};
use keymoor_testkit::{Jws, SoftwareKey};
use serde_json::{Value, json};

use crate::independent;
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "jwt",
    run,
    seeds,
};

fn key() -> SoftwareKey {
    SoftwareKey::from_seed(2)
}

fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = str::from_utf8(rest) else {
        return;
    };
    match kind {
        b'k' => check_jwk(text),
        b's' => check_token(&signed(text)),
        _ => check_token(text),
    }
}

/// The token of a header and claims; `text` if it is none.
fn signed(text: &str) -> String {
    match text.split_once('\n') {
        Some((header, claims)) => Jws::new(header, claims).signed_by(&key()),
        None => text.to_owned(),
    }
}

fn read_key(text: &str) -> Option<(Value, VerifyingKey)> {
    let jwk = serde_json::from_str(text).ok()?;
    let key = VerifyingKey::from_jwk(&jwk).ok()?;
    Some((jwk, key))
}

/// The kinds of token that this one passes for, with its claims.
fn accepted(token: &str) -> Vec<(TokenType, Value)> {
    let trusted = VerifyingKey::from_jwk(&key().jwk()).expect("a valid key");
    let keys: KeySet = [trusted].into_iter().collect();
    [
        TokenType::AccessToken,
        TokenType::IdToken,
        TokenType::Request,
    ]
    .into_iter()
    .filter_map(|typ| Some((typ, jose::verify(token, &keys, typ).ok()?)))
    .collect()
}

fn check_jwk(text: &str) {
    let Some((jwk, key)) = read_key(text) else {
        return;
    };
    let number = |name: &str| {
        let text = jwk[name].as_str().expect("accepted numbers are strings");
        URL_SAFE_NO_PAD
            .decode(text)
            .expect("accepted numbers are base64url")
    };
    assert!(
        jwk.get("d").is_none_or(Value::is_null),
        "accepted a private key"
    );
    assert!(
        jwk.get("use")
            .is_none_or(|usage| usage.is_null() || usage == "sig")
    );
    let only_public = match key.algorithm() {
        Algorithm::Es256 => {
            assert!(independent::is_on_p256(
                &[&[4][..], &number("x"), &number("y")].concat()
            ));
            json!({ "kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"] })
        }
        Algorithm::Rs256 => {
            assert!((256..=1_024).contains(&number("n").len()));
            assert_ne!(number("e"), [1]);
            json!({ "kty": "RSA", "n": jwk["n"], "e": jwk["e"] })
        }
    };
    let again = VerifyingKey::from_jwk(&only_public).expect("the public members are enough");
    assert_eq!(again.kid(), key.kid());
}

fn check_token(token: &str) {
    let signer = key();
    let accepted = accepted(token);
    let [(typ, claims)] = &accepted[..] else {
        assert!(accepted.is_empty(), "a token passes for two kinds");
        return;
    };
    let (input, signature) = token.rsplit_once('.').expect("accepted tokens have parts");
    let (header, payload) = input
        .split_once('.')
        .expect("accepted tokens have three parts");
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .expect("accepted parts are base64url")
    };
    let header: Value = serde_json::from_slice(&decode(header)).expect("accepted headers are JSON");
    assert_eq!(header["alg"], "ES256");
    assert_eq!(header["kid"], signer.thumbprint());
    assert_eq!(header.get("typ").and_then(Value::as_str), typ.as_str());
    assert!(
        ["crit", "jwk", "x5u", "x5c"]
            .iter()
            .all(|name| header.get(*name).is_none())
    );
    assert!(independent::verifies_fixed(
        signer.point(),
        input.as_bytes(),
        &decode(signature)
    ));
    assert_eq!(
        serde_json::from_slice::<Value>(&decode(payload))
            .ok()
            .as_ref(),
        Some(claims)
    );
}

fn seeds() -> Vec<Vec<u8>> {
    let key = key();
    let kid = key.thumbprint();
    let header = |typ: &str| json!({ "typ": typ, "alg": "ES256", "kid": kid });
    let request = json!({ "alg": "ES256", "kid": kid, "jku": "https://auth.example.org/jwks" });
    let claims = json!({ "iss": "https://auth.example.org", "aud": ["a"], "exp": 1_800_000_000 });
    // RFC 7638, section 3.1.
    let rsa = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_B\
              JECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_F\
              DW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4\
              vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    });
    [
        format!("k{}", key.jwk()),
        format!("k{}", key.private_jwk()),
        format!("k{rsa}"),
        format!("s{}\n{claims}", header("at+jwt")),
        format!("s{}\n{claims}", header("JWT")),
        format!("s{request}\n{claims}"),
        format!(
            "t{}",
            Jws::new(request.to_string(), claims.to_string()).signed_by(&key)
        ),
    ]
    .map(String::into_bytes)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_but_the_private_key_is_accepted() {
        let kinds: Vec<Option<&str>> = seeds()
            .iter()
            .map(|seed| {
                let text = str::from_utf8(&seed[1..]).expect("a seed is text");
                match seed[0] {
                    b'k' => read_key(text).map(|_| "key"),
                    b's' => only_type(&signed(text)),
                    _ => only_type(text),
                }
            })
            .collect();
        let (key, access, id, request) =
            (Some("key"), Some("at+jwt"), Some("JWT"), Some("no type"));
        assert_eq!(kinds, [key, None, key, access, id, request, request]);
    }

    fn only_type(token: &str) -> Option<&'static str> {
        match &accepted(token)[..] {
            [(typ, _)] => Some(typ.as_str().unwrap_or("no type")),
            _ => None,
        }
    }
}
