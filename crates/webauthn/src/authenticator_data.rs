//! Authenticator data (WebAuthn Level 3 section 6.1).

use minicbor::Decoder;

use crate::cbor::{self, NotCbor};
use crate::{KeyError, PublicKey, sha256};

/// Why authenticator data are rejected. The steps are those of WebAuthn Level 3 sections 7.1
/// (registration) and 7.2 (assertion), which share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticatorDataError {
    /// Shorter than the flags require (section 6.1).
    #[error("the authenticator data are cut short")]
    TooShort,
    /// Longer than the flags require (section 6.1).
    #[error("the authenticator data go on after their end")]
    TrailingBytes,
    /// The credential id is empty or longer than 1,023 bytes (section 7.1, "Verify that the
    /// credentialId is ≤ 1023 bytes").
    #[error("the credential id's length is out of range")]
    CredentialIdLength,
    /// The credential's public key is rejected (section 6.5.1).
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The extension data are not one CBOR map (section 6.1, flag ED).
    #[error("the extension data are malformed")]
    Extensions,
    /// A registration has no attested credential data (section 6.1, flag AT).
    #[error("the registration has no credential")]
    NoCredential,
    /// "Verify that the rpIdHash in authData is the SHA-256 hash of the RP ID".
    #[error("the RP ID is another one")]
    RpIdHash,
    /// "Verify that the UP bit of the flags in authData is set".
    #[error("no user was present")]
    UserNotPresent,
    /// "If the Relying Party requires user verification…, verify that the UV bit is set".
    #[error("the user was not verified")]
    UserNotVerified,
    /// "If the BE bit of the flags in authData is not set, verify that the BS bit is not set".
    #[error("the backup flags contradict each other")]
    BackupState,
}

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKUP_STATE: u8 = 0x10;
const ATTESTED_CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// Authenticator data, read but not trusted.
pub(crate) struct AuthenticatorData {
    rp_id_hash: [u8; 32],
    flags: u8,
    pub(crate) sign_count: u32,
    pub(crate) credential: Option<AttestedCredential>,
}

/// Attested credential data (section 6.5.1).
pub(crate) struct AttestedCredential {
    pub(crate) aaguid: [u8; 16],
    pub(crate) id: Vec<u8>,
    pub(crate) public_key: PublicKey,
}

impl AuthenticatorData {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, AuthenticatorDataError> {
        let mut rest = bytes;
        let rp_id_hash = take_array(&mut rest)?;
        let [flags] = take_array(&mut rest)?;
        let sign_count = u32::from_be_bytes(take_array(&mut rest)?);
        let credential = (flags & ATTESTED_CREDENTIAL != 0)
            .then(|| AttestedCredential::take(&mut rest))
            .transpose()?;
        if flags & EXTENSIONS != 0 {
            take_extensions(&mut rest)?;
        }
        if !rest.is_empty() {
            return Err(AuthenticatorDataError::TrailingBytes);
        }
        Ok(Self {
            rp_id_hash,
            flags,
            sign_count,
            credential,
        })
    }

    /// Checks the requirements of both ceremonies: this RP ID, a user present and verified, and
    /// consistent backup flags.
    pub(crate) fn check(&self, rp_id: &str) -> Result<(), AuthenticatorDataError> {
        if self.rp_id_hash != sha256(rp_id.as_bytes()) {
            return Err(AuthenticatorDataError::RpIdHash);
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(AuthenticatorDataError::UserNotPresent);
        }
        if self.flags & USER_VERIFIED == 0 {
            return Err(AuthenticatorDataError::UserNotVerified);
        }
        if self.backup_state() && !self.backup_eligible() {
            return Err(AuthenticatorDataError::BackupState);
        }
        Ok(())
    }

    pub(crate) fn backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    pub(crate) fn backup_state(&self) -> bool {
        self.flags & BACKUP_STATE != 0
    }
}

impl AttestedCredential {
    const MAX_ID_LENGTH: usize = 1_023;

    fn take(rest: &mut &[u8]) -> Result<Self, AuthenticatorDataError> {
        let aaguid = take_array(rest)?;
        let length = usize::from(u16::from_be_bytes(take_array(rest)?));
        if !(1..=Self::MAX_ID_LENGTH).contains(&length) {
            return Err(AuthenticatorDataError::CredentialIdLength);
        }
        let id = take(rest, length)?.to_vec();
        // Only decoding the key determines its length.
        let mut decoder = Decoder::new(rest);
        let public_key = PublicKey::decode_cose(&mut decoder)?;
        take(rest, decoder.position())?;
        Ok(Self {
            aaguid,
            id,
            public_key,
        })
    }
}

fn take_extensions(rest: &mut &[u8]) -> Result<(), AuthenticatorDataError> {
    let extensions = cbor::take_map(&mut Decoder::new(rest))
        .map_err(|NotCbor| AuthenticatorDataError::Extensions)?;
    take(rest, extensions.len())?;
    Ok(())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], AuthenticatorDataError> {
    let (taken, remaining) = rest
        .split_at_checked(length)
        .ok_or(AuthenticatorDataError::TooShort)?;
    *rest = remaining;
    Ok(taken)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], AuthenticatorDataError> {
    let (taken, remaining) = rest
        .split_first_chunk()
        .ok_or(AuthenticatorDataError::TooShort)?;
    *rest = remaining;
    Ok(*taken)
}
