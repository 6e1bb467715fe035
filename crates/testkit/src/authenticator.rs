use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};

use crate::{
    AttestationCertificate, CredentialKey, SoftwareKey, Statement, ToAttest, base64url, sha256,
};

/// Bits of the authenticator data's flags byte (WebAuthn Level 3 section 6.1).
pub mod flags {
    /// User present.
    pub const UP: u8 = 0x01;
    /// User verified.
    pub const UV: u8 = 0x04;
    /// Backup eligible.
    pub const BE: u8 = 0x08;
    /// Backup state.
    pub const BS: u8 = 0x10;
    /// Attested credential data included.
    pub const AT: u8 = 0x40;
    /// Extension data included.
    pub const ED: u8 = 0x80;
}

/// The browser's client data, apart from the challenge.
#[derive(Clone, Debug)]
pub struct ClientDataOptions {
    /// `type`.
    pub kind: String,
    /// `origin`.
    pub origin: String,
    /// `crossOrigin`, left out if `None`.
    pub cross_origin: Option<bool>,
    /// `topOrigin`, left out if `None`.
    pub top_origin: Option<String>,
    /// The whole JSON text instead of the above.
    pub raw: Option<String>,
}

impl ClientDataOptions {
    fn new(kind: &str, origin: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            origin: origin.to_owned(),
            cross_origin: Some(false),
            top_origin: None,
            raw: None,
        }
    }

    fn json(&self, challenge: &[u8]) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut json = json!({
            "type": self.kind,
            "challenge": base64url(challenge),
            "origin": self.origin,
            "a member from the future": "browsers may add some, so it must not matter",
        });
        if let Some(cross_origin) = self.cross_origin {
            json["crossOrigin"] = cross_origin.into();
        }
        if let Some(top_origin) = &self.top_origin {
            json["topOrigin"] = top_origin.as_str().into();
        }
        json.to_string()
    }
}

/// How a registration is attested.
#[derive(Clone, Debug)]
pub enum Attestation {
    /// Format `none`.
    None,
    /// Format `packed`, signed by the new key itself.
    PackedSelf,
    /// Format `packed`, signed by the authenticator's attestation key, which this certificate
    /// certifies.
    PackedX5c(AttestationCertificate),
    /// A statement created for the registration.
    By(Arc<dyn Statement>),
    /// Any format with any statement, given as CBOR.
    Other {
        /// `fmt`.
        format: String,
        /// `attStmt`.
        statement: Vec<u8>,
    },
}

/// The inputs of [`Authenticator::register`].
#[derive(Clone, Debug)]
pub struct RegistrationOptions {
    /// The client data's variable parts.
    pub client_data: ClientDataOptions,
    /// The RP ID that is hashed into the authenticator data.
    pub rp_id: String,
    /// The challenge bytes.
    pub challenge: Vec<u8>,
    /// Flags. `extensions` adds [`flags::ED`]. Without [`flags::AT`] there is no credential data.
    pub flags: u8,
    /// The signature counter.
    pub sign_count: u32,
    /// Another credential id than the authenticator's own.
    pub credential_id: Option<Vec<u8>>,
    /// Another COSE key than the authenticator's own.
    pub cose_key: Option<Vec<u8>>,
    /// Extension data, as CBOR.
    pub extensions: Option<Vec<u8>>,
    /// Bytes appended to the authenticator data.
    pub after_authenticator_data: Vec<u8>,
    /// Bytes appended to the attestation object.
    pub after_attestation_object: Vec<u8>,
    /// The attestation.
    pub attestation: Attestation,
    /// Another `alg` in a `packed` statement than the signer's.
    pub attestation_algorithm: Option<i64>,
    /// Another signature in a `packed` statement than the right one.
    pub attestation_signature: Option<Vec<u8>>,
}

impl RegistrationOptions {
    /// Returns the valid registration, attested with `none`.
    #[must_use]
    pub fn new(origin: &str, rp_id: &str, subject: &str, token: &str) -> Self {
        Self {
            client_data: ClientDataOptions::new("webauthn.create", origin),
            rp_id: rp_id.to_owned(),
            challenge: json!({ "sub": subject, "token": token })
                .to_string()
                .into_bytes(),
            flags: flags::UP | flags::UV | flags::AT,
            sign_count: 0,
            credential_id: None,
            cose_key: None,
            extensions: None,
            after_authenticator_data: Vec::new(),
            after_attestation_object: Vec::new(),
            attestation: Attestation::None,
            attestation_algorithm: None,
            attestation_signature: None,
        }
    }
}

/// The inputs of [`Authenticator::assert`].
#[derive(Clone, Debug)]
pub struct AssertionOptions {
    /// The client data's variable parts.
    pub client_data: ClientDataOptions,
    /// The RP ID that is hashed into the authenticator data.
    pub rp_id: String,
    /// `claims` of the challenge. `pub_key_cred_id` is added if missing.
    pub claims: Value,
    /// `header` of the challenge instead of the right one.
    pub header: Option<Value>,
    /// The challenge bytes instead of header and claims.
    pub challenge: Option<Vec<u8>>,
    /// Flags. `extensions` adds [`flags::ED`].
    pub flags: u8,
    /// The signature counter.
    pub sign_count: u32,
    /// Extension data, as CBOR.
    pub extensions: Option<Vec<u8>>,
    /// Bytes appended to the authenticator data.
    pub after_authenticator_data: Vec<u8>,
}

impl AssertionOptions {
    /// Returns the valid assertion over `claims` (see [`crate::Challenge::claims`]).
    #[must_use]
    pub fn new(origin: &str, rp_id: &str, claims: Value) -> Self {
        Self {
            client_data: ClientDataOptions::new("webauthn.get", origin),
            rp_id: rp_id.to_owned(),
            claims,
            header: None,
            challenge: None,
            flags: flags::UP | flags::UV,
            sign_count: 0,
            extensions: None,
            after_authenticator_data: Vec::new(),
        }
    }
}

/// A WebAuthn authenticator, with the browser in front of it, that holds one credential.
#[derive(Debug)]
pub struct Authenticator {
    key: CredentialKey,
    attestation_key: CredentialKey,
    credential_id: Vec<u8>,
    aaguid: [u8; 16],
}

impl Authenticator {
    /// Creates an authenticator with a fresh credential.
    #[must_use]
    pub fn generate() -> Self {
        Self::new(SoftwareKey::generate(), SoftwareKey::generate())
    }

    /// Creates the authenticator for `seed`. Its credential key is that of
    /// [`SoftwareKey::from_seed`].
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self::new(SoftwareKey::from_seed(seed), SoftwareKey::from_seed(!seed))
    }

    /// Creates an authenticator with this credential key.
    #[must_use]
    pub fn with_key(key: CredentialKey) -> Self {
        Self::new(key, SoftwareKey::generate())
    }

    fn new(key: impl Into<CredentialKey>, attestation_key: SoftwareKey) -> Self {
        let key = key.into();
        Self {
            credential_id: sha256(key.public_bytes()).to_vec(),
            aaguid: *b"keymoor testkit!",
            key,
            attestation_key: attestation_key.into(),
        }
    }

    /// Returns the credential's key, which is ES256 unless [`Self::with_key`] chose it.
    #[must_use]
    pub fn key(&self) -> &SoftwareKey {
        self.key
            .as_software_key()
            .expect("only of an authenticator that was made with another key")
    }

    /// Returns the credential's key, whatever its algorithm.
    #[must_use]
    pub fn credential_key(&self) -> &CredentialKey {
        &self.key
    }

    /// Returns the credential's id.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// Returns the authenticator's model.
    #[must_use]
    pub fn aaguid(&self) -> [u8; 16] {
        self.aaguid
    }

    /// Registers, and returns the `raw` value for `:bind`: a JSON text of `client_data_json_base64`
    /// and `attestation_object`.
    #[must_use]
    pub fn register(&self, options: &RegistrationOptions) -> String {
        let client_data = options.client_data.json(&options.challenge);
        let authenticator_data = self.registration_data(options);
        let statement = self.statement(options, &authenticator_data, &client_data);
        let mut object = attestation_object(
            options.attestation.format(),
            &statement,
            &authenticator_data,
        );
        object.extend(&options.after_attestation_object);
        json!({
            "client_data_json_base64": STANDARD.encode(client_data),
            "attestation_object": STANDARD.encode(object),
        })
        .to_string()
    }

    /// Signs in, and returns the `WebAuthn` value for `bi-authenticate`: a JSON text of
    /// `authenticator_data`, `client_data` and `signature`.
    #[must_use]
    pub fn assert(&self, options: &AssertionOptions) -> String {
        self.assert_by(|message| self.key.sign(message), options)
    }

    /// Signs in as [`Self::assert`] does, with the signature of another key.
    #[must_use]
    pub fn assert_signed_by(&self, signer: &SoftwareKey, options: &AssertionOptions) -> String {
        self.assert_by(|message| signer.sign_der(message), options)
    }

    fn assert_by(&self, sign: impl FnOnce(&[u8]) -> Vec<u8>, options: &AssertionOptions) -> String {
        let challenge = options
            .challenge
            .clone()
            .unwrap_or_else(|| self.assertion_challenge(options));
        let client_data = options.client_data.json(&challenge);
        let mut data = authenticator_data(
            &options.rp_id,
            options.flags,
            options.sign_count,
            &[],
            options.extensions.as_deref(),
        );
        data.extend(&options.after_authenticator_data);
        let signature = sign(&signed_bytes(&data, &client_data));
        json!({
            "authenticator_data": STANDARD.encode(data),
            "client_data": STANDARD.encode(client_data),
            "signature": STANDARD.encode(signature),
        })
        .to_string()
    }

    fn assertion_challenge(&self, options: &AssertionOptions) -> Vec<u8> {
        let header = options.header.clone().unwrap_or_else(
            || json!({ "alg": self.key.jose_algorithm(), "kid": self.key.thumbprint() }),
        );
        let mut claims = options.claims.clone();
        if claims.get("pub_key_cred_id").is_none() {
            claims["pub_key_cred_id"] = STANDARD_NO_PAD.encode(&self.credential_id).into();
        }
        json!({ "header": header, "claims": claims })
            .to_string()
            .into_bytes()
    }

    fn registration_data(&self, options: &RegistrationOptions) -> Vec<u8> {
        let mut attested = Vec::new();
        if options.flags & flags::AT != 0 {
            let id = options
                .credential_id
                .as_ref()
                .unwrap_or(&self.credential_id);
            let length = u16::try_from(id.len()).expect("the length is two bytes on the wire");
            attested.extend(self.aaguid);
            attested.extend(length.to_be_bytes());
            attested.extend(id);
            attested.extend(options.cose_key.clone().unwrap_or_else(|| self.key.cose()));
        }
        let mut data = authenticator_data(
            &options.rp_id,
            options.flags,
            options.sign_count,
            &attested,
            options.extensions.as_deref(),
        );
        data.extend(&options.after_authenticator_data);
        data
    }

    fn statement(
        &self,
        options: &RegistrationOptions,
        authenticator_data: &[u8],
        client_data: &str,
    ) -> Vec<u8> {
        let (signer, certificate) = match &options.attestation {
            Attestation::None => return vec![0xa0],
            Attestation::Other { statement, .. } => return statement.clone(),
            Attestation::By(statement) => {
                return statement.cbor(&ToAttest {
                    authenticator_data,
                    client_data_hash: sha256(client_data.as_bytes()),
                    credential_key: &self.key,
                    credential_id: &self.credential_id,
                });
            }
            Attestation::PackedSelf => (&self.key, None),
            Attestation::PackedX5c(certificate) => (
                &self.attestation_key,
                Some(certificate.der(&self.attestation_key)),
            ),
        };
        let signature = options
            .attestation_signature
            .clone()
            .unwrap_or_else(|| signer.sign(&signed_bytes(authenticator_data, client_data)));
        packed_statement(
            options
                .attestation_algorithm
                .unwrap_or_else(|| signer.cose_algorithm()),
            &signature,
            certificate.as_deref(),
        )
    }
}

impl Attestation {
    /// Attests with `statement`.
    #[must_use]
    pub fn by(statement: impl Statement + 'static) -> Self {
        Self::By(Arc::new(statement))
    }

    fn format(&self) -> &str {
        match self {
            Self::None => "none",
            Self::PackedSelf | Self::PackedX5c(_) => "packed",
            Self::By(statement) => statement.format(),
            Self::Other { format, .. } => format,
        }
    }
}

fn signed_bytes(authenticator_data: &[u8], client_data: &str) -> Vec<u8> {
    [authenticator_data, &sha256(client_data.as_bytes())].concat()
}

fn authenticator_data(
    rp_id: &str,
    flags: u8,
    sign_count: u32,
    attested: &[u8],
    extensions: Option<&[u8]>,
) -> Vec<u8> {
    let flags = extensions.map_or(flags, |_| flags | flags::ED);
    [
        &sha256(rp_id.as_bytes()),
        &[flags][..],
        &sign_count.to_be_bytes(),
        attested,
        extensions.unwrap_or_default(),
    ]
    .concat()
}

fn packed_statement(algorithm: i64, signature: &[u8], certificate: Option<&[u8]>) -> Vec<u8> {
    let mut statement = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut statement);
    encoder
        .map(2 + u64::from(certificate.is_some()))
        .and_then(|e| e.str("alg")?.i64(algorithm))
        .and_then(|e| e.str("sig")?.bytes(signature))
        .expect("writing to a Vec cannot fail");
    if let Some(certificate) = certificate {
        encoder
            .str("x5c")
            .and_then(|e| e.array(1)?.bytes(certificate))
            .expect("writing to a Vec cannot fail");
    }
    statement
}

fn attestation_object(format: &str, statement: &[u8], authenticator_data: &[u8]) -> Vec<u8> {
    let mut object = Vec::new();
    minicbor::Encoder::new(&mut object)
        .map(3)
        .and_then(|e| e.str("fmt")?.str(format))
        .and_then(|e| e.str("attStmt"))
        .expect("writing to a Vec cannot fail");
    object.extend(statement);
    minicbor::Encoder::new(&mut object)
        .str("authData")
        .and_then(|e| e.bytes(authenticator_data))
        .expect("writing to a Vec cannot fail");
    object
}
