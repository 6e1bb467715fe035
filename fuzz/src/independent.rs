//! Second readings, by code that the product does not use.

use keymoor_testkit::cbor::Item;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};

/// The one map that `bytes` are, with nothing behind it.
pub(crate) fn map(bytes: &[u8]) -> Option<Vec<(Item, Item)>> {
    match Item::read(bytes)? {
        (Item::Map(entries), []) => Some(entries),
        _ => None,
    }
}

/// Whether no key is there twice.
pub(crate) fn has_unique_keys(entries: &[(Item, Item)]) -> bool {
    (1..entries.len()).all(|at| !entries[..at].iter().any(|(key, _)| *key == entries[at].0))
}

/// An ES256 COSE_Key of exactly its five parameters: x and y (RFC 9053 section 7.1.1).
pub(crate) fn es256_coordinates(entries: &[(Item, Item)]) -> Option<([u8; 32], [u8; 32])> {
    let value = |label: Item| {
        entries
            .iter()
            .find_map(|(key, value)| (*key == label).then_some(value))
    };
    let coordinate = |label| match value(label) {
        Some(Item::Bytes(bytes)) => <[u8; 32]>::try_from(&bytes[..]).ok(),
        _ => None,
    };
    let is_es256 = entries.len() == 5
        && value(Item::Unsigned(1)) == Some(&Item::Unsigned(2))
        && value(Item::Unsigned(3)) == Some(&Item::Negative(6))
        && value(Item::Negative(0)) == Some(&Item::Unsigned(1));
    is_es256.then_some((
        coordinate(Item::Negative(1))?,
        coordinate(Item::Negative(2))?,
    ))
}

/// An uncompressed SEC 1 point.
pub(crate) fn point(x: &[u8; 32], y: &[u8; 32]) -> [u8; 65] {
    let mut point = [4; 65];
    point[1..33].copy_from_slice(x);
    point[33..].copy_from_slice(y);
    point
}

/// Whether a SEC 1 point is one of P-256.
pub(crate) fn is_on_p256(point: &[u8]) -> bool {
    VerifyingKey::from_sec1_bytes(point).is_ok()
}

/// Whether `signature`, r and s of 32 bytes, is this key's over `message`.
pub(crate) fn verifies_fixed(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verifies(point, message, Signature::from_slice(signature).ok())
}

/// Whether `signature`, in DER, is this key's over `message`.
pub(crate) fn verifies_der(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verifies(point, message, Signature::from_der(signature).ok())
}

fn verifies(point: &[u8], message: &[u8], signature: Option<Signature>) -> bool {
    let (Ok(key), Some(signature)) = (VerifyingKey::from_sec1_bytes(point), signature) else {
        return false;
    };
    key.verify(message, &signature).is_ok()
}

/// The P-256 key in a certificate, found by what stands before it: the named curve and the head of
/// a BIT STRING of 66 bytes (RFC 5480 section 2).
pub(crate) fn p256_point_in(certificate: &[u8]) -> Option<&[u8]> {
    const BEFORE: [u8; 13] = [
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    let at = position(certificate, &BEFORE)? + BEFORE.len();
    certificate.get(at..at + 65)
}

/// `extraData` of a TPMS_ATTEST, behind magic, type and qualifiedSigner (TPM 2.0 Library Part 2,
/// section 10.12.8).
pub(crate) fn tpm_extra_data(cert_info: &[u8]) -> Option<&[u8]> {
    let (_, behind) = sized(cert_info.get(6..)?)?;
    Some(sized(behind)?.0)
}

/// The field whose length the first 2 bytes are, and what is behind it.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

/// Where `part` first stands in `whole`.
pub(crate) fn position(whole: &[u8], part: &[u8]) -> Option<usize> {
    whole.windows(part.len()).position(|window| window == part)
}

/// What a certificate's signature is over, and the signature (RFC 5280 section 4.1).
pub(crate) fn certificate_parts(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, inside, _) = der(certificate)?;
    let (to_be_signed, _, rest) = der(inside)?;
    let (_, _, rest) = der(rest)?;
    let (_, bits, _) = der(rest)?;
    Some((to_be_signed, bits.strip_prefix(&[0])?))
}

/// The first item with its head, what is in it, and what is behind it (X.690 section 8.1).
fn der(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let first = usize::from(*bytes.get(1)?);
    let (head, length) = if first < 0x80 {
        (2, first)
    } else {
        let digits = bytes.get(2..2 + (first & 0x7f))?;
        let length = digits.iter().try_fold(0_usize, |length, digit| {
            length.checked_mul(256)?.checked_add(usize::from(*digit))
        })?;
        (2 + digits.len(), length)
    };
    let (whole, rest) = bytes.split_at_checked(head.checked_add(length)?)?;
    Some((whole, &whole[head..], rest))
}

/// Authenticator data (WebAuthn Level 3 section 6.1), by offsets.
pub(crate) struct AuthenticatorData {
    pub(crate) rp_id_hash: [u8; 32],
    pub(crate) flags: u8,
    pub(crate) sign_count: u32,
    pub(crate) credential: Option<Credential>,
}

pub(crate) struct Credential {
    pub(crate) aaguid: [u8; 16],
    pub(crate) id: Vec<u8>,
    pub(crate) key: Item,
}

impl AuthenticatorData {
    /// `None` if they are not exactly as long as their flags say.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let flags = *bytes.get(32)?;
        let mut rest = bytes.get(37..)?;
        let credential = if flags & 0x40 == 0 {
            None
        } else {
            let id_length = usize::from(u16::from_be_bytes(rest.get(16..18)?.try_into().ok()?));
            let (key, behind) = Item::read(rest.get(18 + id_length..)?)?;
            let credential = Credential {
                aaguid: rest[..16].try_into().ok()?,
                id: rest[18..18 + id_length].to_vec(),
                key,
            };
            rest = behind;
            Some(credential)
        };
        if flags & 0x80 != 0 {
            let (extensions, behind) = Item::read(rest)?;
            if !matches!(extensions, Item::Map(_)) {
                return None;
            }
            rest = behind;
        }
        rest.is_empty().then_some(Self {
            rp_id_hash: bytes[..32].try_into().ok()?,
            flags,
            sign_count: u32::from_be_bytes(bytes[33..37].try_into().ok()?),
            credential,
        })
    }

    /// UP and UV, and no BS without BE.
    pub(crate) fn flags_are_acceptable(&self) -> bool {
        self.flags & 0x05 == 0x05 && self.flags & 0x18 != 0x10
    }
}
