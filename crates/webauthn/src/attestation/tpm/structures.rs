//! The two TPM structures of a statement (TPM 2.0 Library Part 2, Structures). All numbers are
//! big-endian; a "sized" field is preceded by its length in 2 bytes.

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};

use crate::{AttestationError, PublicKey};

const TPM_ALG_RSA: u16 = 0x0001;
const TPM_ALG_ECC: u16 = 0x0023;
const TPM_ALG_NULL: u16 = 0x0010;
const TPM_ALG_ECDAA: u16 = 0x001a;
const TPM_ALG_SHA256: u16 = 0x000b;
const TPM_ALG_SHA384: u16 = 0x000c;
const TPM_ALG_SHA512: u16 = 0x000d;
const TPM_ECC_NIST_P256: u16 = 0x0003;
const TPM_ECC_NIST_P384: u16 = 0x0004;
const TPM_GENERATED_VALUE: u32 = 0xff54_4347;
const TPM_ST_ATTEST_CERTIFY: u16 = 0x8017;
/// TPMA_OBJECT (section 8.3): the key can move neither to another TPM (bit 1, fixedTPM) nor to
/// another parent (bit 4, fixedParent), and the TPM generated it (bit 5, sensitiveDataOrigin).
const MADE_AND_KEPT: u32 = (1 << 1) | (1 << 4) | (1 << 5);
const DEFAULT_EXPONENT: u32 = 65_537;

/// The unread rest of a structure.
struct Reader<'a>(&'a [u8]);

/// The structure ends too early.
struct CutShort;

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], CutShort> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CutShort)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, CutShort> {
        let (number, rest) = self.0.split_first_chunk().ok_or(CutShort)?;
        self.0 = rest;
        Ok(u16::from_be_bytes(*number))
    }

    fn u32(&mut self) -> Result<u32, CutShort> {
        let (number, rest) = self.0.split_first_chunk().ok_or(CutShort)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*number))
    }

    fn sized(&mut self) -> Result<&'a [u8], CutShort> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// Skips a scheme and its details, if present: its hash, and a count for ECDAA
    /// (TPMT_RSA_SCHEME section 11.2.4.2, TPMT_ECC_SCHEME section 11.2.5.6, TPMT_KDF_SCHEME
    /// section 11.2.3.3).
    fn skip_scheme(&mut self) -> Result<(), CutShort> {
        match self.u16()? {
            TPM_ALG_NULL => {}
            TPM_ALG_ECDAA => {
                self.take(4)?;
            }
            _ => {
                self.take(2)?;
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// TPMT_PUBLIC (section 12.2.4).
pub(super) struct PublicArea {
    /// The key, or `None` if it cannot be a credential's.
    pub(super) public_key: Option<PublicKey>,
    /// The Name (Part 1, section 16): the hash algorithm, and the hash of the whole structure.
    pub(super) name: Vec<u8>,
    /// Whether the TPM that holds the key generated it and does not export it.
    pub(super) is_made_and_kept: bool,
}

impl PublicArea {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, AttestationError> {
        Self::read(bytes)
            .ok()
            .flatten()
            .ok_or(AttestationError::TpmPublicArea)
    }

    fn read(bytes: &[u8]) -> Result<Option<Self>, CutShort> {
        let mut reader = Reader(bytes);
        let kind = reader.u16()?;
        let name_algorithm = reader.u16()?;
        let object_attributes = reader.u32()?;
        let _authorization_policy = reader.sized()?;
        // Only keys that wrap others have a symmetric algorithm.
        if reader.u16()? != TPM_ALG_NULL {
            return Ok(None);
        }
        let public_key = match kind {
            TPM_ALG_RSA => Self::rsa(&mut reader)?,
            TPM_ALG_ECC => Self::ecc(&mut reader)?,
            _ => return Ok(None),
        };
        let name = name(name_algorithm, bytes).filter(|_| reader.is_empty());
        Ok(name.map(|name| Self {
            public_key,
            name,
            is_made_and_kept: object_attributes & MADE_AND_KEPT == MADE_AND_KEPT,
        }))
    }

    /// Parses TPMS_RSA_PARMS (section 12.2.3.5) without its symmetric algorithm, and the modulus.
    fn rsa(reader: &mut Reader<'_>) -> Result<Option<PublicKey>, CutShort> {
        reader.skip_scheme()?;
        let _key_bits = reader.u16()?;
        let exponent = match reader.u32()? {
            0 => DEFAULT_EXPONENT,
            exponent => exponent,
        };
        Ok(PublicKey::from_rsa_numbers(reader.sized()?, exponent))
    }

    /// Parses TPMS_ECC_PARMS (section 12.2.3.6) without its symmetric algorithm, and the point.
    fn ecc(reader: &mut Reader<'_>) -> Result<Option<PublicKey>, CutShort> {
        reader.skip_scheme()?;
        let curve = reader.u16()?;
        reader.skip_scheme()?;
        let (x, y) = (reader.sized()?, reader.sized()?);
        Ok(match curve {
            TPM_ECC_NIST_P256 => PublicKey::from_p256_numbers(x, y),
            TPM_ECC_NIST_P384 => PublicKey::from_p384_numbers(x, y),
            _ => None,
        })
    }
}

/// Returns the Name of an object, or `None` for unknown or untrusted hash algorithms.
fn name(algorithm: u16, object: &[u8]) -> Option<Vec<u8>> {
    let hash = match algorithm {
        TPM_ALG_SHA256 => &SHA256,
        TPM_ALG_SHA384 => &SHA384,
        TPM_ALG_SHA512 => &SHA512,
        _ => return None,
    };
    let digest = digest::digest(hash, object);
    Some([&algorithm.to_be_bytes(), digest.as_ref()].concat())
}

/// TPMS_ATTEST (section 10.12.8) of a key: its `attested` is a TPMS_CERTIFY_INFO (section
/// 10.12.3).
pub(super) struct CertInfo<'a> {
    pub(super) extra_data: &'a [u8],
    pub(super) attested_name: &'a [u8],
}

impl<'a> CertInfo<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, AttestationError> {
        let mut reader = Reader(bytes);
        let malformed = |CutShort| AttestationError::TpmCertInfo;
        if reader.u32().map_err(malformed)? != TPM_GENERATED_VALUE {
            return Err(AttestationError::TpmMagic);
        }
        if reader.u16().map_err(malformed)? != TPM_ST_ATTEST_CERTIFY {
            return Err(AttestationError::TpmType);
        }
        Self::rest(reader)
            .map_err(malformed)?
            .ok_or(AttestationError::TpmCertInfo)
    }

    fn rest(mut reader: Reader<'a>) -> Result<Option<Self>, CutShort> {
        let _qualified_signer = reader.sized()?;
        let extra_data = reader.sized()?;
        let _clock_and_firmware_version = reader.take(17 + 8)?;
        let attested_name = reader.sized()?;
        let _qualified_name = reader.sized()?;
        Ok(reader.is_empty().then_some(Self {
            extra_data,
            attested_name,
        }))
    }
}
