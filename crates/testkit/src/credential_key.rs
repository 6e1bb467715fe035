use std::fmt;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use serde_json::{Value, json};

use crate::der::{NULL, bit_string, oid, sequence, tlv};
use crate::{SoftwareKey, base64url, sha256};

/// A key pair of any algorithm that WebAuthn credentials and certificates use.
#[derive(Clone)]
pub struct CredentialKey(Arc<Pair>);

enum Pair {
    Es256(SoftwareKey),
    Es384(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// Generating primes is slower than everything else in a test, so all tests share this key.
static RSA_KEY: LazyLock<CredentialKey> = LazyLock::new(|| {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a supported size");
    CredentialKey(Arc::new(Pair::Rs256(pair)))
});

impl CredentialKey {
    /// Returns the P-256 key for ES256 that [`SoftwareKey::from_seed`] derives from `seed`.
    #[must_use]
    pub fn es256(seed: u64) -> Self {
        SoftwareKey::from_seed(seed).into()
    }

    /// Generates a P-384 key for ES384.
    #[must_use]
    pub fn es384() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING)
            .expect("key generation has no input that could be wrong");
        Self(Arc::new(Pair::Es384(pair)))
    }

    /// Returns the Ed25519 key for `seed`.
    #[must_use]
    pub fn ed25519(seed: u64) -> Self {
        let seed = sha256(&[b"keymoor testkit Ed25519 ", &seed.to_be_bytes()[..]].concat());
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed");
        Self(Arc::new(Pair::EdDsa(pair)))
    }

    /// Returns an RSA key of 2,048 bits for RS256, the same throughout a process.
    #[must_use]
    pub fn rs256() -> Self {
        RSA_KEY.clone()
    }

    /// Returns one key of each algorithm.
    #[must_use]
    pub fn one_of_each() -> [Self; 4] {
        [
            Self::es256(1),
            Self::ed25519(1),
            Self::rs256(),
            Self::es384(),
        ]
    }

    /// Returns `alg` from the COSE registry.
    #[must_use]
    pub fn cose_algorithm(&self) -> i64 {
        match &*self.0 {
            Pair::Es256(_) => -7,
            Pair::Es384(_) => -35,
            Pair::EdDsa(_) => -8,
            Pair::Rs256(_) => -257,
        }
    }

    /// Returns `alg` from the JOSE registry.
    #[must_use]
    pub fn jose_algorithm(&self) -> &'static str {
        match &*self.0 {
            Pair::Es256(_) => "ES256",
            Pair::Es384(_) => "ES384",
            Pair::EdDsa(_) => "EdDSA",
            Pair::Rs256(_) => "RS256",
        }
    }

    /// Returns the key as a [`SoftwareKey`], or `None` unless it is ES256.
    #[must_use]
    pub fn as_software_key(&self) -> Option<&SoftwareKey> {
        match &*self.0 {
            Pair::Es256(key) => Some(key),
            _ => None,
        }
    }

    /// Returns the public key in its certificate form: a SEC 1 point, an Ed25519 point, or
    /// RSAPublicKey in DER.
    #[must_use]
    pub fn public_bytes(&self) -> &[u8] {
        match &*self.0 {
            Pair::Es256(key) => key.point(),
            Pair::Es384(key) => key.public_key().as_ref(),
            Pair::EdDsa(key) => key.public_key().as_ref(),
            Pair::Rs256(key) => key.public_key().as_ref(),
        }
    }

    /// Returns the RSA modulus, 256 bytes, or `None` for other keys. The exponent is 65537.
    #[must_use]
    pub fn modulus(&self) -> Option<&[u8]> {
        // RSAPublicKey with a modulus of 2,048 bits: the heads of SEQUENCE and INTEGER have 4 bytes
        // each, and the modulus' top bit needs a zero byte before it.
        matches!(*self.0, Pair::Rs256(_)).then(|| &self.public_bytes()[9..265])
    }

    /// Returns the public key as a JWK with exactly the members of its thumbprint.
    #[must_use]
    pub fn jwk(&self) -> Value {
        match &*self.0 {
            Pair::Es256(key) => key.jwk(),
            Pair::Es384(_) => {
                let (x, y) = self.public_bytes()[1..].split_at(48);
                json!({ "crv": "P-384", "kty": "EC", "x": base64url(x), "y": base64url(y) })
            }
            Pair::EdDsa(_) => {
                json!({ "crv": "Ed25519", "kty": "OKP", "x": base64url(self.public_bytes()) })
            }
            Pair::Rs256(_) => {
                let modulus = self.modulus().expect("an RSA key has one");
                json!({ "e": "AQAB", "kty": "RSA", "n": base64url(modulus) })
            }
        }
    }

    /// Returns the RFC 7638 SHA-256 thumbprint, base64url without padding.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // serde_json writes the members in order, without white space, as RFC 7638 requires.
        base64url(sha256(self.jwk().to_string().as_bytes()))
    }

    /// Returns the public key as a COSE_Key map (RFC 9052 section 7).
    #[must_use]
    pub fn cose(&self) -> Vec<u8> {
        let curve = match &*self.0 {
            Pair::Es256(key) => return key.cose(),
            Pair::Es384(_) => 2,
            Pair::EdDsa(_) => 6,
            Pair::Rs256(_) => 0,
        };
        let mut cose = Vec::new();
        let mut e = minicbor::Encoder::new(&mut cose);
        match self.modulus() {
            Some(modulus) => e
                .map(4)
                .and_then(|e| e.u8(1)?.u8(3))
                .and_then(|e| e.u8(3)?.i64(-257))
                .and_then(|e| e.i8(-1)?.bytes(modulus))
                .and_then(|e| e.i8(-2)?.bytes(&[1, 0, 1])),
            None if curve == 6 => e
                .map(4)
                .and_then(|e| e.u8(1)?.u8(1))
                .and_then(|e| e.u8(3)?.i8(-8))
                .and_then(|e| e.i8(-1)?.u8(curve))
                .and_then(|e| e.i8(-2)?.bytes(self.public_bytes())),
            None => {
                let (x, y) = self.public_bytes()[1..].split_at(48);
                e.map(5)
                    .and_then(|e| e.u8(1)?.u8(2))
                    .and_then(|e| e.u8(3)?.i8(-35))
                    .and_then(|e| e.i8(-1)?.u8(curve))
                    .and_then(|e| e.i8(-2)?.bytes(x))
                    .and_then(|e| e.i8(-3)?.bytes(y))
            }
        }
        .expect("writing to a Vec cannot fail");
        cose
    }

    /// Signs in the form of WebAuthn (Level 3 section 6.5.5) and of certificates.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        let signature = match &*self.0 {
            Pair::Es256(key) => return key.sign_der(message),
            Pair::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature)
                    .expect("a valid key signs every message");
                return signature;
            }
            Pair::Es384(key) => key.sign(&rng, message),
            Pair::EdDsa(key) => key.try_sign(message),
        };
        signature
            .expect("a valid key signs every message")
            .as_ref()
            .to_vec()
    }

    /// SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) in DER.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        let ec = |curve| sequence(&[oid("1.2.840.10045.2.1"), oid(curve)]);
        let algorithm = match &*self.0 {
            Pair::Es256(_) => ec("1.2.840.10045.3.1.7"),
            Pair::Es384(_) => ec("1.3.132.0.34"),
            Pair::EdDsa(_) => self.signature_algorithm(),
            Pair::Rs256(_) => sequence(&[oid("1.2.840.113549.1.1.1"), tlv(NULL, &[])]),
        };
        sequence(&[algorithm, bit_string(self.public_bytes())])
    }

    /// AlgorithmIdentifier (RFC 5280 section 4.1.1.2) of this key's signatures, in DER.
    #[must_use]
    pub fn signature_algorithm(&self) -> Vec<u8> {
        match &*self.0 {
            Pair::Es256(_) => sequence(&[oid("1.2.840.10045.4.3.2")]),
            Pair::Es384(_) => sequence(&[oid("1.2.840.10045.4.3.3")]),
            Pair::EdDsa(_) => sequence(&[oid("1.3.101.112")]),
            Pair::Rs256(_) => sequence(&[oid("1.2.840.113549.1.1.11"), tlv(NULL, &[])]),
        }
    }
}

impl From<SoftwareKey> for CredentialKey {
    fn from(key: SoftwareKey) -> Self {
        Self(Arc::new(Pair::Es256(key)))
    }
}

impl fmt::Debug for CredentialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CredentialKey")
            .field(&self.jose_algorithm())
            .field(&self.thumbprint())
            .finish()
    }
}
