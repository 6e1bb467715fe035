//! `packed` (section 8.2).

use x509_parser::x509::AttributeTypeAndValue;

use super::certificate::Certificate;
use super::statement::Statement;
use super::{AttestationError, Evidence, Subject};
use crate::BadSignature;

pub(super) fn verify<'a>(
    statement: &'a [u8],
    subject: &Subject<'_>,
) -> Result<Evidence<'a>, AttestationError> {
    let statement = Statement::read(statement, &["alg", "sig", "x5c"])?;
    let (algorithm_id, signature) = (statement.algorithm_id()?, statement.signature()?);
    let Some(certificates) = statement.optional_certificates() else {
        let key = &subject.credential.public_key;
        if algorithm_id != key.algorithm().cose_id() {
            return Err(AttestationError::Algorithm);
        }
        key.verify_webauthn(&subject.signed(), signature)
            .map_err(|BadSignature| AttestationError::Signature)?;
        return Ok(Evidence {
            signature_verified: true,
            certificates: vec![],
        });
    };
    let certificate = Certificate::parse(certificates[0])?;
    if !meets_requirements(&certificate) {
        return Err(AttestationError::Certificate);
    }
    certificate.check_aaguid(&subject.credential.aaguid)?;
    // An unverifiable signature proves as little as an unknown format.
    let Some(algorithm) = statement.algorithm()? else {
        return Ok(Evidence::default());
    };
    certificate.verify(algorithm, &subject.signed(), signature)?;
    Ok(Evidence {
        signature_verified: true,
        certificates: certificates.to_vec(),
    })
}

/// Checks section 8.2.1, except validity times, which belong to the trust path and its clock.
fn meets_requirements(certificate: &Certificate<'_>) -> bool {
    let subject = certificate.x509().subject();
    is_country(subject.iter_country().next())
        && is_text(subject.iter_organization().next())
        && is_text(subject.iter_common_name().next())
        && subject
            .iter_organizational_unit()
            .any(|unit| unit.as_str() == Ok("Authenticator Attestation"))
        && certificate.is_end_entity()
}

fn is_country(attribute: Option<&AttributeTypeAndValue<'_>>) -> bool {
    attribute.is_some_and(|a| matches!(a.as_str(), Ok(text) if text.len() == 2))
}

fn is_text(attribute: Option<&AttributeTypeAndValue<'_>>) -> bool {
    attribute.is_some_and(|a| matches!(a.as_str(), Ok(text) if !text.is_empty()))
}
