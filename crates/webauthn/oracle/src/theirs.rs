//! The other implementation's verdict.
//!
//! It draws its challenges itself and hides them in its state, which can be serialised: that is
//! where ours is put in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_testkit::{Authenticator, RegistrationOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::error::WebauthnError;
use webauthn_rs_core::proto::{
    AuthenticationState, COSEKeyType, Credential, ParsedAttestationData, PublicKeyCredential,
    RegisterPublicKeyCredential, RegistrationState, UserVerificationPolicy,
};

use crate::assertion::AssertionResponse;
use crate::registration::RegistrationResponse;
use crate::scene::{
    ORIGIN, RP_ID, SUBJECT, TOKEN, TRUSTED_ORIGINS, assertion_challenge, registration_challenge,
};
use crate::verdict::{Facts, Verdict};

/// A relying party that requires user verification and knows no attestation roots.
pub struct RelyingParty {
    core: WebauthnCore,
    registration: RegistrationState,
}

/// A credential on record, and the ceremony that waits for its assertion.
pub struct Registered {
    credential: Credential,
    state: AuthenticationState,
}

impl Default for RelyingParty {
    fn default() -> Self {
        let origins = TRUSTED_ORIGINS.map(|origin| Url::parse(origin).expect("a valid origin"));
        let core = WebauthnCore::new_unsafe_experts_only(
            "Keymoor",
            RP_ID,
            origins.to_vec(),
            Duration::from_mins(1),
            None,
            None,
        );
        let builder = core
            .new_challenge_register_builder(&[1; 16], "user", "User")
            .expect("the names are not empty")
            .user_verification_policy(UserVerificationPolicy::Required);
        let (_, state) = core
            .generate_challenge_register(builder)
            .expect("the options are valid");
        Self {
            registration: with_challenge(&state, &registration_challenge()),
            core,
        }
    }
}

impl RelyingParty {
    /// Judges a registration.
    #[must_use]
    pub fn register(&self, response: &RegistrationResponse) -> Verdict {
        match self.credential(response) {
            Ok(credential) => Verdict::Accepts(Facts {
                public_key: numbers(&credential.cred.key),
                sign_count: credential.counter,
                backup_eligible: credential.backup_eligible,
                backup_state: credential.backup_state,
                // Of format `apple` only the certificate is signed, and by whom, nobody has judged.
                attested: !matches!(
                    credential.attestation.data,
                    ParsedAttestationData::None | ParsedAttestationData::AnonCa(_)
                ),
                credential_id: credential.cred_id,
            }),
            Err(error) => Verdict::Refuses(name(&error)),
        }
    }

    fn credential(&self, response: &RegistrationResponse) -> Result<Credential, WebauthnError> {
        let credential: RegisterPublicKeyCredential = from_json(&json!({
            "id": "",
            "rawId": "",
            "type": "public-key",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(&response.client_data),
                "attestationObject": URL_SAFE_NO_PAD.encode(&response.attestation_object),
            },
        }));
        self.core
            .register_credential(&credential, &self.registration, None)
    }

    /// Takes `authenticator`'s credential on record, if its valid registration is accepted.
    #[must_use]
    pub fn registered(&self, authenticator: &Authenticator) -> Option<Registered> {
        let options = RegistrationOptions::new(ORIGIN, RP_ID, SUBJECT, TOKEN);
        let response = RegistrationResponse::of(authenticator, &options);
        let credential = self.credential(&response).ok()?;
        let builder = self
            .core
            .new_challenge_authenticate_builder(
                vec![credential.clone()],
                Some(UserVerificationPolicy::Required),
            )
            .expect("the credential's policy is the same");
        let (_, state) = self
            .core
            .generate_challenge_authenticate(builder)
            .expect("the options are valid");
        let challenge = assertion_challenge(authenticator).to_string();
        Some(Registered {
            state: with_challenge(&state, challenge.as_bytes()),
            credential,
        })
    }

    /// Judges an assertion.
    #[must_use]
    pub fn authenticate(&self, response: &AssertionResponse, registered: &Registered) -> Verdict {
        let credential: PublicKeyCredential = from_json(&json!({
            "id": "",
            "rawId": URL_SAFE_NO_PAD.encode(&registered.credential.cred_id),
            "type": "public-key",
            "response": {
                "authenticatorData": URL_SAFE_NO_PAD.encode(&response.authenticator_data),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(&response.client_data),
                "signature": URL_SAFE_NO_PAD.encode(&response.signature),
                "userHandle": null,
            },
        }));
        let result = self.core.authenticate_single_credential(
            &credential,
            &registered.state,
            &registered.credential,
        );
        match result {
            Ok(result) => Verdict::Accepts(Facts {
                sign_count: result.counter(),
                backup_eligible: result.backup_eligible(),
                backup_state: result.backup_state(),
                ..Facts::default()
            }),
            Err(error) => Verdict::Refuses(name(&error)),
        }
    }
}

fn with_challenge<T: Serialize + DeserializeOwned>(state: &T, challenge: &[u8]) -> T {
    let mut state = serde_json::to_value(state).expect("a state is JSON");
    state["challenge"] = URL_SAFE_NO_PAD.encode(challenge).into();
    from_json(&state)
}

fn from_json<T: DeserializeOwned>(value: &serde_json::Value) -> T {
    T::deserialize(value).expect("the other side reads its own JSON")
}

/// The variant's name without what it holds.
fn name(error: &WebauthnError) -> String {
    let shown = format!("{error:?}");
    shown.split('(').next().unwrap_or_default().to_owned()
}

fn numbers(key: &COSEKeyType) -> Vec<u8> {
    match key {
        COSEKeyType::EC_EC2(key) => [&key.x[..], &key.y].concat(),
        COSEKeyType::RSA(key) => [&key.n[..], &key.e].concat(),
        COSEKeyType::EC_OKP(key) => key.x.clone(),
    }
}
