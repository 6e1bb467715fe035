use keymoor_types::Timestamp;
use keymoor_types::pem::{self, PemError};

use super::certificate::Certificate;
use super::{Evidence, chain};

/// How well a credential's private key is proved to stay in its authenticator.
///
/// Each level states only what was proved. No level states that a model is certified, unbroken, or
/// as its vendor claims. The operator's choice of roots decides that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttestationLevel {
    /// Nothing is proved: a software key, or a WebAuthn credential without a trusted attestation
    /// that may be copied to other devices (flag BE, Level 3 section 6.1.3).
    Unproven,
    /// Not attested, but the authenticator data state that the key never leaves its authenticator
    /// (flag BE is not set). Only the sender claims this: without attestation there is no other
    /// signature, and software that imitates an authenticator can claim it too.
    Flagged,
    /// The attestation statement verified (Level 3 section 8), and its certificates lead to a
    /// configured root at the time of registration. If the certificate names a model, it is that of
    /// the authenticator data. An authenticator that the root's owner vouches for therefore
    /// generated the key. Only flag BE states whether the key stays there. Revocation lists were
    /// not consulted. Flags, counter and AAGUID remain the sender's claims with `fido-u2f` (section
    /// 8.6), which does not sign them, and with `android-key` and `tpm` (sections 8.4 and 8.3),
    /// which sign any data from software.
    Attested,
}

impl AttestationLevel {
    /// Returns the level's name: `unproven`, `flagged` or `attested`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unproven => "unproven",
            Self::Flagged => "flagged",
            Self::Attested => "attested",
        }
    }

    /// Returns the level with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Unproven, Self::Flagged, Self::Attested]
            .into_iter()
            .find(|level| level.as_str() == name)
    }
}

/// The roots and the time for checking attestations.
#[derive(Clone, Copy, Debug)]
pub struct AttestationTrust<'a> {
    /// The roots. Without roots, no credential is attested and none is rejected for it.
    pub roots: &'a AttestationRoots,
    /// The current time, at which every certificate of a chain must be valid.
    pub now: Timestamp,
}

impl AttestationTrust<'_> {
    pub(crate) fn level(&self, evidence: &Evidence<'_>, backup_eligible: bool) -> AttestationLevel {
        let certificates = &evidence.certificates;
        if !certificates.is_empty() && chain::leads_to_root(certificates, &self.roots.0, self.now) {
            AttestationLevel::Attested
        } else if backup_eligible {
            AttestationLevel::Unproven
        } else {
            AttestationLevel::Flagged
        }
    }
}

/// The certificates that an operator trusts to vouch for authenticators: those of vendors' CAs, or
/// of single attestation keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttestationRoots(Vec<Vec<u8>>);

/// Why root certificates are rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// The text is not PEM (RFC 7468), or contains no certificate.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A certificate is not X.509 version 3 in DER, or its kind of key is not supported.
    #[error("certificate {0} is not X.509 version 3 with an EC, RSA or Ed25519 key")]
    Certificate(usize),
    /// An RSA key is too short for any signature to be accepted.
    #[error("certificate {0} has an RSA key of {1} bits, and at least 2048 are needed")]
    ShortKey(usize, usize),
    /// A critical extension is not supported (RFC 5280 section 4.2), so that no chain is accepted.
    #[error("certificate {0} has a critical extension that is not supported")]
    Extension(usize),
}

/// Checks that chains can lead to a root, which is the one at position `at`.
fn check(der: &[u8], at: usize) -> Result<(), RootError> {
    let root = Certificate::parse(der).map_err(|_| RootError::Certificate(at))?;
    if root.key_kind().is_none() {
        return Err(RootError::Certificate(at));
    }
    match root.rsa_bits() {
        Some(bits) if bits < SHORTEST_RSA => return Err(RootError::ShortKey(at, bits)),
        _ => {}
    }
    if !chain::is_understood(&root) {
        return Err(RootError::Extension(at));
    }
    Ok(())
}

/// Signatures by shorter keys are not verified.
const SHORTEST_RSA: usize = 2_048;

impl AttestationRoots {
    /// No roots.
    pub const NONE: Self = Self(Vec::new());

    /// Parses roots in DER.
    ///
    /// # Errors
    /// [`RootError`] with the position of the first root that can't be used, from 1.
    pub fn from_der(certificates: Vec<Vec<u8>>) -> Result<Self, RootError> {
        for (at, der) in certificates.iter().enumerate() {
            check(der, at + 1)?;
        }
        Ok(Self(certificates))
    }

    /// Parses the roots of a PEM text, at least one. Text between the blocks is ignored.
    ///
    /// # Errors
    /// [`RootError`], with the position of the first invalid block or certificate, from 1.
    pub fn from_pem(text: &[u8]) -> Result<Self, RootError> {
        let blocks = pem::blocks(text)?.into_iter().enumerate();
        let certificates = blocks.map(|(at, block)| match block.label.as_str() {
            "CERTIFICATE" => Ok(block.der),
            _ => Err(PemError::NoCertificate(at + 1, block.label)),
        });
        Self::from_der(certificates.collect::<Result<_, _>>()?)
    }

    /// Returns the positions, from 1, of the roots that are not valid at `now`: expired, or not yet
    /// valid.
    pub fn invalid_at(&self, now: Timestamp) -> impl Iterator<Item = usize> {
        let roots = self.0.iter().enumerate();
        roots.filter_map(move |(at, der)| {
            let is_valid = Certificate::parse(der).is_ok_and(|root| chain::is_valid(&root, now));
            (!is_valid).then_some(at + 1)
        })
    }

    /// Adds the roots of `other`.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Returns the number of roots.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no roots.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
