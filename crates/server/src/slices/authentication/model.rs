//! Transactions, codes, and what is remembered with them: pure rules.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::pkce::Challenge as PkceChallenge;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{Rng, Seconds};
use keymoor_webauthn::{AttestationLevel, assertion};
use serde::{Deserialize, Serialize};

pub use crate::base::long_id::TransactionId;
use crate::base::secret::{Digest, Secret};
use crate::slices::applications::model::SubjectField;
use crate::slices::credentials::model::KeyOrigin;
use crate::slices::identities::model::Identity;

/// How long a challenge may be answered, by the server's clock.
pub const TRANSACTION_LIFETIME: Seconds = Seconds::MINUTE.times(10);

/// How long a code may be redeemed.
pub const CODE_LIFETIME: Seconds = Seconds::MINUTE;

/// How long a code's row outlives its transaction: no proof for it holds any longer, whatever
/// the clocks of the device and of other nodes say.
pub const KEEP_AFTER_TRANSACTION: Seconds = assertion::LEEWAY;

/// What an authorization code says: the transaction, by which its row is found, and a secret of
/// 32 random bytes, of which the row holds the hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodeKey {
    pub transaction_id: TransactionId,
    pub hash: Digest,
}

impl CodeKey {
    /// A new code for `transaction_id`, and how it is found again.
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

    /// Takes a code apart. `None`: no code of ours has this shape.
    pub fn of(code: &str) -> Option<Self> {
        let bytes: [u8; 56] = URL_SAFE_NO_PAD.decode(code).ok()?.try_into().ok()?;
        let (transaction, secret) = bytes.split_first_chunk()?;
        Some(Self {
            transaction_id: TransactionId::from_bytes(*transaction),
            hash: Digest::of(secret),
        })
    }
}

/// What an application asked for, as far as its code is bound to it.
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

/// Stands for a redirect URI, which may be too long to travel with a sign-in: SHA-256 of its
/// bytes. Equal exactly where the URIs are.
pub fn fingerprint(redirect_uri: &str) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(redirect_uri.as_bytes()).0)
}

/// What is remembered with a code for the tokens that are made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantFacts {
    pub requested: Requested,
    pub method: Method,
}

/// What kind of passkey signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A key that software keeps.
    Software,
    /// A WebAuthn credential that can't leave its authenticator, whose maker vouches for it.
    DeviceBound,
    /// A WebAuthn credential that can't leave its authenticator by its own word alone.
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

    /// `amr` in the words of RFC 8176. A synced or unattested key is neither `hwk` nor `swk` for
    /// certain, so it is the general `pop`. `mfa` is never said: that a PIN or a finger unlocked
    /// the key is the word of an authenticator that need not be attested.
    pub fn amr(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Software => &["swk"],
            Self::DeviceBound => &["hwk", "user"],
            Self::Unattested | Self::Synced => &["pop", "user"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}

/// The subject that an application wants in its tokens; `None` if the identity has no such trait.
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

    /// Codes that an older version issued are redeemed by a newer one.
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
