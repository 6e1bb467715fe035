//! Transactions, codes, and the data stored with them: pure rules.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::pkce::Challenge as PkceChallenge;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{Rng, Seconds};
use keymoor_webauthn::{AttestationLevel, assertion};
use serde::{Deserialize, Serialize};

pub use crate::base::long_id::TransactionId;
use crate::base::secret::{Digest, Secret};
use crate::slices::applications::choices::SubjectField;
use crate::slices::credentials::model::KeyOrigin;
use crate::slices::identities::model::Identity;

/// The lifetime of a challenge, by the server's clock.
pub const TRANSACTION_LIFETIME: Seconds = Seconds::MINUTE.times(10);

/// The lifetime of a code.
pub const CODE_LIFETIME: Seconds = Seconds::MINUTE;

/// How long a code's row outlives its transaction. After that no proof for it is valid, even if the
/// clocks of the device and of other nodes differ.
pub const KEEP_AFTER_TRANSACTION: Seconds = assertion::LEEWAY;

/// The content of an authorization code: the transaction id, which identifies its row, and a secret
/// of 32 random bytes. The row stores the secret's hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodeKey {
    pub transaction_id: TransactionId,
    pub hash: Digest,
}

impl CodeKey {
    /// Returns a new code for `transaction_id`, and the key that finds it again.
    pub fn generate(transaction_id: TransactionId, rng: &dyn Rng) -> (Secret, Self) {
        let mut code = [0; 56];
        let (transaction, secret) = code.split_at_mut(24);
        transaction.copy_from_slice(transaction_id.as_bytes());
        rng.fill(secret);
        let key = Self {
            transaction_id,
            hash: Digest::of(secret),
        };
        (Secret::new(URL_SAFE_NO_PAD.encode(code)), key)
    }

    /// Parses a code. `None`: it is malformed.
    pub fn of(code: &str) -> Option<Self> {
        let bytes: [u8; 56] = URL_SAFE_NO_PAD.decode(code).ok()?.try_into().ok()?;
        let (transaction, secret) = bytes.split_first_chunk()?;
        Some(Self {
            transaction_id: TransactionId::from_bytes(*transaction),
            hash: Digest::of(secret),
        })
    }
}

/// The parameters of an authorization request that its code is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// [`fingerprint`] of the redirect URI; absent if the request sent none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    pub scopes: ScopeSet,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pkce: Option<PkceChallenge>,
}

/// Returns the SHA-256 of a redirect URI, which itself may be too long for the sealed state.
/// Fingerprints are equal exactly where the URIs are.
pub fn fingerprint(redirect_uri: &str) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(redirect_uri.as_bytes()).0)
}

/// The data stored with a code for the tokens that it yields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantFacts {
    pub requested: Requested,
    pub method: Method,
}

/// The kind of passkey that signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A key stored by software.
    Software,
    /// A WebAuthn credential that can't leave its authenticator, attested by the manufacturer.
    DeviceBound,
    /// A WebAuthn credential that can't leave its authenticator, without attestation.
    Unattested,
    /// A WebAuthn credential that may be copied to other devices.
    Synced,
}

impl Method {
    pub fn of(origin: &KeyOrigin) -> Self {
        match origin {
            KeyOrigin::Software => Self::Software,
            KeyOrigin::WebAuthn(facts) if facts.backup_eligible => Self::Synced,
            KeyOrigin::WebAuthn(facts) => match facts.attestation_level {
                AttestationLevel::Attested => Self::DeviceBound,
                AttestationLevel::Flagged | AttestationLevel::Unproven => Self::Unattested,
            },
        }
    }

    /// Returns `amr` in the terms of RFC 8176. A synced or unattested key is neither certainly
    /// `hwk` nor certainly `swk`, so it is the general `pop`. `mfa` is never included, because user
    /// verification is the claim of an authenticator that may be unattested.
    pub fn amr(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Software => &["swk"],
            Self::DeviceBound => &["hwk", "user"],
            Self::Unattested | Self::Synced => &["pop", "user"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}

/// Returns the subject that an application requires in its tokens. `None` if the identity lacks
/// that trait.
pub fn subject(identity: &Identity, field: SubjectField) -> Option<String> {
    let traits = &identity.traits;
    match field {
        SubjectField::Id => Some(identity.id.to_string()),
        SubjectField::Username => Some(traits.username.clone()),
        SubjectField::Email => traits.primary_email_address.clone(),
        SubjectField::ExternalId => traits.external_id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use keymoor_types::Timestamp;

    use super::*;
    use crate::app::SystemRng;
    use crate::slices::credentials::model::{Mechanism, WebAuthnKey};

    fn at_millis(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn a_code_leads_to_its_row_and_no_other_text_does() {
        let transaction = TransactionId::generate(at_millis(1), &SystemRng);
        let (code, key) = CodeKey::generate(transaction, &SystemRng);
        assert!(CodeKey::of(code.expose()) == Some(key));
        let (other, _) = CodeKey::generate(transaction, &SystemRng);
        assert!(CodeKey::of(other.expose()) != Some(key));
        for wrong in ["", "code", &transaction.to_string(), &code.expose()[1..]] {
            assert!(CodeKey::of(wrong).is_none(), "{wrong}");
        }
    }

    /// A newer version redeems codes that an older version issued.
    #[test]
    fn the_facts_of_a_grant_are_stored_as_other_versions_read_them() {
        let facts = GrantFacts {
            requested: Requested {
                redirect_uri: None,
                scopes: "openid".parse().unwrap(),
                nonce: None,
                pkce: None,
            },
            method: Method::DeviceBound,
        };
        assert_eq!(
            serde_json::to_value(&facts).unwrap(),
            serde_json::json!({ "requested": { "scopes": "openid" }, "method": "device_bound" })
        );
    }

    #[test]
    fn only_an_attested_key_that_stays_where_it_is_is_said_to_be_hardware() {
        use AttestationLevel::{Attested, Flagged, Unproven};

        let origin = |attestation_level, backup_eligible| {
            KeyOrigin::WebAuthn(WebAuthnKey {
                mechanism: Mechanism::WebAuthn,
                credential_id: vec![1],
                rp_id: "app.example".to_owned(),
                aaguid: [0; 16],
                attestation_format: "packed".to_owned(),
                attestation_level,
                sign_count: 0,
                backup_eligible,
                backup_state: false,
            })
        };
        for (origin, amr) in [
            (origin(Attested, false), &["hwk", "user"][..]),
            (origin(Attested, true), &["pop", "user"]),
            (origin(Flagged, false), &["pop", "user"]),
            (origin(Unproven, false), &["pop", "user"]),
            (origin(Unproven, true), &["pop", "user"]),
            (KeyOrigin::Software, &["swk"]),
        ] {
            assert_eq!(Method::of(&origin).amr(), amr, "{origin:?}");
        }
    }
}
