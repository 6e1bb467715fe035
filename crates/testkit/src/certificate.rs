use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::CredentialKey;
use crate::der::{
    BOOLEAN, GENERALIZED_TIME, INTEGER, OCTET_STRING, PRINTABLE_STRING, SET, UTF8_STRING,
    bit_string, explicit, oid, sequence, tlv,
};

/// An unsigned X.509 certificate (RFC 5280). Any key can sign it.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// X.509 version.
    pub version: u8,
    /// Subject: attribute types in dotted form with their values.
    pub subject: Vec<(String, String)>,
    /// Issuer, in the same form.
    pub issuer: Vec<(String, String)>,
    /// First moment of validity: GeneralizedTime.
    pub not_before: String,
    /// Last moment of validity: GeneralizedTime.
    pub not_after: String,
    /// SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
    /// The extensions.
    pub extensions: Vec<Extension>,
    /// AlgorithmIdentifier in DER, instead of the signer's.
    pub signature_algorithm: Option<Vec<u8>>,
}

/// An extension of a certificate (RFC 5280 section 4.2).
#[derive(Clone, Debug)]
pub struct Extension {
    /// Type, in dotted form.
    pub oid: String,
    /// Whether a verifier that does not support it must reject the certificate.
    pub critical: bool,
    /// Value in DER.
    pub value: Vec<u8>,
}

impl Extension {
    /// Creates an extension with any value.
    #[must_use]
    pub fn new(oid: &str, critical: bool, value: Vec<u8>) -> Self {
        Self {
            oid: oid.to_owned(),
            critical,
            value,
        }
    }

    /// Creates basic constraints (RFC 5280 section 4.2.1.9), critical.
    #[must_use]
    pub fn basic_constraints(is_ca: bool, path_length: Option<u8>) -> Self {
        let ca = if is_ca { tlv(BOOLEAN, &[0xff]) } else { vec![] };
        let path_length = path_length.map_or(vec![], |length| tlv(INTEGER, &[length]));
        Self::new("2.5.29.19", true, sequence(&[ca, path_length]))
    }

    /// Creates a key usage (RFC 5280 section 4.2.1.3) with at most 7 bits, the first the highest:
    /// 0x04 is keyCertSign, 0x80 digitalSignature.
    #[must_use]
    pub fn key_usage(bits: u8) -> Self {
        Self::new("2.5.29.15", true, tlv(0x03, &[1, bits & 0xfe]))
    }

    /// Creates an extended key usage (RFC 5280 section 4.2.1.12).
    #[must_use]
    pub fn extended_key_usage(purpose: &str) -> Self {
        Self::new("2.5.29.37", false, sequence(&[oid(purpose)]))
    }

    /// Creates a subject alternative name (RFC 5280 section 4.2.1.6) that is a directory name.
    #[must_use]
    pub fn subject_alternative_name(name: &[(String, String)]) -> Self {
        Self::new(
            "2.5.29.17",
            true,
            sequence(&[explicit(4, &distinguished_name(name))]),
        )
    }

    /// Creates the AAGUID extension (WebAuthn Level 3 section 8.2.1).
    #[must_use]
    pub fn aaguid(aaguid: [u8; 16]) -> Self {
        let value = tlv(OCTET_STRING, &aaguid);
        Self::new("1.3.6.1.4.1.45724.1.1.4", false, value)
    }

    fn der(&self) -> Vec<u8> {
        let critical = if self.critical {
            tlv(BOOLEAN, &[0xff])
        } else {
            vec![]
        };
        sequence(&[oid(&self.oid), critical, tlv(OCTET_STRING, &self.value)])
    }
}

impl Certificate {
    /// Creates a valid end-entity certificate for `key`, issued by the CA of this name.
    #[must_use]
    pub fn new(common_name: &str, key: &CredentialKey, issuer: &str) -> Self {
        Self {
            version: 3,
            subject: common_name_only(common_name),
            issuer: common_name_only(issuer),
            not_before: "20200101000000Z".to_owned(),
            not_after: "20491231235959Z".to_owned(),
            public_key: key.spki(),
            extensions: vec![Extension::basic_constraints(false, None)],
            signature_algorithm: None,
        }
    }

    /// Creates a valid CA certificate for `key`, issued by the CA of this name.
    #[must_use]
    pub fn authority(common_name: &str, key: &CredentialKey, issuer: &str) -> Self {
        Self {
            extensions: vec![
                Extension::basic_constraints(true, None),
                Extension::key_usage(0x04),
            ],
            ..Self::new(common_name, key, issuer)
        }
    }

    /// Returns the certificate in DER.
    #[must_use]
    pub fn signed_by(&self, signer: &CredentialKey) -> Vec<u8> {
        let algorithm = self
            .signature_algorithm
            .clone()
            .unwrap_or_else(|| signer.signature_algorithm());
        let extensions: Vec<_> = self.extensions.iter().map(Extension::der).collect();
        let extensions = match &extensions[..] {
            [] => vec![],
            some => explicit(3, &sequence(some)),
        };
        let to_be_signed = sequence(&[
            explicit(0, &tlv(INTEGER, &[self.version - 1])),
            tlv(INTEGER, &[1]),
            algorithm.clone(),
            distinguished_name(&self.issuer),
            sequence(&[
                tlv(GENERALIZED_TIME, self.not_before.as_bytes()),
                tlv(GENERALIZED_TIME, self.not_after.as_bytes()),
            ]),
            distinguished_name(&self.subject),
            self.public_key.clone(),
            extensions,
        ]);
        let signature = bit_string(&signer.sign(&to_be_signed));
        sequence(&[to_be_signed, algorithm, signature])
    }

    /// Returns [`Self::signed_by`] in PEM (RFC 7468).
    #[must_use]
    pub fn pem_signed_by(&self, signer: &CredentialKey) -> String {
        let text = STANDARD.encode(self.signed_by(signer));
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }
}

fn common_name_only(name: &str) -> Vec<(String, String)> {
    vec![("2.5.4.3".to_owned(), name.to_owned())]
}

fn distinguished_name(attributes: &[(String, String)]) -> Vec<u8> {
    const COUNTRY: &str = "2.5.4.6";
    let attribute = |(kind, value): &(String, String)| {
        let tag = if kind == COUNTRY {
            PRINTABLE_STRING
        } else {
            UTF8_STRING
        };
        tlv(SET, &sequence(&[oid(kind), tlv(tag, value.as_bytes())]))
    };
    sequence(&attributes.iter().map(attribute).collect::<Vec<_>>())
}

/// The fields of an attestation certificate (WebAuthn Level 3 section 8.2.1). The default meets the
/// requirements. A test changes the part that must be rejected.
#[derive(Clone, Debug)]
pub struct AttestationCertificate {
    /// X.509 version; 3 is required.
    pub version: u8,
    /// Subject country.
    pub country: String,
    /// Subject organization: the authenticator's vendor.
    pub organization: String,
    /// Subject organizational unit.
    pub organizational_unit: String,
    /// Subject common name.
    pub common_name: String,
    /// The CA flag of the basic constraints.
    pub is_ca: bool,
    /// The AAGUID extension (OID 1.3.6.1.4.1.45724.1.1.4), absent if `None`.
    pub aaguid: Option<[u8; 16]>,
}

impl Default for AttestationCertificate {
    fn default() -> Self {
        Self {
            version: 3,
            country: "NO".to_owned(),
            organization: "Keymoor".to_owned(),
            organizational_unit: "Authenticator Attestation".to_owned(),
            common_name: "Keymoor testkit".to_owned(),
            is_ca: false,
            aaguid: None,
        }
    }
}

impl AttestationCertificate {
    /// Returns the unsigned certificate for `key`, ready for further changes.
    #[must_use]
    pub fn certificate(&self, key: &CredentialKey, issuer: &str) -> Certificate {
        let attribute = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
        let constraints = Extension::basic_constraints(self.is_ca, None);
        Certificate {
            version: self.version,
            subject: vec![
                attribute("2.5.4.6", &self.country),
                attribute("2.5.4.10", &self.organization),
                attribute("2.5.4.11", &self.organizational_unit),
                attribute("2.5.4.3", &self.common_name),
            ],
            extensions: [constraints]
                .into_iter()
                .chain(self.aaguid.map(Extension::aaguid))
                .collect(),
            ..Certificate::new("", key, issuer)
        }
    }

    /// Returns the certificate for `key`, signed by `key` itself, in DER.
    #[must_use]
    pub fn der(&self, key: &CredentialKey) -> Vec<u8> {
        self.certificate(key, &self.common_name).signed_by(key)
    }
}
