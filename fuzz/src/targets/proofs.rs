//! Proofs of software keys. The input's first byte says what the rest is: a compact JWS as it
//! comes, or a header and a payload that the right key signs, with a line feed between them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_testkit::Jws;
use keymoor_types::wire::AuthenticationProof;
use keymoor_webauthn::PublicKey;
use keymoor_webauthn::assertion::{AssertionProof, ExpectedCredential, VerifiedAssertion};
use keymoor_webauthn::proof::{BindingSubject, ProofError, VerifiedBinding, verify_binding_jws};
use serde_json::Value;

use crate::independent;
use crate::scene::{AUDIENCE, AUTHENTICATOR, NOW, SUBJECT, TOKEN, assertion_expectation, claims};
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "proofs",
    run,
    seeds,
};

fn run(data: &[u8]) {
    if let Some(raw) = jws(data) {
        check_binding(&raw);
        check_authentication(&raw);
    }
}

fn jws(data: &[u8]) -> Option<String> {
    let (kind, rest) = data.split_first()?;
    let text = str::from_utf8(rest).ok()?;
    if *kind == b'r' {
        return Some(text.to_owned());
    }
    let (header, payload) = text.split_once('\n')?;
    Some(Jws::new(header, payload).signed_by(AUTHENTICATOR.key()))
}

fn verify_as_binding(raw: &str) -> Result<VerifiedBinding, ProofError> {
    let expected = BindingSubject {
        subject: SUBJECT,
        token: TOKEN,
    };
    verify_binding_jws(raw, &expected)
}

fn verify_as_authentication(raw: &str) -> Result<VerifiedAssertion, ProofError> {
    let key = PublicKey::from_jwk(&AUTHENTICATOR.key().jwk()).expect("a valid key");
    let expected = assertion_expectation(ExpectedCredential::Software);
    AssertionProof::parse(&AuthenticationProof::Jwt(raw.to_owned()))?.verify(&key, &expected)
}

fn check_binding(raw: &str) {
    let Ok(verified) = verify_as_binding(raw) else {
        return;
    };
    let (header, payload) = read(raw);
    assert!(
        ["crit", "jku", "x5u", "x5c"]
            .iter()
            .all(|name| header.get(*name).is_none())
    );
    assert!(header["jwk"].get("d").is_none());
    assert_signed(raw, &header["jwk"]);
    assert_eq!(
        payload,
        serde_json::json!({ "sub": SUBJECT, "token": TOKEN })
    );
    let jwk: Value = serde_json::from_str(&verified.public_key().to_jwk_json()).expect("JSON");
    assert!(
        ["kty", "crv", "x", "y"]
            .iter()
            .all(|name| header["jwk"][*name] == jwk[*name])
    );
}

fn check_authentication(raw: &str) {
    let Ok(verified) = verify_as_authentication(raw) else {
        return;
    };
    let (header, claims) = read(raw);
    let refused = ["crit", "jku", "jwk", "x5u", "x5c"];
    assert!(refused.iter().all(|name| header.get(*name).is_none()));
    assert_eq!(header["kid"], AUTHENTICATOR.key().thumbprint());
    assert_signed(raw, &AUTHENTICATOR.key().jwk());
    assert_eq!(claims["sub"], SUBJECT);
    assert!(claims["aud"] == AUDIENCE || claims["aud"] == serde_json::json!([AUDIENCE]));
    let seconds = |name: &str| claims[name].as_i64().expect("verified times are integers");
    assert!(seconds("nbf") <= NOW && NOW < seconds("exp"));
    assert!(seconds("iat").abs_diff(NOW) <= 4_200);
    assert!(verified.webauthn().is_none() && !verified.user_verified());
    assert_eq!(claims["bi_tid"], verified.transaction_id());
    assert_eq!(claims["bi_non"], verified.nonce());
}

/// Header and payload, by a reader that allows more.
fn read(raw: &str) -> (Value, Value) {
    let parts: Vec<&str> = raw.split('.').collect();
    assert_eq!(parts.len(), 3);
    let json = |part: &str| {
        let bytes = URL_SAFE_NO_PAD
            .decode(part)
            .expect("verified parts are base64url");
        serde_json::from_slice(&bytes).expect("verified parts are JSON")
    };
    (json(parts[0]), json(parts[1]))
}

fn assert_signed(raw: &str, jwk: &Value) {
    let (header, _) = read(raw);
    assert_eq!(header["alg"], "ES256");
    let (input, signature) = raw.rsplit_once('.').expect("a JWS has parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let coordinate = |name: &str| -> [u8; 32] {
        let text = jwk[name].as_str().expect("a string");
        let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64url");
        bytes.try_into().expect("32 bytes")
    };
    let point = independent::point(&coordinate("x"), &coordinate("y"));
    assert!(independent::verifies_fixed(
        &point,
        input.as_bytes(),
        &signature
    ));
}

fn seeds() -> Vec<Vec<u8>> {
    let key = AUTHENTICATOR.key();
    let jwk = serde_json::json!({ "alg": "ES256", "jwk": key.jwk() });
    let kid = serde_json::json!({ "alg": "ES256", "kid": key.thumbprint() });
    let binding = serde_json::json!({ "sub": SUBJECT, "token": TOKEN });
    [
        format!("s{jwk}\n{binding}"),
        format!("s{kid}\n{}", claims()),
        format!(
            "s{}\n{binding}",
            serde_json::json!({ "alg": "ES256", "jwk": key.private_jwk() })
        ),
        format!("r{}", key.binding_jws(SUBJECT, TOKEN)),
        format!("r{}", key.authentication_jws(&claims())),
    ]
    .map(String::into_bytes)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_but_the_private_key_is_accepted_as_one_kind() {
        let accepted: Vec<(bool, bool)> = seeds()
            .iter()
            .map(|seed| jws(seed).expect("a seed is a proof"))
            .map(|raw| {
                let (binds, signs_in) = (verify_as_binding(&raw), verify_as_authentication(&raw));
                (binds.is_ok(), signs_in.is_ok())
            })
            .collect();
        let (binding, authentication, neither) = ((true, false), (false, true), (false, false));
        assert_eq!(
            accepted,
            [binding, authentication, neither, binding, authentication]
        );
    }
}
