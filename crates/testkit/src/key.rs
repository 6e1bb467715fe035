use std::fmt;

use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::encoding::{AsBigEndian as _, EcPrivateKeyBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _,
};
use serde_json::{Value, json};

use crate::{Jws, base64url, sha256};

/// A P-256 key pair that signs ES256 in both encodings.
pub struct SoftwareKey {
    scalar: [u8; 32],
    jose: EcdsaKeyPair,
    der: EcdsaKeyPair,
}

impl SoftwareKey {
    /// Generates a key.
    #[must_use]
    pub fn generate() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .expect("key generation has no input that could be wrong");
        let scalar: EcPrivateKeyBin<'_> = pair
            .private_key()
            .as_be_bytes()
            .expect("a generated key has a scalar");
        let scalar = scalar
            .as_ref()
            .try_into()
            .expect("a P-256 scalar has 32 bytes");
        Self::from_scalar(scalar).expect("a generated scalar is in range")
    }

    /// Returns the key for `seed`: the same on every call and machine.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        (0_u8..=u8::MAX)
            .find_map(|attempt| {
                let mut input = b"keymoor testkit P-256 ".to_vec();
                input.extend(seed.to_be_bytes());
                input.push(attempt);
                Self::from_scalar(sha256(&input))
            })
            .expect("a hash is a valid scalar all but once in 2^32 tries")
    }

    fn from_scalar(scalar: [u8; 32]) -> Option<Self> {
        let private = PrivateKey::from_private_key(&agreement::ECDH_P256, &scalar).ok()?;
        let public = private.compute_public_key().ok()?;
        let pair = |algorithm: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, &scalar, public.as_ref()).ok()
        };
        Some(Self {
            scalar,
            jose: pair(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            der: pair(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
        })
    }

    /// Returns the public key as an uncompressed SEC 1 point: `04`, x, y; 65 bytes.
    #[must_use]
    pub fn point(&self) -> &[u8] {
        self.jose.public_key().as_ref()
    }

    /// Returns the public key's x coordinate, 32 bytes.
    #[must_use]
    pub fn x(&self) -> &[u8] {
        &self.point()[1..33]
    }

    /// Returns the public key's y coordinate, 32 bytes.
    #[must_use]
    pub fn y(&self) -> &[u8] {
        &self.point()[33..]
    }

    /// Returns the public key as a JWK with exactly the members `crv`, `kty`, `x`, `y`.
    #[must_use]
    pub fn jwk(&self) -> Value {
        json!({ "crv": "P-256", "kty": "EC", "x": base64url(self.x()), "y": base64url(self.y()) })
    }

    /// Returns [`Self::jwk`] with `d`, which must never be accepted in place of a public key.
    #[must_use]
    pub fn private_jwk(&self) -> Value {
        let mut jwk = self.jwk();
        jwk["d"] = base64url(self.scalar).into();
        jwk
    }

    /// Returns the public key as a COSE_Key map (RFC 9052 section 7) for ES256.
    #[must_use]
    pub fn cose(&self) -> Vec<u8> {
        let mut cose = Vec::new();
        minicbor::Encoder::new(&mut cose)
            .map(5)
            .and_then(|e| e.u8(1)?.u8(2))
            .and_then(|e| e.u8(3)?.i8(-7))
            .and_then(|e| e.i8(-1)?.u8(1))
            .and_then(|e| e.i8(-2)?.bytes(self.x()))
            .and_then(|e| e.i8(-3)?.bytes(self.y()))
            .expect("writing to a Vec cannot fail");
        cose
    }

    /// Returns the RFC 7638 SHA-256 thumbprint, base64url without padding: the `kid` of proofs.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let (x, y) = (base64url(self.x()), base64url(self.y()));
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        base64url(sha256(canonical.as_bytes()))
    }

    /// Signs with ES256 in JOSE's form: r and s, 64 bytes.
    #[must_use]
    pub fn sign_fixed(&self, message: &[u8]) -> Vec<u8> {
        sign(&self.jose, message)
    }

    /// Signs with ES256 in WebAuthn's form: ASN.1 DER.
    #[must_use]
    pub fn sign_der(&self, message: &[u8]) -> Vec<u8> {
        sign(&self.der, message)
    }

    /// Returns the valid software-key proof for `:bind`. [`Jws::binding`] builds invalid ones.
    #[must_use]
    pub fn binding_jws(&self, subject: &str, token: &str) -> String {
        Jws::binding(self, subject, token).signed_by(self)
    }

    /// Returns the software-key proof for `bi-authenticate` over `claims`. [`Jws::authentication`]
    /// builds invalid ones.
    #[must_use]
    pub fn authentication_jws(&self, claims: &Value) -> String {
        Jws::authentication(self, claims).signed_by(self)
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SoftwareKey")
            .field(&self.thumbprint())
            .finish()
    }
}

fn sign(pair: &EcdsaKeyPair, message: &[u8]) -> Vec<u8> {
    pair.sign(&SystemRandom::new(), message)
        .expect("a valid key signs every message")
        .as_ref()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_one_key() {
        assert_eq!(
            SoftwareKey::from_seed(7).jwk(),
            SoftwareKey::from_seed(7).jwk()
        );
        assert_ne!(
            SoftwareKey::from_seed(7).jwk(),
            SoftwareKey::from_seed(8).jwk()
        );
        assert_ne!(SoftwareKey::generate().jwk(), SoftwareKey::generate().jwk());
    }

    #[test]
    fn debug_shows_no_private_part() {
        let key = SoftwareKey::from_seed(1);
        let private = key.private_jwk()["d"].as_str().unwrap().to_owned();
        assert!(!format!("{key:?}").contains(&private));
    }
}
