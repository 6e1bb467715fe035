//! Attestation certificates: the requirements of WebAuthn, and their signatures.

use aws_lc_rs::signature as verification;
use aws_lc_rs::signature::VerificationAlgorithm;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::Oid;
use x509_parser::oid_registry::asn1_rs::{Class, Tag, oid};
use x509_parser::prelude::{FromDer as _, X509Extension};
use x509_parser::x509::X509Version;

use super::AttestationError;
use super::der::{BIT_STRING, SEQUENCE, content, element, next};
use crate::key;
use crate::{Algorithm, BadSignature, PublicKey};

/// A certificate of X.509 version 3, read but not trusted.
pub(super) struct Certificate<'a>(X509Certificate<'a>);

/// The kind of a certificate's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    P256,
    P384,
    P521,
    Ed25519,
    Rsa,
}

const ED25519: Oid<'static> = oid!(1.3.101.112);
const ECDSA_WITH_SHA256: Oid<'static> = oid!(1.2.840.10045.4.3.2);
const ECDSA_WITH_SHA384: Oid<'static> = oid!(1.2.840.10045.4.3.3);
const ECDSA_WITH_SHA512: Oid<'static> = oid!(1.2.840.10045.4.3.4);
const SHA256_WITH_RSA: Oid<'static> = oid!(1.2.840.113549.1.1.11);
const SHA384_WITH_RSA: Oid<'static> = oid!(1.2.840.113549.1.1.12);
const SHA512_WITH_RSA: Oid<'static> = oid!(1.2.840.113549.1.1.13);
const BASIC_CONSTRAINTS: Oid<'static> = oid!(2.5.29.19);
const AAGUID: Oid<'static> = oid!(1.3.6.1.4.1.45724.1.1.4);
const NO_UNUSED_BITS: u8 = 0;
/// The tag of the extensions in a certificate.
const EXTENSIONS: (Class, Tag) = (Class::ContextSpecific, Tag(3));
/// The first byte of an uncompressed point (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 0x04;
/// The algorithm of each kind of key with its parameters, in DER: RFC 5480 section 2.1.1 (the named
/// curve), RFC 8410 section 3 (none), RFC 3279 section 2.3.1 (NULL).
const ALGORITHMS: [(KeyKind, &[u8]); 5] = [
    (
        KeyKind::P256,
        b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
    ),
    (
        KeyKind::P384,
        b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22",
    ),
    (
        KeyKind::P521,
        b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23",
    ),
    (KeyKind::Ed25519, b"\x30\x05\x06\x03\x2b\x65\x70"),
    (
        KeyKind::Rsa,
        b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
    ),
];

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, AttestationError> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| AttestationError::Certificate)?;
        let has_each_extension_once = certificate.extensions_map().is_ok();
        let is_sound = rest.is_empty()
            && certificate.version() == X509Version::V3
            && has_each_extension_once
            // The parser checks neither all types nor all classes.
            && typed_extensions(certificate.tbs_certificate.as_ref())
                == Some(certificate.extensions().len())
            && certificate.signature_algorithm == certificate.tbs_certificate.signature;
        if is_sound {
            Ok(Self(certificate))
        } else {
            Err(AttestationError::Certificate)
        }
    }

    pub(super) fn x509(&self) -> &X509Certificate<'a> {
        &self.0
    }

    pub(super) fn extension(&self, kind: &Oid<'static>) -> Option<&X509Extension<'a>> {
        self.0
            .get_extension_unique(kind)
            .expect("duplicates are refused by parse")
    }

    /// Returns the kind of the certificate's key, or `None` for unsupported kinds.
    ///
    /// The key must be DER, byte for byte: the parser checks neither the type of every element nor
    /// the parameters.
    pub(super) fn key_kind(&self) -> Option<KeyKind> {
        let bits = element(BIT_STRING, &[&[NO_UNUSED_BITS], self.key_bytes()]);
        let (kind, _) = *ALGORITHMS.iter().find(|(_, algorithm)| {
            self.0.public_key().raw == element(SEQUENCE, &[algorithm, &bits])
        })?;
        // RFC 5480 section 2.2. Verification would also accept hybrid points.
        let is_point = matches!(kind, KeyKind::P256 | KeyKind::P384 | KeyKind::P521);
        let is_refused = is_point && self.key_bytes().first() != Some(&UNCOMPRESSED);
        (!is_refused).then_some(kind)
    }

    /// Returns the length of an RSA key's modulus in bits, and `None` for other keys.
    pub(super) fn rsa_bits(&self) -> Option<usize> {
        let Ok(x509_parser::public_key::PublicKey::RSA(key)) = self.0.public_key().parsed() else {
            return None;
        };
        let zeros = key.modulus.iter().take_while(|byte| **byte == 0).count();
        let modulus = &key.modulus[zeros..];
        let leading = modulus
            .first()
            .map_or(0, |byte| byte.leading_zeros() as usize);
        Some(modulus.len() * 8 - leading)
    }

    fn key_bytes(&self) -> &[u8] {
        &self.0.public_key().subject_public_key.data
    }

    /// Verifies a statement's signature by the certificate's key.
    ///
    /// # Errors
    /// `Signature`, also if the key is not of this algorithm.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), AttestationError> {
        let kind = match algorithm {
            Algorithm::Es256 => KeyKind::P256,
            Algorithm::EdDsa => KeyKind::Ed25519,
            Algorithm::Rs256 => KeyKind::Rsa,
            Algorithm::Es384 => KeyKind::P384,
        };
        if self.key_kind() != Some(kind) {
            return Err(AttestationError::Signature);
        }
        key::verify(
            algorithm.verification(),
            self.key_bytes(),
            message,
            signature,
        )
        .map_err(|BadSignature| AttestationError::Signature)
    }

    /// Returns the certificate's key as a credential key.
    pub(super) fn credential_key(&self) -> Option<PublicKey> {
        PublicKey::from_certificate(self.key_kind()?, self.key_bytes())
    }

    /// Checks that the certificate's AAGUID extension, if present, matches `aaguid` (section 8.2.1:
    /// not critical, and the 16 bytes wrapped in one more OCTET STRING).
    pub(super) fn check_aaguid(&self, aaguid: &[u8; 16]) -> Result<(), AttestationError> {
        let Some(extension) = self.extension(&AAGUID) else {
            return Ok(());
        };
        if extension.critical {
            return Err(AttestationError::Certificate);
        }
        match extension.value.strip_prefix(&[0x04, 0x10]) {
            Some(named) if named == aaguid => Ok(()),
            Some(_) => Err(AttestationError::Aaguid),
            None => Err(AttestationError::Certificate),
        }
    }

    /// Returns whether the basic constraints are present and mark a CA. Only the DER encoding of
    /// TRUE counts (X.690 section 11.1), although the parser accepts others.
    pub(super) fn is_ca(&self) -> bool {
        let constraints = self.extension(&BASIC_CONSTRAINTS);
        constraints.is_some_and(|found| matches!(found.value, [SEQUENCE, _, 0x01, 0x01, 0xff, ..]))
    }

    /// Returns whether the basic constraints are present and do not mark a CA.
    pub(super) fn is_end_entity(&self) -> bool {
        matches!(self.0.basic_constraints(), Ok(Some(constraints)) if !constraints.value.ca)
    }

    /// Returns whether `issuer`'s subject is this certificate's issuer and its key signed it.
    pub(super) fn is_issued_by(&self, issuer: &Self) -> bool {
        self.0.issuer().as_raw() == issuer.0.subject().as_raw()
            && self.0.signature_value.unused_bits == NO_UNUSED_BITS
            && self.signature_algorithm(issuer).is_some_and(|algorithm| {
                key::verify(
                    algorithm,
                    issuer.key_bytes(),
                    self.0.tbs_certificate.as_ref(),
                    &self.0.signature_value.data,
                )
                .is_ok()
            })
    }

    /// Returns the algorithm that verifies a signature of `issuer` on this certificate. Returns
    /// `None` for unsupported algorithms (SHA-1 among them) and those that do not fit the issuer's
    /// key.
    fn signature_algorithm(&self, issuer: &Self) -> Option<&'static dyn VerificationAlgorithm> {
        let algorithm: &[(Oid<'static>, KeyKind, &'static dyn VerificationAlgorithm)] = &[
            (
                ECDSA_WITH_SHA256,
                KeyKind::P256,
                &verification::ECDSA_P256_SHA256_ASN1,
            ),
            (
                ECDSA_WITH_SHA384,
                KeyKind::P256,
                &verification::ECDSA_P256_SHA384_ASN1,
            ),
            (
                ECDSA_WITH_SHA512,
                KeyKind::P256,
                &verification::ECDSA_P256_SHA512_ASN1,
            ),
            (
                ECDSA_WITH_SHA256,
                KeyKind::P384,
                &verification::ECDSA_P384_SHA256_ASN1,
            ),
            (
                ECDSA_WITH_SHA384,
                KeyKind::P384,
                &verification::ECDSA_P384_SHA384_ASN1,
            ),
            (
                ECDSA_WITH_SHA512,
                KeyKind::P384,
                &verification::ECDSA_P384_SHA512_ASN1,
            ),
            (
                ECDSA_WITH_SHA256,
                KeyKind::P521,
                &verification::ECDSA_P521_SHA256_ASN1,
            ),
            (
                ECDSA_WITH_SHA384,
                KeyKind::P521,
                &verification::ECDSA_P521_SHA384_ASN1,
            ),
            (
                ECDSA_WITH_SHA512,
                KeyKind::P521,
                &verification::ECDSA_P521_SHA512_ASN1,
            ),
            (
                SHA256_WITH_RSA,
                KeyKind::Rsa,
                &verification::RSA_PKCS1_2048_8192_SHA256,
            ),
            (
                SHA384_WITH_RSA,
                KeyKind::Rsa,
                &verification::RSA_PKCS1_2048_8192_SHA384,
            ),
            (
                SHA512_WITH_RSA,
                KeyKind::Rsa,
                &verification::RSA_PKCS1_2048_8192_SHA512,
            ),
            (ED25519, KeyKind::Ed25519, &verification::ED25519),
        ];
        let kind = issuer.key_kind()?;
        let named = &self.0.signature_algorithm.algorithm;
        algorithm
            .iter()
            .find(|(oid, of, _)| oid == named && *of == kind)
            .map(|(_, _, algorithm)| *algorithm)
    }
}

/// Returns the number of extensions, if each is an object identifier, an optional BOOLEAN, and an
/// OCTET STRING (RFC 5280 section 4.1). An explicit FALSE is accepted, since some authorities write
/// it.
fn typed_extensions(mut to_be_signed: &[u8]) -> Option<usize> {
    let mut count = 0;
    let mut fields = content(&mut to_be_signed, Tag::Sequence)?;
    while !fields.is_empty() {
        let field = next(&mut fields)?;
        if (field.class(), field.tag()) != EXTENSIONS {
            continue;
        }
        let mut wrapped = field.data;
        let mut extensions = content(&mut wrapped, Tag::Sequence)?;
        while !extensions.is_empty() {
            let mut extension = content(&mut extensions, Tag::Sequence)?;
            content(&mut extension, Tag::Oid)?;
            let mut behind = extension;
            if let Some(critical) = content(&mut behind, Tag::Boolean) {
                matches!(critical, [0x00 | 0xff]).then_some(())?;
                extension = behind;
            }
            content(&mut extension, Tag::OctetString)?;
            extension.is_empty().then_some(())?;
            count += 1;
        }
    }
    Some(count)
}
