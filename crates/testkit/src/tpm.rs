use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, digest};

use crate::statement::{Member, statement};
use crate::{Authority, Certificate, CredentialKey, Extension, Statement, ToAttest};

/// `tpm` (section 8.3), with the structures of the TPM 2.0 Library, Part 2.
#[derive(Clone, Debug)]
pub struct TpmStatement {
    /// The issuer of the attestation identity key's certificate.
    pub authority: Authority,
    /// The attestation identity key.
    pub key: CredentialKey,
    /// Its certificate (section 8.3.1).
    pub certificate: Certificate,
    /// `ver`.
    pub version: String,
    /// Another `alg` than the key's.
    pub algorithm: Option<i64>,
    /// Another key in `pubArea` than the credential's.
    pub attested_key: Option<CredentialKey>,
    /// `nameAlg` of `pubArea`; 0x000b is SHA-256.
    pub name_algorithm: u16,
    /// `objectAttributes` of `pubArea` (Part 2, TPMA_OBJECT).
    pub object_attributes: u32,
    /// The symmetric algorithm of `pubArea`. 0x0010 is `TPM_ALG_NULL`.
    pub symmetric: u16,
    /// Bytes appended to `pubArea`.
    pub after_public_area: Vec<u8>,
    /// `magic` of `certInfo`.
    pub magic: u32,
    /// `type` of `certInfo`.
    pub kind: u16,
    /// Another `extraData` than the right hash.
    pub extra_data: Option<Vec<u8>>,
    /// Another attested name than that of `pubArea`.
    pub name: Option<Vec<u8>>,
    /// Bytes appended to `certInfo`.
    pub after_cert_info: Vec<u8>,
    /// Another signer than the attestation identity key.
    pub signer: Option<CredentialKey>,
}

/// Returns the attributes of a TPM in the subject alternative name: manufacturer, model, version.
#[must_use]
pub fn tpm_name(manufacturer: &str, model: &str, version: &str) -> Vec<(String, String)> {
    [
        ("2.23.133.2.1", manufacturer),
        ("2.23.133.2.2", model),
        ("2.23.133.2.3", version),
    ]
    .map(|(kind, value)| (kind.to_owned(), value.to_owned()))
    .to_vec()
}

impl TpmStatement {
    /// Creates the statement of a TPM whose attestation identity key `authority` certifies.
    #[must_use]
    pub fn new(authority: Authority, key: CredentialKey) -> Self {
        let certificate = Certificate {
            subject: vec![],
            extensions: vec![
                Extension::basic_constraints(false, None),
                Extension::subject_alternative_name(&tpm_name("id:4B4D4F52", "TPM", "id:13")),
                Extension::extended_key_usage("2.23.133.8.3"),
            ],
            ..Certificate::new("", &key, &authority.name)
        };
        Self {
            authority,
            key,
            certificate,
            version: "2.0".to_owned(),
            algorithm: None,
            attested_key: None,
            name_algorithm: 0x000b,
            // fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, decrypt, sign
            object_attributes: 0x0006_0472,
            symmetric: 0x0010,
            after_public_area: vec![],
            magic: 0xff54_4347,
            kind: 0x8017,
            extra_data: None,
            name: None,
            after_cert_info: vec![],
            signer: None,
        }
    }

    fn hash(&self) -> &'static Algorithm {
        match self.key.cose_algorithm() {
            -35 => &SHA384,
            _ => &SHA256,
        }
    }

    fn public_area(&self, key: &CredentialKey) -> Vec<u8> {
        const NO_SCHEME: [u8; 2] = [0x00, 0x10];
        let kind: u16 = if key.modulus().is_some() {
            0x0001
        } else {
            0x0023
        };
        let parameters = if let Some(modulus) = key.modulus() {
            // Key bits, and 0 for the default exponent.
            [
                &NO_SCHEME[..],
                &2_048_u16.to_be_bytes(),
                &[0; 4],
                &sized(modulus),
            ]
            .concat()
        } else {
            let point = &key.public_bytes()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            let curve = if x.len() == 48 { [0, 4] } else { [0, 3] };
            [&NO_SCHEME[..], &curve, &NO_SCHEME, &sized(x), &sized(y)].concat()
        };
        [
            &kind.to_be_bytes()[..],
            &self.name_algorithm.to_be_bytes(),
            &self.object_attributes.to_be_bytes(),
            &sized(&[7; 32]),
            &self.symmetric.to_be_bytes(),
            &parameters,
            &self.after_public_area,
        ]
        .concat()
    }

    fn cert_info(&self, subject: &ToAttest<'_>, public_area: &[u8]) -> Vec<u8> {
        let name = self.name.clone().unwrap_or_else(|| {
            let hash = digest(&SHA256, public_area);
            [&[0x00, 0x0b], hash.as_ref()].concat()
        });
        let extra_data = self.extra_data.clone().unwrap_or_else(|| {
            let hash = digest(self.hash(), &subject.signed_bytes());
            hash.as_ref().to_vec()
        });
        [
            &self.magic.to_be_bytes()[..],
            &self.kind.to_be_bytes(),
            &sized(&[9; 34]),
            &sized(&extra_data),
            // Clock, counters, whether the clock is safe, firmware version.
            &[0; 17],
            &[0; 8],
            &sized(&name),
            &sized(&[9; 34]),
            &self.after_cert_info,
        ]
        .concat()
    }
}

impl Statement for TpmStatement {
    fn format(&self) -> &'static str {
        "tpm"
    }

    fn cbor(&self, subject: &ToAttest<'_>) -> Vec<u8> {
        let attested = self.attested_key.as_ref().unwrap_or(subject.credential_key);
        let public_area = self.public_area(attested);
        let cert_info = self.cert_info(subject, &public_area);
        let signer = self.signer.as_ref().unwrap_or(&self.key);
        let algorithm = self.algorithm.unwrap_or_else(|| self.key.cose_algorithm());
        let certificate = self.certificate.signed_by(&self.authority.key);
        statement(&[
            ("ver", Member::Text(&self.version)),
            ("alg", Member::Integer(algorithm)),
            ("x5c", Member::Certificates(&[certificate])),
            ("sig", Member::Bytes(&signer.sign(&cert_info))),
            ("certInfo", Member::Bytes(&cert_info)),
            ("pubArea", Member::Bytes(&public_area)),
        ])
    }
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a size is two bytes");
    [&length.to_be_bytes(), bytes].concat()
}
