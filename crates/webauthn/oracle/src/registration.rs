//! Registrations, forged and changed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::cbor::Item;
use keymoor_testkit::{
    AndroidKeyStatement, AppleStatement, Attestation, AttestationCertificate, Authenticator,
    Authority, CredentialKey, Dice, Extension, FidoU2fStatement, RegistrationOptions, TpmStatement,
    flags, tpm_name,
};
use serde_json::Value;

use crate::scene::{ORIGIN, RP_ID, SUBJECT, TOKEN, registration_challenge};
use crate::verdict::{Case, NOTHING};
use crate::{client_data, der, signatures, tree};

/// What an authenticator and the browser in front of it return.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistrationResponse {
    /// The client data, JSON.
    pub client_data: Vec<u8>,
    /// The attestation object, CBOR.
    pub attestation_object: Vec<u8>,
}

impl fmt::Debug for RegistrationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrationResponse")
            .field("client_data", &String::from_utf8_lossy(&self.client_data))
            .field(
                "attestation_object",
                &STANDARD.encode(&self.attestation_object),
            )
            .finish()
    }
}

impl RegistrationResponse {
    /// What `authenticator` returns for `options`.
    #[must_use]
    pub fn of(authenticator: &Authenticator, options: &RegistrationOptions) -> Self {
        let raw: Value = serde_json::from_str(&authenticator.register(options))
            .expect("the testkit writes JSON");
        let bytes = |name: &str| {
            let text = raw[name].as_str().expect("the testkit writes strings");
            STANDARD.decode(text).expect("the testkit writes base64")
        };
        Self {
            client_data: bytes("client_data_json_base64"),
            attestation_object: bytes("attestation_object"),
        }
    }

    /// The credential id that the authenticator data hold (WebAuthn Level 3 section 6.5.2), if
    /// there is one: what a browser shows beside the response.
    pub(crate) fn credential_id(&self) -> Option<Vec<u8>> {
        let (object, _) = Item::read(&self.attestation_object)?;
        let Some(Item::Bytes(data)) = object.get("authData") else {
            return None;
        };
        let (length, rest) = data.get(53..)?.split_first_chunk()?;
        let id = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
        Some(id.to_vec())
    }
}

/// Something that is about to be changed.
struct Draft<'a> {
    dice: &'a mut Dice,
    authenticator: &'a Authenticator,
    options: RegistrationOptions,
    case: Case,
}

type Mutation = fn(&mut Draft<'_>) -> RegistrationResponse;

/// A registration by `authenticator` with at most one change.
#[must_use]
pub fn draw(dice: &mut Dice, authenticator: &Authenticator) -> (Case, RegistrationResponse) {
    let mut options = RegistrationOptions::new(ORIGIN, RP_ID, SUBJECT, TOKEN);
    let (format, attestation) = attestation(dice, authenticator);
    options.attestation = attestation;
    let (mutation, change) = *dice.pick(MUTATIONS);
    let mut draft = Draft {
        dice,
        authenticator,
        options,
        case: Case {
            ceremony: "registration",
            mutation,
            format,
            algorithm: authenticator.credential_key().jose_algorithm(),
            signatures_hold: true,
        },
    };
    let response = change(&mut draft);
    (draft.case, response)
}

/// A format's name and an attestation of it that is right.
fn attestation(dice: &mut Dice, authenticator: &Authenticator) -> (&'static str, Attestation) {
    match dice.below(7) {
        0 => ("none", Attestation::None),
        1 => ("packed", Attestation::PackedSelf),
        2 => (
            "android-key",
            Attestation::by(AndroidKeyStatement::default()),
        ),
        3 => ("apple", Attestation::by(AppleStatement::default())),
        4 => ("fido-u2f", Attestation::by(FidoU2fStatement::default())),
        5 => ("tpm", Attestation::by(tpm_statement())),
        _ => {
            let aaguid = dice.one_in(2).then(|| authenticator.aaguid());
            let certificate = AttestationCertificate {
                aaguid,
                ..AttestationCertificate::default()
            };
            ("packed", Attestation::PackedX5c(certificate))
        }
    }
}

/// With the name of a manufacturer that the other side knows.
fn tpm_statement() -> TpmStatement {
    let mut statement = TpmStatement::new(Authority::default(), CredentialKey::es256(100));
    statement.certificate.extensions = vec![
        Extension::basic_constraints(false, None),
        Extension::subject_alternative_name(&tpm_name("id:414D4400", "TPM", "id:13")),
        Extension::extended_key_usage("2.23.133.8.3"),
    ];
    statement
}

/// The changes, by the name that `differences.toml` knows them by. Those of the upper half are
/// signed again, those of the lower are made after signing.
const MUTATIONS: &[(&str, Mutation)] = &[
    (NOTHING, |draft| draft.signed()),
    ("origin", |draft| {
        draft.options.client_data.origin = client_data::other_origin(draft.dice);
        draft.signed()
    }),
    ("type", |draft| {
        let types = ["webauthn.get", "", "WEBAUTHN.CREATE", "payment.get"];
        draft.options.client_data.kind = String::from(*draft.dice.pick(&types));
        draft.signed()
    }),
    ("cross-origin", |draft| {
        draft.options.client_data.cross_origin = *draft.dice.pick(&[None, Some(true)]);
        draft.signed()
    }),
    ("top-origin", |draft| {
        let origins = [ORIGIN, "https://top.example.org"];
        draft.options.client_data.top_origin = Some((*draft.dice.pick(&origins)).to_owned());
        draft.signed()
    }),
    ("challenge", |draft| {
        draft.options.challenge = other_challenge(draft.dice);
        draft.signed()
    }),
    ("client-data-json", |draft| {
        let json = draft.client_data();
        draft.options.client_data.raw = Some(client_data::respelled(draft.dice, &json));
        draft.signed()
    }),
    ("client-data-signed", |draft| {
        let json = draft.client_data();
        draft.options.client_data.raw = Some(client_data::changed(draft.dice, &json));
        draft.signed()
    }),
    ("rp-id", |draft| {
        let ids = ["example.org", "evil.example.org", "APP.example.org", ""];
        draft.options.rp_id = String::from(*draft.dice.pick(&ids));
        draft.signed()
    }),
    ("flags", |draft| {
        draft.options.flags = draft.dice.byte();
        draft.signed()
    }),
    ("flag", |draft| {
        draft.options.flags ^= 1 << draft.dice.below(8);
        draft.signed()
    }),
    ("backup-flags", |draft| {
        draft.options.flags |= *draft
            .dice
            .pick(&[flags::BE, flags::BS, flags::BE | flags::BS]);
        draft.signed()
    }),
    ("sign-count", |draft| {
        let bits = draft.dice.bits().to_be_bytes();
        draft.options.sign_count = u32::from_be_bytes([bits[0], bits[1], bits[2], bits[3]]);
        draft.signed()
    }),
    ("credential-id", |draft| {
        let length = *draft
            .dice
            .pick(&[0, 1, 15, 64, 1_022, 1_023, 1_024, 1_025, 4_000]);
        draft.options.credential_id = Some(vec![draft.dice.byte(); length]);
        draft.signed()
    }),
    ("cose-key-cbor", |draft| {
        let cose = draft.authenticator.credential_key().cose();
        draft.options.cose_key = Some(tree::changed(draft.dice, &cose));
        draft.signed()
    }),
    ("cose-key-bytes", |draft| {
        let cose = draft.authenticator.credential_key().cose();
        draft.options.cose_key = Some(draft.dice.changed(&cose));
        draft.signed()
    }),
    ("rsa-numbers", |draft| {
        match draft.authenticator.credential_key().modulus() {
            Some(modulus) => draft.options.cose_key = Some(rsa_key(draft.dice, modulus)),
            None => draft.case.mutation = NOTHING,
        }
        draft.signed()
    }),
    ("extensions", |draft| {
        draft.options.extensions = Some(extensions(draft.dice));
        draft.signed()
    }),
    ("extensions-bytes", |draft| {
        let extensions = extensions(draft.dice);
        draft.options.extensions = Some(draft.dice.changed(&extensions));
        draft.signed()
    }),
    ("after-authenticator-data", |draft| {
        draft.options.after_authenticator_data = tree::more_bytes(draft.dice);
        draft.signed()
    }),
    ("format", |draft| {
        let formats = [
            "none",
            "packed",
            "compound",
            "android-safetynet",
            "None",
            "",
            "a b",
            "a-format-name-of-33-characters-xx",
        ];
        let statement = tree::any_item(draft.dice).encode();
        draft.options.attestation = Attestation::Other {
            format: (*draft.dice.pick(&formats)).to_owned(),
            statement: (*draft.dice.pick(&[&[0xa0][..], &statement])).to_vec(),
        };
        draft.signed()
    }),
    ("attestation-algorithm", |draft| {
        let algorithms = [-7, -8, -35, -36, -37, -257, -65_535, 7, 0];
        draft.options.attestation_algorithm = Some(*draft.dice.pick(&algorithms));
        // The testkit asks nobody else which one to name.
        if draft.case.format != "packed" {
            draft.case.mutation = NOTHING;
        }
        draft.signed()
    }),
    ("certificate", |draft| {
        draft.options.attestation = Attestation::PackedX5c(other_certificate(draft.dice));
        draft.case.format = "packed";
        draft.signed()
    }),
    ("after-attestation-object", |draft| {
        draft.options.after_attestation_object = tree::more_bytes(draft.dice);
        draft.signed()
    }),
    ("signature-negated", |draft| {
        let response = draft.with_statement("sig", |_, signature| der::negated(signature));
        // It verifies just as well.
        draft.case.signatures_hold = true;
        response
    }),
    ("signature-spelling", |draft| {
        draft.with_statement("sig", der::respelled)
    }),
    ("signature-bytes", |draft| {
        draft.with_statement("sig", Dice::changed)
    }),
    ("certificate-bytes", |draft| {
        draft.with_object(|dice, object| {
            if let Some(leaf) = first_certificate(object) {
                *leaf = dice.changed(leaf);
            }
        })
    }),
    ("key-description", |draft| {
        draft.with_object(|dice, object| {
            if let Some(leaf) = first_certificate(object) {
                change_key_description(dice, leaf);
            }
        })
    }),
    ("statement-cbor", |draft| {
        draft.with_object(|dice, object| {
            let statement = object.get_mut("attStmt").expect("the testkit writes it");
            tree::change_somewhere(dice, statement);
        })
    }),
    ("attestation-object-cbor", |draft| {
        draft.with_object(tree::change_somewhere)
    }),
    ("attestation-object-bytes", |draft| {
        draft.with_response(|dice, response| {
            response.attestation_object = dice.changed(&response.attestation_object);
        })
    }),
    ("authenticator-data-bytes", |draft| {
        draft.with_object(|dice, object| {
            let Some(Item::Bytes(data)) = object.get_mut("authData") else {
                panic!("the testkit writes authData");
            };
            *data = dice.changed(data);
        })
    }),
    ("client-data-bytes", |draft| {
        draft.with_response(|dice, response| {
            response.client_data = dice.changed(&response.client_data);
        })
    }),
    ("another-response", |draft| {
        let mut options = draft.options.clone();
        options.challenge = b"another challenge".to_vec();
        draft.with_response(|dice, response| {
            let other = Authenticator::from_seed(dice.bits());
            response.attestation_object =
                RegistrationResponse::of(&other, &options).attestation_object;
        })
    }),
];

impl Draft<'_> {
    fn signed(&self) -> RegistrationResponse {
        RegistrationResponse::of(self.authenticator, &self.options)
    }

    fn client_data(&self) -> String {
        String::from_utf8(self.signed().client_data).expect("the testkit writes UTF-8")
    }

    /// Changed after signing.
    fn with_response(
        &mut self,
        change: impl FnOnce(&mut Dice, &mut RegistrationResponse),
    ) -> RegistrationResponse {
        let signed = self.signed();
        let mut response = signed.clone();
        change(self.dice, &mut response);
        if response == signed {
            self.case.mutation = NOTHING;
        }
        self.case.signatures_hold = signatures::hold(&signed, &response);
        response
    }

    fn with_object(&mut self, change: fn(&mut Dice, &mut Item)) -> RegistrationResponse {
        self.with_response(|dice, response| {
            let (mut object, _) =
                Item::read(&response.attestation_object).expect("the testkit writes CBOR");
            change(dice, &mut object);
            response.attestation_object = object.encode();
        })
    }

    /// With the bytes of one member of the statement changed, if it has that member.
    fn with_statement(
        &mut self,
        name: &str,
        change: fn(&mut Dice, &[u8]) -> Vec<u8>,
    ) -> RegistrationResponse {
        self.with_response(|dice, response| {
            let (mut object, _) =
                Item::read(&response.attestation_object).expect("the testkit writes CBOR");
            let statement = object.get_mut("attStmt").expect("the testkit writes it");
            if let Some(Item::Bytes(bytes)) = statement.get_mut(name) {
                *bytes = change(dice, bytes);
                response.attestation_object = object.encode();
            }
        })
    }
}

fn first_certificate(object: &mut Item) -> Option<&mut Vec<u8>> {
    let Item::Array(chain) = object.get_mut("attStmt")?.get_mut("x5c")? else {
        return None;
    };
    match chain.first_mut()? {
        Item::Bytes(leaf) => Some(leaf),
        _ => None,
    }
}

/// Changes a byte of Android's key description, half of the times that which says that the
/// purposes are a SET. Other certificates stay as they are.
fn change_key_description(dice: &mut Dice, certificate: &mut [u8]) {
    const TYPE: [u8; 10] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x01, 0x11];
    const PURPOSES: [u8; 7] = [0xa1, 0x05, 0x31, 0x03, 0x02, 0x01, 0x02];
    let position = |part: &[u8]| certificate.windows(part.len()).position(|w| w == part);
    let (Some(at), Some(purposes)) = (position(&TYPE), position(&PURPOSES)) else {
        return;
    };
    if dice.one_in(2) {
        certificate[purposes + 2] = dice.byte();
    } else {
        let begin = at + TYPE.len();
        let inside = begin + dice.below(purposes + PURPOSES.len() - begin);
        certificate[inside] = dice.byte();
    }
}

/// A COSE_Key for RS256 with an exponent or a modulus of another size.
fn rsa_key(dice: &mut Dice, modulus: &[u8]) -> Vec<u8> {
    let exponents: [&[u8]; 6] = [
        &[3],
        &[1, 0, 1],
        &[1, 0, 0, 1],
        &[0, 1, 0, 1],
        &[1],
        &[1, 0, 0],
    ];
    let exponent = dice.pick(&exponents).to_vec();
    let mut modulus = modulus.to_vec();
    match dice.below(4) {
        0 => drop(modulus.remove(0)),
        1 => modulus.insert(0, 0),
        2 => modulus.insert(0, dice.byte()),
        _ => {}
    }
    Item::Map(vec![
        (Item::Unsigned(1), Item::Unsigned(3)),
        (Item::Unsigned(3), Item::Negative(256)),
        (Item::Negative(0), Item::Bytes(modulus)),
        (Item::Negative(1), Item::Bytes(exponent)),
    ])
    .encode()
}

fn other_challenge(dice: &mut Dice) -> Vec<u8> {
    let right = registration_challenge();
    let spelled = [
        format!(r#"{{"token":"{TOKEN}","sub":"{SUBJECT}"}}"#),
        format!(r#"{{ "sub": "{SUBJECT}", "token": "{TOKEN}" }}"#),
        format!(r#"{{"sub":"{SUBJECT}","token":"{TOKEN}","more":1}}"#),
        format!(r#"{{"sub":"{SUBJECT}","token":"another"}}"#),
        format!(r#"{{"sub":"CN=0, OU=00b2, O=00c3","token":"{TOKEN}"}}"#),
        format!(r#"{{"sub":"{SUBJECT}","sub":"{SUBJECT}","token":"{TOKEN}"}}"#),
        String::new(),
    ];
    if dice.one_in(2) {
        dice.changed(&right)
    } else {
        dice.pick(&spelled).clone().into_bytes()
    }
}

fn extensions(dice: &mut Dice) -> Vec<u8> {
    let known = Item::Map(vec![
        (
            Item::Text("credProtect".to_owned()),
            Item::Unsigned(dice.below(5) as u64),
        ),
        (Item::Text("hmac-secret".to_owned()), Item::Simple(21, 0)),
    ]);
    match dice.below(3) {
        0 => known.encode(),
        1 => tree::changed(dice, &known.encode()),
        _ => tree::any_item(dice).encode(),
    }
}

fn other_certificate(dice: &mut Dice) -> AttestationCertificate {
    let mut certificate = AttestationCertificate::default();
    let text = (*dice.pick(&["", "X", "Authenticator attestation", "Long country"])).to_owned();
    match dice.below(7) {
        0 => certificate.version = 1 + u8::try_from(dice.below(4)).expect("less than 4"),
        1 => certificate.country = text,
        2 => certificate.organization = text,
        3 => certificate.organizational_unit = text,
        4 => certificate.common_name = text,
        5 => certificate.is_ca = true,
        _ => certificate.aaguid = Some([dice.byte(); 16]),
    }
    certificate
}
