//! Assertions, forged and changed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::{AssertionOptions, Authenticator, Dice, SoftwareKey, flags};
use serde_json::Value;

use crate::scene::{ORIGIN, RP_ID, assertion_challenge, claims, encoded};
use crate::verdict::{Case, NOTHING};
use crate::{client_data, der, tree};

/// What an authenticator and the browser in front of it return.
#[derive(Clone, PartialEq, Eq)]
pub struct AssertionResponse {
    /// The client data, JSON.
    pub client_data: Vec<u8>,
    /// The authenticator data.
    pub authenticator_data: Vec<u8>,
    /// The signature in DER.
    pub signature: Vec<u8>,
}

impl fmt::Debug for AssertionResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionResponse")
            .field("client_data", &String::from_utf8_lossy(&self.client_data))
            .field(
                "authenticator_data",
                &STANDARD.encode(&self.authenticator_data),
            )
            .field("signature", &STANDARD.encode(&self.signature))
            .finish()
    }
}

impl AssertionResponse {
    fn read(raw: &str) -> Self {
        let raw: Value = serde_json::from_str(raw).expect("the testkit writes JSON");
        let bytes = |name: &str| {
            let text = raw[name].as_str().expect("the testkit writes strings");
            STANDARD.decode(text).expect("the testkit writes base64")
        };
        Self {
            client_data: bytes("client_data"),
            authenticator_data: bytes("authenticator_data"),
            signature: bytes("signature"),
        }
    }
}

/// Something that is about to be changed.
struct Draft<'a> {
    dice: &'a mut Dice,
    authenticator: &'a Authenticator,
    options: AssertionOptions,
    case: Case,
}

type Mutation = fn(&mut Draft<'_>) -> AssertionResponse;

/// An assertion by `authenticator` with at most one change.
#[must_use]
pub fn draw(dice: &mut Dice, authenticator: &Authenticator) -> (Case, AssertionResponse) {
    let mut options = AssertionOptions::new(ORIGIN, RP_ID, claims());
    options.challenge = Some(assertion_challenge(authenticator).to_string().into_bytes());
    let (mutation, change) = *dice.pick(MUTATIONS);
    let mut draft = Draft {
        dice,
        authenticator,
        options,
        case: Case {
            ceremony: "assertion",
            mutation,
            format: "",
            algorithm: authenticator.credential_key().jose_algorithm(),
            signatures_hold: true,
        },
    };
    let response = change(&mut draft);
    (draft.case, response)
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
        let types = ["webauthn.create", "", "WEBAUTHN.GET", "payment.get"];
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
        let right = draft.options.challenge.take().expect("drawn with one");
        draft.options.challenge = Some(other_challenge(draft.dice, &right));
        draft.signed()
    }),
    ("challenge-bytes", |draft| {
        let right = draft.options.challenge.take().expect("drawn with one");
        draft.options.challenge = Some(draft.dice.changed(&right));
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
    ("extensions", |draft| {
        draft.options.extensions = Some(tree::any_item(draft.dice).encode());
        draft.signed()
    }),
    ("after-authenticator-data", |draft| {
        draft.options.after_authenticator_data = tree::more_bytes(draft.dice);
        draft.signed()
    }),
    ("another-key", |draft| {
        let other = SoftwareKey::from_seed(draft.dice.bits());
        draft.case.signatures_hold = false;
        AssertionResponse::read(&draft.authenticator.assert_signed_by(&other, &draft.options))
    }),
    ("signature-negated", |draft| {
        let negate = |_: &mut Dice, response: &mut AssertionResponse| {
            response.signature = der::negated(&response.signature);
        };
        let response = draft.changed(negate);
        // It verifies just as well.
        draft.case.signatures_hold = true;
        response
    }),
    ("signature-spelling", |draft| {
        draft.changed(|dice, response| {
            response.signature = der::respelled(dice, &response.signature);
        })
    }),
    ("signature-bytes", |draft| {
        draft.changed(|dice, response| response.signature = dice.changed(&response.signature))
    }),
    ("authenticator-data-bytes", |draft| {
        draft.changed(|dice, response| {
            response.authenticator_data = dice.changed(&response.authenticator_data);
        })
    }),
    ("client-data-bytes", |draft| {
        draft.changed(|dice, response| response.client_data = dice.changed(&response.client_data))
    }),
    ("swapped-members", |draft| {
        draft.changed(|dice, response| match dice.below(3) {
            0 => std::mem::swap(&mut response.client_data, &mut response.authenticator_data),
            1 => std::mem::swap(&mut response.signature, &mut response.authenticator_data),
            _ => std::mem::swap(&mut response.client_data, &mut response.signature),
        })
    }),
];

impl Draft<'_> {
    fn signed(&self) -> AssertionResponse {
        AssertionResponse::read(&self.authenticator.assert(&self.options))
    }

    fn client_data(&self) -> String {
        String::from_utf8(self.signed().client_data).expect("the testkit writes UTF-8")
    }

    /// Changed after signing.
    fn changed(&mut self, change: fn(&mut Dice, &mut AssertionResponse)) -> AssertionResponse {
        let signed = self.signed();
        let mut response = signed.clone();
        change(self.dice, &mut response);
        self.case.signatures_hold = response == signed;
        if response == signed {
            self.case.mutation = NOTHING;
        }
        response
    }
}

/// The challenge with a member changed, or the same members as another text.
fn other_challenge(dice: &mut Dice, right: &[u8]) -> Vec<u8> {
    let mut challenge: Value = serde_json::from_slice(right).expect("a challenge is JSON");
    let claims = &mut challenge["claims"];
    match dice.below(8) {
        0 => return serde_json::to_vec_pretty(&challenge).expect("JSON is written"),
        1 => claims["jti"] = "another".into(),
        2 => claims["sub"] = "CN=0, OU=00b2, O=00c3".into(),
        3 => claims["exp"] = 1.into(),
        4 => claims["pub_key_cred_id"] = encoded(b"another").into(),
        5 => claims["bi_non"] = "another".into(),
        6 => challenge["header"]["alg"] = "none".into(),
        _ => challenge["more"] = 1.into(),
    }
    challenge.to_string().into_bytes()
}
