//! COSE keys.

use keymoor_oauth::jose::VerifyingKey;
use keymoor_testkit::CredentialKey;
use keymoor_testkit::cbor::Item;
use keymoor_webauthn::{Algorithm, PublicKey, thumbprint_base64url};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::independent;
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "cose",
    run,
    seeds,
};

fn run(data: &[u8]) {
    let entries = independent::map(data);
    let key = PublicKey::from_cose(data);
    if let Some((x, y)) = entries.as_deref().and_then(independent::es256_coordinates) {
        let is_on_curve = independent::is_on_p256(&independent::point(&x, &y));
        assert_eq!(key.is_ok(), is_on_curve, "{key:?}");
    }
    let Ok(key) = key else {
        return;
    };

    let entries = entries.expect("accepted keys are maps");
    assert!(independent::has_unique_keys(&entries));
    assert!(parameters(key.algorithm()) == entries.len());
    let rewritten = Item::Map(entries).encode();
    assert_eq!(PublicKey::from_cose(&rewritten).as_ref(), Ok(&key));
    let jwk = key.to_jwk_json();
    assert_eq!(PublicKey::from_jwk_str(&jwk).as_ref(), Ok(&key));
    assert_eq!(key.thumbprint()[..], Sha256::digest(&jwk)[..]);
    assert_known_to_the_other_side(&key, &jwk);
}

/// How many parameters a COSE_Key of this algorithm has (WebAuthn Level 3 section 6.5.1).
fn parameters(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Es256 | Algorithm::Es384 => 5,
        Algorithm::EdDsa | Algorithm::Rs256 => 4,
    }
}

/// The tokens' side reads the keys that it knows with code of its own, and names them the same.
fn assert_known_to_the_other_side(key: &PublicKey, jwk: &str) {
    let jwk: Value = serde_json::from_str(jwk).expect("a JWK is JSON");
    let other = VerifyingKey::from_jwk(&jwk);
    match key.algorithm() {
        Algorithm::Es384 | Algorithm::EdDsa => assert!(other.is_err()),
        Algorithm::Es256 | Algorithm::Rs256 => {
            let other = other.expect("a passkey's JWK is a JWK");
            assert_eq!(thumbprint_base64url(&key.thumbprint()), other.kid());
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let off_the_curve = {
        let mut cose = CredentialKey::es256(1).cose();
        *cose.last_mut().expect("a key has bytes") ^= 1;
        cose
    };
    let keys = CredentialKey::one_of_each();
    keys.iter()
        .map(CredentialKey::cose)
        .chain([off_the_curve])
        .collect()
}
