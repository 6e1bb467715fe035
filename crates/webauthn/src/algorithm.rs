use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};

/// The signature algorithms of WebAuthn credentials.
///
/// Software keys are ES256 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 9053 section 2.1).
    Es256,
    /// Ed25519 (RFC 9053 section 2.2; for WebAuthn no other curve, Level 3 section 5.8.5).
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8812 section 2).
    Rs256,
    /// ECDSA on P-384 with SHA-384 (RFC 9053 section 2.1; for WebAuthn no other curve, Level 3
    /// section 5.8.5).
    Es384,
}

impl Algorithm {
    /// All algorithms, starting with the one that every authenticator supports.
    pub const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Rs256, Self::Es384];

    /// Returns the identifier in the COSE registry.
    #[must_use]
    pub const fn cose_id(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Es384 => -35,
            Self::Rs256 => -257,
        }
    }

    /// Returns the name in the JOSE registry: `alg`.
    #[must_use]
    pub const fn jose_name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
        }
    }

    pub(crate) fn from_cose_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.cose_id() == id)
    }

    pub(crate) fn from_jose_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.jose_name() == name)
    }

    /// Returns the verification of signatures in the forms of WebAuthn Level 3 section 6.5.5.
    pub(crate) const fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Es256 => &ECDSA_P256_SHA256_ASN1,
            Self::EdDsa => &ED25519,
            Self::Es384 => &ECDSA_P384_SHA384_ASN1,
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        }
    }
}
