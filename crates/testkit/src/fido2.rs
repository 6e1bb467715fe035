//! An authenticator's responses in WebAuthn's own JSON (Level 3 section 5.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::{AssertionOptions, Authenticator, RegistrationOptions, base64url};

impl Authenticator {
    /// Registers as [`Self::register`] does, and returns `RegistrationResponseJSON`.
    #[must_use]
    pub fn register_json(&self, options: &RegistrationOptions) -> Value {
        let answer = parsed(&self.register(options));
        let id = options.credential_id.as_deref();
        let id = base64url(id.unwrap_or(self.credential_id()));
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": as_base64url(&answer["client_data_json_base64"]),
                "attestationObject": as_base64url(&answer["attestation_object"]),
                "transports": ["internal"],
            },
        })
    }

    /// Signs in as [`Self::assert`] does, and returns `AuthenticationResponseJSON`.
    #[must_use]
    pub fn assert_json(&self, options: &AssertionOptions, user_handle: &[u8]) -> Value {
        let answer = parsed(&self.assert(options));
        let id = base64url(self.credential_id());
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": as_base64url(&answer["client_data"]),
                "authenticatorData": as_base64url(&answer["authenticator_data"]),
                "signature": as_base64url(&answer["signature"]),
                "userHandle": base64url(user_handle),
            },
        })
    }
}

fn parsed(answer: &str) -> Value {
    serde_json::from_str(answer).expect("an authenticator answers in JSON")
}

fn as_base64url(member: &Value) -> String {
    let bytes = member.as_str().and_then(|text| STANDARD.decode(text).ok());
    base64url(bytes.expect("an authenticator answers in base64"))
}
