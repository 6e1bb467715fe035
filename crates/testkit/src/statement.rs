//! Attestation statements (WebAuthn Level 3 section 8), valid unless a test changes a part.

use std::fmt;

use crate::der::{ENUMERATED, INTEGER, OCTET_STRING, SET, explicit, sequence, tlv};
use crate::{AttestationCertificate, Certificate, CredentialKey, Extension, sha256};

/// The registration that a statement attests.
#[derive(Debug)]
pub struct ToAttest<'a> {
    /// The authenticator data.
    pub authenticator_data: &'a [u8],
    /// SHA-256 of the client data.
    pub client_data_hash: [u8; 32],
    /// The new credential's key.
    pub credential_key: &'a CredentialKey,
    /// The new credential's id.
    pub credential_id: &'a [u8],
}

impl ToAttest<'_> {
    /// Returns the authenticator data and the client data's hash.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        [self.authenticator_data, &self.client_data_hash].concat()
    }
}

/// Creates attestation statements of one format.
pub trait Statement: fmt::Debug + Send + Sync {
    /// Returns `fmt`.
    fn format(&self) -> &'static str;

    /// Returns `attStmt`, as CBOR.
    fn cbor(&self, subject: &ToAttest<'_>) -> Vec<u8>;
}

/// A certification authority that vouches for authenticators.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Its name, which is its certificates' issuer.
    pub name: String,
    /// Its key.
    pub key: CredentialKey,
}

impl Authority {
    /// Creates the authority with this name and key.
    #[must_use]
    pub fn new(name: &str, key: CredentialKey) -> Self {
        Self {
            name: name.to_owned(),
            key,
        }
    }

    /// Returns the authority's self-signed certificate in DER.
    #[must_use]
    pub fn root(&self) -> Vec<u8> {
        Certificate::authority(&self.name, &self.key, &self.name).signed_by(&self.key)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new("Attestation CA", CredentialKey::es256(0xca))
    }
}

pub(crate) enum Member<'a> {
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Certificates(&'a [Vec<u8>]),
}

pub(crate) fn statement(members: &[(&str, Member<'_>)]) -> Vec<u8> {
    let mut cbor = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut cbor);
    let mut write = || {
        encoder.map(members.len() as u64)?;
        for (name, member) in members {
            encoder.str(name)?;
            match member {
                Member::Integer(value) => encoder.i64(*value)?,
                Member::Text(value) => encoder.str(value)?,
                Member::Bytes(value) => encoder.bytes(value)?,
                Member::Certificates(certificates) => {
                    encoder.array(certificates.len() as u64)?;
                    for certificate in *certificates {
                        encoder.bytes(certificate)?;
                    }
                    &mut encoder
                }
            };
        }
        Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(())
    };
    write().expect("writing to a Vec cannot fail");
    cbor
}

/// `packed` with certificates (section 8.2).
#[derive(Clone, Debug)]
pub struct PackedStatement {
    /// The issuer of the attestation certificate.
    pub authority: Authority,
    /// The attestation key.
    pub key: CredentialKey,
    /// The attestation certificate.
    pub certificate: Certificate,
    /// The certificates after it, in DER.
    pub intermediates: Vec<Vec<u8>>,
    /// Another `alg` than the key's.
    pub algorithm: Option<i64>,
}

impl PackedStatement {
    /// Creates the statement of an attestation key that `authority` certifies.
    #[must_use]
    pub fn new(authority: Authority, key: CredentialKey) -> Self {
        let certificate = AttestationCertificate::default().certificate(&key, &authority.name);
        Self {
            authority,
            key,
            certificate,
            intermediates: vec![],
            algorithm: None,
        }
    }
}

impl Statement for PackedStatement {
    fn format(&self) -> &'static str {
        "packed"
    }

    fn cbor(&self, subject: &ToAttest<'_>) -> Vec<u8> {
        let leaf = self.certificate.signed_by(&self.authority.key);
        let chain = [&[leaf], &self.intermediates[..]].concat();
        let algorithm = self.algorithm.unwrap_or_else(|| self.key.cose_algorithm());
        statement(&[
            ("alg", Member::Integer(algorithm)),
            (
                "sig",
                Member::Bytes(&self.key.sign(&subject.signed_bytes())),
            ),
            ("x5c", Member::Certificates(&chain)),
        ])
    }
}

/// `fido-u2f` (section 8.6).
#[derive(Clone, Debug)]
pub struct FidoU2fStatement {
    /// The issuer of the attestation certificate.
    pub authority: Authority,
    /// The attestation key.
    pub key: CredentialKey,
    /// The number of copies of the certificate. Only 1 is valid.
    pub certificates: usize,
    /// Another public key in what is signed.
    pub signed_key: Option<Vec<u8>>,
}

impl Default for FidoU2fStatement {
    fn default() -> Self {
        Self {
            authority: Authority::default(),
            key: CredentialKey::es256(0x02f),
            certificates: 1,
            signed_key: None,
        }
    }
}

impl Statement for FidoU2fStatement {
    fn format(&self) -> &'static str {
        "fido-u2f"
    }

    fn cbor(&self, subject: &ToAttest<'_>) -> Vec<u8> {
        let certificate = Certificate::new("Token", &self.key, &self.authority.name);
        let certificate = certificate.signed_by(&self.authority.key);
        let signed = [
            &[0][..],
            &subject.authenticator_data[..32],
            &subject.client_data_hash,
            subject.credential_id,
            self.signed_key
                .as_deref()
                .unwrap_or(subject.credential_key.public_bytes()),
        ]
        .concat();
        statement(&[
            ("sig", Member::Bytes(&self.key.sign(&signed))),
            (
                "x5c",
                Member::Certificates(&vec![certificate; self.certificates]),
            ),
        ])
    }
}

/// `apple` (section 8.8).
#[derive(Clone, Debug, Default)]
pub struct AppleStatement {
    /// The issuer of the certificate.
    pub authority: Authority,
    /// Another nonce in the certificate, or no nonce if empty.
    pub nonce: Option<Vec<u8>>,
    /// Another key in the certificate than the credential's.
    pub key: Option<CredentialKey>,
}

impl Statement for AppleStatement {
    fn format(&self) -> &'static str {
        "apple"
    }

    fn cbor(&self, subject: &ToAttest<'_>) -> Vec<u8> {
        let key = self.key.as_ref().unwrap_or(subject.credential_key);
        let mut certificate = Certificate::new("Credential", key, &self.authority.name);
        let nonce = self
            .nonce
            .clone()
            .unwrap_or_else(|| sha256(&subject.signed_bytes()).to_vec());
        if !nonce.is_empty() {
            let value = sequence(&[explicit(1, &tlv(OCTET_STRING, &nonce))]);
            let extension = Extension::new("1.2.840.113635.100.8.2", false, value);
            certificate.extensions.push(extension);
        }
        let certificate = certificate.signed_by(&self.authority.key);
        statement(&[("x5c", Member::Certificates(&[certificate]))])
    }
}

/// `android-key` (section 8.4).
#[derive(Clone, Debug)]
pub struct AndroidKeyStatement {
    /// The issuer of the certificate.
    pub authority: Authority,
    /// Another attestation challenge than the client data's hash.
    pub challenge: Option<Vec<u8>>,
    /// What software enforces.
    pub software_enforced: Authorizations,
    /// What the trusted execution environment enforces.
    pub tee_enforced: Authorizations,
    /// Another key in the certificate than the credential's.
    pub key: Option<CredentialKey>,
    /// Another signer than the credential's key.
    pub signer: Option<CredentialKey>,
    /// A replacement for the whole key description, or no description if empty.
    pub description: Option<Vec<u8>>,
}

/// The part of an authorization list that WebAuthn uses.
#[derive(Clone, Debug, Default)]
pub struct Authorizations {
    /// KM_TAG_PURPOSE; 2 is signing.
    pub purposes: Vec<u8>,
    /// KM_TAG_ORIGIN; 0 is generated.
    pub origin: Option<u8>,
    /// KM_TAG_ALL_APPLICATIONS.
    pub all_applications: bool,
}

impl Authorizations {
    fn der(&self) -> Vec<u8> {
        let numbers = |numbers: &[u8]| numbers.iter().flat_map(|n| tlv(INTEGER, &[*n])).collect();
        let purposes: Vec<u8> = numbers(&self.purposes);
        let purposes = match &purposes[..] {
            [] => vec![],
            some => explicit(1, &tlv(SET, some)),
        };
        let key_size = explicit(3, &tlv(INTEGER, &[1, 0]));
        let all_applications = if self.all_applications {
            explicit(600, &tlv(crate::der::NULL, &[]))
        } else {
            vec![]
        };
        let origin = self
            .origin
            .map_or(vec![], |origin| explicit(702, &tlv(INTEGER, &[origin])));
        sequence(&[purposes, key_size, all_applications, origin])
    }
}

impl Default for AndroidKeyStatement {
    fn default() -> Self {
        Self {
            authority: Authority::default(),
            challenge: None,
            software_enforced: Authorizations::default(),
            tee_enforced: Authorizations {
                purposes: vec![2],
                origin: Some(0),
                all_applications: false,
            },
            key: None,
            signer: None,
            description: None,
        }
    }
}

impl AndroidKeyStatement {
    fn key_description(&self, client_data_hash: &[u8; 32]) -> Vec<u8> {
        let challenge = self.challenge.as_deref().unwrap_or(client_data_hash);
        sequence(&[
            tlv(INTEGER, &[4]),
            tlv(ENUMERATED, &[1]),
            tlv(INTEGER, &[41]),
            tlv(ENUMERATED, &[1]),
            tlv(OCTET_STRING, challenge),
            tlv(OCTET_STRING, &[]),
            self.software_enforced.der(),
            self.tee_enforced.der(),
        ])
    }
}

impl Statement for AndroidKeyStatement {
    fn format(&self) -> &'static str {
        "android-key"
    }

    fn cbor(&self, subject: &ToAttest<'_>) -> Vec<u8> {
        let key = self.key.as_ref().unwrap_or(subject.credential_key);
        let mut certificate = Certificate::new("Key", key, &self.authority.name);
        let description = self
            .description
            .clone()
            .unwrap_or_else(|| self.key_description(&subject.client_data_hash));
        if !description.is_empty() {
            let extension = Extension::new("1.3.6.1.4.1.11129.2.1.17", false, description);
            certificate.extensions.push(extension);
        }
        let certificate = certificate.signed_by(&self.authority.key);
        let signer = self.signer.as_ref().unwrap_or(subject.credential_key);
        statement(&[
            ("alg", Member::Integer(signer.cose_algorithm())),
            ("sig", Member::Bytes(&signer.sign(&subject.signed_bytes()))),
            ("x5c", Member::Certificates(&[certificate])),
        ])
    }
}
