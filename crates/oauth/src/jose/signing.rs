//! Signing keys.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::jwk::PublicKey;
use super::{Algorithm, KeyError, TokenType, VerifyingKey};

/// A private key with its algorithm, parsed once and usable from many threads.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
    kid: String,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// The header parameters of a token besides `alg` and `kid`, which come from the key.
#[derive(Clone, Copy, Debug)]
pub struct JwtHeader<'a> {
    /// The kind of token.
    pub typ: TokenType,
    /// The URL of the key (RFC 7515, section 4.1.2). The published SDK requires it.
    pub jku: Option<&'a str>,
}

#[derive(Serialize)]
struct HeaderMembers<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'static str>,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jku: Option<&'a str>,
    kid: &'a str,
}

impl SigningKey {
    /// Generates a key: P-256, or RSA of 2,048 bits.
    ///
    /// The cryptographic library uses its own random generator and accepts no other. Generating an
    /// RSA key lasts tenths of a second.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        Self::new(match algorithm {
            Algorithm::Es256 => Pair::Es256(
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError)?,
            ),
            Algorithm::Rs256 => {
                Pair::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError)?)
            }
        })
    }

    /// Parses an unencrypted PKCS #8 key (RFC 5208), which must be one for `algorithm`.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        Self::new(match algorithm {
            Algorithm::Es256 => Pair::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .map_err(|_| KeyError)?,
            ),
            Algorithm::Rs256 => Pair::Rs256(RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError)?),
        })
    }

    fn new(pair: Pair) -> Result<Self, KeyError> {
        let public = match &pair {
            Pair::Es256(pair) => PublicKey::from_sec1(pair.public_key().as_ref())?,
            Pair::Rs256(pair) => PublicKey::from_pkcs1(pair.public_key().as_ref())?,
        };
        let kid = public.thumbprint();
        Ok(Self { pair, public, kid })
    }

    /// Returns the private key as unencrypted PKCS #8. Seal it before it leaves memory.
    #[must_use]
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        match &self.pair {
            Pair::Es256(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Pair::Rs256(pair) => {
                AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec())
            }
        }
        .map(Zeroizing::new)
        .expect("a parsed key serialises")
    }

    /// Returns the key's algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// Returns the key's RFC 7638 SHA-256 thumbprint, base64url without padding. As a digest of the
    /// key, it never names another key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the public key with `kid`, `alg` and `use`, as a JWKS publishes it.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        self.public.to_jwk(&self.kid)
    }

    /// Returns the public half, ready to verify.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::new(self.public.clone()).expect("the public half of a valid pair is valid")
    }

    /// Signs `claims` as a compact JWS (RFC 7515, section 3.1).
    ///
    /// # Panics
    /// If `claims` does not serialise to JSON: a map with keys that are not strings, or a
    /// `Serialize` implementation that fails.
    #[must_use]
    pub fn sign(&self, header: JwtHeader<'_>, claims: &impl Serialize) -> String {
        let members = HeaderMembers {
            typ: header.typ.as_str(),
            alg: self.algorithm().as_str(),
            jku: header.jku,
            kid: &self.kid,
        };
        let mut json = Vec::with_capacity(1_024);
        let mut token = String::with_capacity(2_048);
        append_json(&mut token, &mut json, &members);
        token.push('.');
        append_json(&mut token, &mut json, claims);
        self.append_signature(&mut token);
        token
    }

    fn append_signature(&self, token: &mut String) {
        // aws-lc-rs accepts a generator to match ring's signature and does not use it.
        let rng = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => {
                let signature = pair
                    .sign(&rng, token.as_bytes())
                    .expect("signing with a valid P-256 key works");
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, token);
            }
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, token.as_bytes(), &mut signature)
                    .expect("signing with a valid RSA key works");
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, token);
            }
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// Appends the base64url of `value`'s JSON. `json` is a buffer shared by both parts.
fn append_json(token: &mut String, json: &mut Vec<u8>, value: &impl Serialize) {
    json.clear();
    serde_json::to_writer(&mut *json, value).expect("claims serialise to JSON");
    URL_SAFE_NO_PAD.encode_string(json, token);
}
