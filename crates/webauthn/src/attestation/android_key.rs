//! `android-key` (section 8.4), key attestation of the Android key store.

use x509_parser::oid_registry::Oid;
use x509_parser::oid_registry::asn1_rs::{Any, Class, FromDer as _, Tag, oid};

use super::certificate::Certificate;
use super::der::content;
use super::statement::Statement;
use super::{AttestationError, Evidence, Subject};

pub(super) fn verify<'a>(
    statement: &'a [u8],
    subject: &Subject<'_>,
) -> Result<Evidence<'a>, AttestationError> {
    let statement = Statement::read(statement, &["alg", "sig", "x5c"])?;
    let (algorithm, signature) = (statement.algorithm()?, statement.signature()?);
    let certificates = statement.certificates()?;
    let certificate = Certificate::parse(certificates[0])?;
    if certificate.credential_key().as_ref() != Some(&subject.credential.public_key) {
        return Err(AttestationError::PublicKey);
    }
    let algorithm = algorithm.ok_or(AttestationError::Signature)?;
    certificate.verify(algorithm, &subject.signed(), signature)?;
    KeyDescription::of(&certificate)
        .ok_or(AttestationError::KeyDescription)?
        .check(subject.client_data_hash)?;
    Ok(Evidence {
        signature_verified: true,
        certificates: certificates.to_vec(),
    })
}

const KEY_DESCRIPTION: Oid<'static> = oid!(1.3.6.1.4.1.11129.2.1.17);

/// The part of the key description that section 8.4 uses.
struct KeyDescription<'a> {
    attestation_challenge: &'a [u8],
    software_enforced: AuthorizationList,
    tee_enforced: AuthorizationList,
}

/// The permitted purposes and the origin of a key. Other authorizations are ignored.
#[derive(Default)]
struct AuthorizationList {
    purposes: Vec<u8>,
    origin: Option<u8>,
    all_applications: bool,
}

impl<'a> KeyDescription<'a> {
    fn of(certificate: &Certificate<'a>) -> Option<Self> {
        let mut outer = certificate.extension(&KEY_DESCRIPTION)?.value;
        let mut rest = content(&mut outer, Tag::Sequence)?;
        if !outer.is_empty() {
            return None;
        }
        // Version and security level, first of attestation, then of the key store.
        for tag in [Tag::Integer, Tag::Enumerated, Tag::Integer, Tag::Enumerated] {
            content(&mut rest, tag)?;
        }
        let attestation_challenge = content(&mut rest, Tag::OctetString)?;
        let _unique_id = content(&mut rest, Tag::OctetString)?;
        let mut list = || AuthorizationList::read(content(&mut rest, Tag::Sequence)?);
        Some(Self {
            attestation_challenge,
            software_enforced: list()?,
            tee_enforced: list()?,
        })
    }

    /// Checks both lists together, as section 8.4 does if keys need not come from a trusted
    /// execution environment. The configured roots determine which environments are trusted.
    fn check(&self, client_data_hash: &[u8; 32]) -> Result<(), AttestationError> {
        const KM_ORIGIN_GENERATED: u8 = 0;
        const KM_PURPOSE_SIGN: u8 = 2;
        if self.attestation_challenge != client_data_hash {
            return Err(AttestationError::AttestationChallenge);
        }
        let lists = [&self.software_enforced, &self.tee_enforced];
        if lists.iter().any(|list| list.all_applications) {
            return Err(AttestationError::AllApplications);
        }
        let mut origins = lists.iter().filter_map(|list| list.origin).peekable();
        if origins.peek().is_none() || origins.any(|origin| origin != KM_ORIGIN_GENERATED) {
            return Err(AttestationError::Origin);
        }
        let mut purposes = lists.iter().flat_map(|list| &list.purposes).peekable();
        if purposes.peek().is_none() || purposes.any(|purpose| *purpose != KM_PURPOSE_SIGN) {
            return Err(AttestationError::Purpose);
        }
        Ok(())
    }
}

impl AuthorizationList {
    fn read(mut entries: &[u8]) -> Option<Self> {
        const PURPOSE: Tag = Tag(1);
        const ALL_APPLICATIONS: Tag = Tag(600);
        const ORIGIN: Tag = Tag(702);
        let mut list = Self::default();
        while !entries.is_empty() {
            let (rest, entry) = Any::from_der(entries).ok()?;
            entries = rest;
            if entry.class() != Class::ContextSpecific {
                return None;
            }
            let mut value = entry.data;
            match entry.tag() {
                PURPOSE => {
                    let mut purposes = content(&mut value, Tag::Set)?;
                    while !purposes.is_empty() {
                        list.purposes.push(small_integer(&mut purposes)?);
                    }
                }
                ORIGIN => list.origin = Some(small_integer(&mut value)?),
                ALL_APPLICATIONS => list.all_applications = true,
                _ => {}
            }
        }
        Some(list)
    }
}

fn small_integer(input: &mut &[u8]) -> Option<u8> {
    match content(input, Tag::Integer)? {
        [value] => Some(*value),
        _ => None,
    }
}
