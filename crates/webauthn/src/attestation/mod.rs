//! Attestation objects (WebAuthn Level 3 section 6.5.4) and statements (section 8).

mod android_key;
mod apple;
mod certificate;
mod chain;
mod der;
mod error;
mod fido_u2f;
mod level;
mod packed;
mod statement;
mod tpm;

pub(crate) use certificate::KeyKind;
pub use error::AttestationError;
pub use level::{AttestationLevel, AttestationRoots, AttestationTrust, RootError};

use minicbor::Decoder;

use crate::authenticator_data::AttestedCredential;
use crate::cbor::{self, NotCbor};

/// An attestation object, read but not trusted.
pub(crate) struct AttestationObject<'a> {
    pub(crate) format: &'a str,
    statement: &'a [u8],
    pub(crate) authenticator_data: &'a [u8],
}

/// The registration that a statement attests.
#[derive(Clone, Copy)]
struct Subject<'a> {
    credential: &'a AttestedCredential,
    authenticator_data: &'a [u8],
    client_data_hash: &'a [u8; 32],
}

impl Subject<'_> {
    /// Returns the data that most formats sign: the authenticator data and the client data's hash.
    fn signed(&self) -> Vec<u8> {
        [self.authenticator_data, self.client_data_hash].concat()
    }
}

/// What a valid statement has proved.
#[derive(Default)]
pub(crate) struct Evidence<'a> {
    /// Whether the credential's or an attestation key signed, and the signature verified.
    pub(crate) signature_verified: bool,
    /// The certificates in DER that vouch for the statement, the attestation certificate first.
    /// They are not yet traced to a root. Empty for self attestation, for unverified statements,
    /// and if a TPM does not state that it generated the key and holds it.
    certificates: Vec<&'a [u8]>,
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

    /// Verifies the statement if its format is known. An invalid statement of a known format is
    /// rejected. Unknown formats and algorithms prove nothing and are not rejected.
    ///
    /// [`AttestationTrust::level`] checks the trust path.
    pub(crate) fn verify(
        &self,
        credential: &AttestedCredential,
        client_data_hash: &[u8; 32],
    ) -> Result<Evidence<'a>, AttestationError> {
        let subject = Subject {
            credential,
            authenticator_data: self.authenticator_data,
            client_data_hash,
        };
        match self.format {
            // Section 8.7: the statement is the empty map.
            "none" if self.statement == [0xa0] => Ok(Evidence::default()),
            "none" => Err(AttestationError::Statement),
            "packed" => packed::verify(self.statement, &subject),
            "tpm" => tpm::verify(self.statement, &subject),
            "android-key" => android_key::verify(self.statement, &subject),
            "apple" => apple::verify(self.statement, &subject),
            "fido-u2f" => fido_u2f::verify(self.statement, &subject),
            _ => Ok(Evidence::default()),
        }
    }
}
