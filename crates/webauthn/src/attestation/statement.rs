use minicbor::Decoder;

use super::AttestationError;
use crate::Algorithm;
use crate::cbor::{self, NotCbor};

/// The members of attestation statements (sections 8.2 to 8.8). Each format uses some of them.
#[derive(Default)]
pub(super) struct Statement<'a> {
    version: Option<&'a str>,
    algorithm: Option<i64>,
    signature: Option<&'a [u8]>,
    certificates: Option<Vec<&'a [u8]>>,
    cert_info: Option<&'a [u8]>,
    public_area: Option<&'a [u8]>,
}

/// The most certificates in a statement. No authenticator sends more, and parsing each has a cost.
const MAX_CERTIFICATES: u64 = 8;

impl<'a> Statement<'a> {
    /// Parses a statement that has no members but those `allowed`, each once.
    pub(super) fn read(bytes: &'a [u8], allowed: &[&str]) -> Result<Self, AttestationError> {
        Self::decode(bytes, allowed).map_err(|NotCbor| AttestationError::Statement)
    }

    fn decode(bytes: &'a [u8], allowed: &[&str]) -> Result<Self, NotCbor> {
        let mut decoder = Decoder::new(bytes);
        let mut found = Self::default();
        for _ in 0..cbor::map_entries(&mut decoder)? {
            let name = decoder.str()?;
            if !allowed.contains(&name) {
                return Err(NotCbor);
            }
            let repeated = match name {
                "ver" => found.version.replace(decoder.str()?).is_some(),
                "alg" => found.algorithm.replace(decoder.i64()?).is_some(),
                "sig" => found.signature.replace(decoder.bytes()?).is_some(),
                "x5c" => found
                    .certificates
                    .replace(certificates(&mut decoder)?)
                    .is_some(),
                "certInfo" => found.cert_info.replace(decoder.bytes()?).is_some(),
                "pubArea" => found.public_area.replace(decoder.bytes()?).is_some(),
                _ => return Err(NotCbor),
            };
            if repeated {
                return Err(NotCbor);
            }
        }
        Ok(found)
    }

    pub(super) fn version(&self) -> Result<&'a str, AttestationError> {
        self.version.ok_or(AttestationError::Statement)
    }

    /// Returns `alg`, a COSE algorithm identifier.
    pub(super) fn algorithm_id(&self) -> Result<i64, AttestationError> {
        self.algorithm.ok_or(AttestationError::Statement)
    }

    /// Returns `alg`, or `None` if its signatures cannot be verified here.
    pub(super) fn algorithm(&self) -> Result<Option<Algorithm>, AttestationError> {
        self.algorithm_id().map(Algorithm::from_cose_id)
    }

    pub(super) fn signature(&self) -> Result<&'a [u8], AttestationError> {
        self.signature.ok_or(AttestationError::Statement)
    }

    /// Returns `x5c`, which has at least one certificate, or `None` if the member is missing.
    pub(super) fn optional_certificates(&self) -> Option<&[&'a [u8]]> {
        self.certificates.as_deref()
    }

    pub(super) fn certificates(&self) -> Result<&[&'a [u8]], AttestationError> {
        self.optional_certificates()
            .ok_or(AttestationError::Statement)
    }

    pub(super) fn cert_info(&self) -> Result<&'a [u8], AttestationError> {
        self.cert_info.ok_or(AttestationError::Statement)
    }

    pub(super) fn public_area(&self) -> Result<&'a [u8], AttestationError> {
        self.public_area.ok_or(AttestationError::Statement)
    }
}

fn certificates<'a>(decoder: &mut Decoder<'a>) -> Result<Vec<&'a [u8]>, NotCbor> {
    let count = decoder.array()?.ok_or(NotCbor)?;
    if !(1..=MAX_CERTIFICATES).contains(&count) {
        return Err(NotCbor);
    }
    (0..count).map(|_| Ok(decoder.bytes()?)).collect()
}
