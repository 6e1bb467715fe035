//! `apple` (section 8.8), Apple Anonymous Attestation.

use x509_parser::oid_registry::Oid;
use x509_parser::oid_registry::asn1_rs::oid;

use super::certificate::Certificate;
use super::statement::Statement;
use super::{AttestationError, Evidence, Subject};
use crate::sha256;

const NONCE: Oid<'static> = oid!(1.2.840.113635.100.8.2);

/// The bytes before the 32 bytes of the nonce: a SEQUENCE of an OCTET STRING tagged `[1]`.
const NONCE_HEAD: [u8; 6] = [0x30, 0x24, 0xa1, 0x22, 0x04, 0x20];

pub(super) fn verify<'a>(
    statement: &'a [u8],
    subject: &Subject<'_>,
) -> Result<Evidence<'a>, AttestationError> {
    let statement = Statement::read(statement, &["x5c"])?;
    let certificates = statement.certificates()?;
    let certificate = Certificate::parse(certificates[0])?;
    let nonce = certificate
        .extension(&NONCE)
        .and_then(|extension| extension.value.strip_prefix(&NONCE_HEAD));
    if nonce != Some(&sha256(&subject.signed())) {
        return Err(AttestationError::Nonce);
    }
    if certificate.credential_key().as_ref() != Some(&subject.credential.public_key) {
        return Err(AttestationError::PublicKey);
    }
    Ok(Evidence {
        // Only the certificate is signed. Its issuer is checked with the trust path.
        signature_verified: false,
        certificates: certificates.to_vec(),
    })
}
