//! `fido-u2f` (section 8.6).

use super::certificate::{Certificate, KeyKind};
use super::statement::Statement;
use super::{AttestationError, Evidence, Subject};
use crate::Algorithm;

pub(super) fn verify<'a>(
    statement: &'a [u8],
    subject: &Subject<'_>,
) -> Result<Evidence<'a>, AttestationError> {
    let statement = Statement::read(statement, &["sig", "x5c"])?;
    let signature = statement.signature()?;
    let &[leaf] = statement.certificates()? else {
        return Err(AttestationError::Statement);
    };
    let certificate = Certificate::parse(leaf)?;
    if certificate.key_kind() != Some(KeyKind::P256) {
        return Err(AttestationError::Certificate);
    }
    let credential = subject.credential;
    let point = credential
        .public_key
        .p256_point()
        .ok_or(AttestationError::Algorithm)?;
    // The credential was read from this data, so it is longer than the hash.
    let (rp_id_hash, _) = subject.authenticator_data.split_at(32);
    let signed = [
        &[0x00],
        rp_id_hash,
        subject.client_data_hash,
        &credential.id,
        point,
    ]
    .concat();
    certificate.verify(Algorithm::Es256, &signed, signature)?;
    Ok(Evidence {
        signature_verified: true,
        certificates: vec![leaf],
    })
}
