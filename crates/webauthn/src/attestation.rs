//! Attestation objects (WebAuthn Level 3 section 6.5.4) and statements (section 8).

use minicbor::Decoder;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{Oid, asn1_rs::oid};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{AttributeTypeAndValue, X509Version};

use crate::Algorithm;
use crate::authenticator_data::AttestedCredential;
use crate::cbor::{self, NotCbor};
use crate::key::{self, BadSignature};

/// Why an attestation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// The attestation object is not CBOR of exactly `fmt`, `attStmt`, `authData` (section
    /// 6.5.4), or has bytes after its end.
    #[error("the attestation object is malformed")]
    Object,
    /// `fmt` is not 1 to 32 printable ASCII characters (section 8.1).
    #[error("the attestation format's name is malformed")]
    Format,
    /// The statement is not what its format prescribes (sections 8.2 and 8.7).
    #[error("the attestation statement is malformed")]
    Statement,
    /// Self attestation by another algorithm than the credential's (section 8.2, "Validate that
    /// alg matches the algorithm of the credentialPublicKey").
    #[error("the attestation's algorithm is not the credential's")]
    Algorithm,
    /// "Verify that sig is a valid signature over the concatenation of authenticatorData and
    /// clientDataHash" (section 8.2).
    #[error("the attestation's signature does not verify")]
    Signature,
    /// The attestation certificate is malformed or does not meet section 8.2.1.
    #[error("the attestation certificate is not acceptable")]
    Certificate,
    /// The certificate's AAGUID extension names another model (section 8.2, "Verify that the
    /// value of this extension matches the aaguid in authenticatorData").
    #[error("the attestation certificate is of another model")]
    Aaguid,
}

/// An attestation object, read but not trusted.
pub(crate) struct AttestationObject<'a> {
    pub(crate) format: &'a str,
    statement: &'a [u8],
    pub(crate) authenticator_data: &'a [u8],
}

impl<'a> AttestationObject<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, AttestationError> {
        let object = Self::read(bytes).map_err(|NotCbor| AttestationError::Object)?;
        let is_name = |b: u8| b.is_ascii_graphic();
        if !(1..=32).contains(&object.format.len()) || !object.format.bytes().all(is_name) {
            return Err(AttestationError::Format);
        }
        Ok(object)
    }

    fn read(bytes: &'a [u8]) -> Result<Self, NotCbor> {
        let mut decoder = Decoder::new(bytes);
        let (mut format, mut statement, mut authenticator_data) = (None, None, None);
        for _ in 0..cbor::map_entries(&mut decoder)? {
            let repeated = match decoder.str()? {
                "fmt" => format.replace(decoder.str()?).is_some(),
                "attStmt" => statement.replace(cbor::take_map(&mut decoder)?).is_some(),
                "authData" => authenticator_data.replace(decoder.bytes()?).is_some(),
                _ => return Err(NotCbor),
            };
            if repeated {
                return Err(NotCbor);
            }
        }
        if decoder.position() != bytes.len() {
            return Err(NotCbor);
        }
        Ok(Self {
            format: format.ok_or(NotCbor)?,
            statement: statement.ok_or(NotCbor)?,
            authenticator_data: authenticator_data.ok_or(NotCbor)?,
        })
    }

    /// Verifies the statement as far as its format is known, and says whether a signature was
    /// verified. Formats that are not known prove nothing and are not refused.
    ///
    /// No trust path is judged: a verified signature says that the statement is sound, not who
    /// made the authenticator.
    pub(crate) fn verify(
        &self,
        credential: &AttestedCredential,
        client_data_hash: &[u8; 32],
    ) -> Result<bool, AttestationError> {
        match self.format {
            // Section 8.7: the statement is the empty map.
            "none" if self.statement == [0xa0] => Ok(false),
            "none" => Err(AttestationError::Statement),
            "packed" => {
                let signed = [self.authenticator_data, client_data_hash].concat();
                PackedStatement::read(self.statement)
                    .map_err(|NotCbor| AttestationError::Statement)?
                    .verify(credential, &signed)
            }
            _ => Ok(false),
        }
    }
}

/// A `packed` statement (section 8.2).
struct PackedStatement<'a> {
    algorithm: i64,
    signature: &'a [u8],
    /// The attestation certificate in DER; absent in self attestation. The certificates after
    /// it are a trust path, which is not judged.
    leaf: Option<&'a [u8]>,
}

impl<'a> PackedStatement<'a> {
    fn read(statement: &'a [u8]) -> Result<Self, NotCbor> {
        let mut decoder = Decoder::new(statement);
        let (mut algorithm, mut signature, mut leaf) = (None, None, None);
        for _ in 0..cbor::map_entries(&mut decoder)? {
            let repeated = match decoder.str()? {
                "alg" => algorithm.replace(decoder.i64()?).is_some(),
                "sig" => signature.replace(decoder.bytes()?).is_some(),
                "x5c" => leaf.replace(first_certificate(&mut decoder)?).is_some(),
                _ => return Err(NotCbor),
            };
            if repeated {
                return Err(NotCbor);
            }
        }
        Ok(Self {
            algorithm: algorithm.ok_or(NotCbor)?,
            signature: signature.ok_or(NotCbor)?,
            leaf,
        })
    }

    fn verify(
        &self,
        credential: &AttestedCredential,
        signed: &[u8],
    ) -> Result<bool, AttestationError> {
        match self.leaf {
            None if self.algorithm != credential.public_key.algorithm().cose_id() => {
                Err(AttestationError::Algorithm)
            }
            None => credential
                .public_key
                .verify_webauthn(signed, self.signature)
                .map(|()| true)
                .map_err(|BadSignature| AttestationError::Signature),
            // A signature that cannot be checked proves as little as an unknown format.
            Some(_) if self.algorithm != Algorithm::Es256.cose_id() => Ok(false),
            Some(leaf) => self
                .verify_by_certificate(leaf, credential, signed)
                .map(|()| true),
        }
    }

    fn verify_by_certificate(
        &self,
        leaf: &[u8],
        credential: &AttestedCredential,
        signed: &[u8],
    ) -> Result<(), AttestationError> {
        let (rest, certificate) =
            X509Certificate::from_der(leaf).map_err(|_| AttestationError::Certificate)?;
        if !rest.is_empty() || !meets_packed_requirements(&certificate) {
            return Err(AttestationError::Certificate);
        }
        let key = &certificate.public_key().subject_public_key.data;
        key::verify(Algorithm::Es256.verification(), key, signed, self.signature)
            .map_err(|BadSignature| AttestationError::Signature)?;
        check_aaguid_extension(&certificate, &credential.aaguid)
    }
}

fn first_certificate<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8], NotCbor> {
    let count = decoder.array()?.filter(|count| *count > 0).ok_or(NotCbor)?;
    let leaf = decoder.bytes()?;
    for _ in 1..count {
        decoder.bytes()?;
    }
    Ok(leaf)
}

/// Section 8.2.1, except that validity times belong to the trust path and its clock.
fn meets_packed_requirements(certificate: &X509Certificate<'_>) -> bool {
    let subject = certificate.subject();
    certificate.version() == X509Version::V3
        && is_country(subject.iter_country().next())
        && is_text(subject.iter_organization().next())
        && is_text(subject.iter_common_name().next())
        && subject
            .iter_organizational_unit()
            .any(|unit| unit.as_str() == Ok("Authenticator Attestation"))
        && matches!(certificate.basic_constraints(), Ok(Some(c)) if !c.value.ca)
}

fn is_country(attribute: Option<&AttributeTypeAndValue<'_>>) -> bool {
    attribute.is_some_and(|a| matches!(a.as_str(), Ok(text) if text.len() == 2))
}

fn is_text(attribute: Option<&AttributeTypeAndValue<'_>>) -> bool {
    attribute.is_some_and(|a| matches!(a.as_str(), Ok(text) if !text.is_empty()))
}

const AAGUID_EXTENSION: Oid<'static> = oid!(1.3.6.1.4.1.45724.1.1.4);

fn check_aaguid_extension(
    certificate: &X509Certificate<'_>,
    aaguid: &[u8; 16],
) -> Result<(), AttestationError> {
    let extension = certificate
        .get_extension_unique(&AAGUID_EXTENSION)
        .map_err(|_| AttestationError::Certificate)?;
    let Some(extension) = extension else {
        return Ok(());
    };
    // Section 8.2.1: not critical, and the 16 bytes wrapped in one more OCTET STRING.
    if extension.critical {
        return Err(AttestationError::Certificate);
    }
    match extension.value.strip_prefix(&[0x04, 0x10]) {
        Some(named) if named == aaguid => Ok(()),
        Some(_) => Err(AttestationError::Aaguid),
        None => Err(AttestationError::Certificate),
    }
}
