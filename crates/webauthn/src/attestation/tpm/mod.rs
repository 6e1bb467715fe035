//! `tpm` (section 8.3).

mod structures;

use aws_lc_rs::digest::{self, SHA256, SHA384};
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::Oid;
use x509_parser::oid_registry::asn1_rs::oid;

use self::structures::{CertInfo, PublicArea};
use super::certificate::Certificate;
use super::statement::Statement;
use super::{AttestationError, Evidence, Subject};
use crate::Algorithm;

pub(super) fn verify<'a>(
    statement: &'a [u8],
    subject: &Subject<'_>,
) -> Result<Evidence<'a>, AttestationError> {
    let members = ["ver", "alg", "x5c", "sig", "certInfo", "pubArea"];
    let statement = Statement::read(statement, &members)?;
    if statement.version()? != "2.0" {
        return Err(AttestationError::TpmVersion);
    }
    let (algorithm, signature) = (statement.algorithm()?, statement.signature()?);
    let certificates = statement.certificates()?;

    let public_area = PublicArea::parse(statement.public_area()?)?;
    if public_area.public_key.as_ref() != Some(&subject.credential.public_key) {
        return Err(AttestationError::PublicKey);
    }
    let cert_info = CertInfo::parse(statement.cert_info()?)?;
    if cert_info.attested_name != public_area.name {
        return Err(AttestationError::TpmName);
    }
    let certificate = Certificate::parse(certificates[0])?;
    if !meets_requirements(&certificate) {
        return Err(AttestationError::Certificate);
    }
    certificate.check_aaguid(&subject.credential.aaguid)?;

    // The hash of `extraData`, too, is known only for a known algorithm. SHA-1, used by old TPMs,
    // is not supported.
    let hash = match algorithm {
        Some(Algorithm::Es256 | Algorithm::Rs256) => &SHA256,
        Some(Algorithm::Es384) => &SHA384,
        Some(Algorithm::EdDsa) | None => return Ok(Evidence::default()),
    };
    if cert_info.extra_data != digest::digest(hash, &subject.signed()).as_ref() {
        return Err(AttestationError::TpmExtraData);
    }
    let algorithm = algorithm.ok_or(AttestationError::Signature)?;
    certificate.verify(algorithm, statement.cert_info()?, signature)?;
    // TPM2_Certify (Part 3, section 18.2) proves that a key is loaded, not where it came from.
    // Software may have generated and imported it, and may still hold it.
    let vouching = if public_area.is_made_and_kept {
        certificates.to_vec()
    } else {
        Vec::new()
    };
    Ok(Evidence {
        signature_verified: true,
        certificates: vouching,
    })
}

const AIK_CERTIFICATE: Oid<'static> = oid!(2.23.133.8.3);
const MANUFACTURER: Oid<'static> = oid!(2.23.133.2.1);
const MODEL: Oid<'static> = oid!(2.23.133.2.2);
const FIRMWARE_VERSION: Oid<'static> = oid!(2.23.133.2.3);

/// Checks section 8.3.1, except validity times, which belong to the trust path and its clock.
fn meets_requirements(certificate: &Certificate<'_>) -> bool {
    let x509 = certificate.x509();
    let has_purpose = matches!(
        x509.extended_key_usage(),
        Ok(Some(usage)) if usage.value.other.contains(&AIK_CERTIFICATE)
    );
    x509.subject().iter().next().is_none()
        && has_purpose
        && certificate.is_end_entity()
        && names_tpm(certificate)
}

/// Returns whether the subject alternative name has the TPM's manufacturer, model and firmware
/// version (TCG EK Credential Profile for TPM Family 2.0 section 3.2.9).
fn names_tpm(certificate: &Certificate<'_>) -> bool {
    let Ok(Some(extension)) = certificate.x509().subject_alternative_name() else {
        return false;
    };
    extension.value.general_names.iter().any(|name| {
        let GeneralName::DirectoryName(name) = name else {
            return false;
        };
        let text = |kind: &Oid<'static>| {
            let mut attributes = name.iter_attributes();
            let attribute = attributes.find(|attribute| attribute.attr_type() == kind)?;
            attribute.as_str().ok()
        };
        text(&MANUFACTURER).is_some_and(is_manufacturer)
            && text(&MODEL).is_some_and(|model| !model.is_empty())
            && text(&FIRMWARE_VERSION).is_some_and(|version| version.starts_with("id:"))
    })
}

/// Returns whether `text` is `id:` and the vendor's four bytes in hexadecimal (TCG TPM Vendor ID
/// Registry).
fn is_manufacturer(text: &str) -> bool {
    text.strip_prefix("id:")
        .is_some_and(|id| id.len() == 8 && id.bytes().all(|digit| digit.is_ascii_hexdigit()))
}
