//! The state of a sign-in between `/authorize` and the passkey's response.
//!
//! It is not stored. The challenge's nonce, which every SDK echoes, contains it sealed. The seal
//! binds it to its tenant and realm.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::{ApplicationId, AuthenticatorConfigId, Timestamp};
use serde::{Deserialize, Serialize};

use super::model::{Requested, TransactionId};
use crate::base::refs::RealmRef;
use crate::base::secret::Digest;
use crate::base::vault::{Purpose, Vault};

/// The longest nonce, in characters, that the published SDK is known to echo.
const MAX_NONCE_CHARS: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    pub transaction_id: TransactionId,
    pub application_id: ApplicationId,
    pub config_id: AuthenticatorConfigId,
    /// [`fingerprint`](super::model::fingerprint) of the registered URI that receives the code,
    /// whether or not the request contained it.
    pub answer_uri: String,
    pub requested: Requested,
    /// The first moment at which it is expired.
    pub expires_at: Timestamp,
}

impl Challenge {
    /// Returns the nonce that contains this state. `None`: it would be too long.
    pub fn seal(&self, vault: &Vault, realm: RealmRef) -> Option<String> {
        let plain = serde_json::to_vec(self).expect("the state has string keys only");
        let sealed = vault.seal(Purpose::Challenge, &context(realm), &plain);
        let nonce = URL_SAFE_NO_PAD.encode(sealed);
        (nonce.len() <= MAX_NONCE_CHARS).then_some(nonce)
    }

    /// Opens a nonce that this server created for this realm.
    pub fn open(vault: &Vault, realm: RealmRef, nonce: &str) -> Option<Self> {
        if nonce.len() > MAX_NONCE_CHARS {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let plain = vault
            .open(Purpose::Challenge, &context(realm), &sealed)
            .ok()?;
        keymoor_types::json::from_slice(&plain).ok()
    }
}

/// Returns the challenge of a WebAuthn assertion for the transaction of `nonce`. It is
/// unpredictable, since the nonce seals random bytes. It needs no storage, since the nonce comes
/// back.
pub fn fido2_challenge(nonce: &str) -> [u8; 32] {
    Digest::of(nonce.as_bytes()).0
}

fn context(realm: RealmRef) -> Vec<u8> {
    realm.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keymoor_oauth::pkce::{Challenge as PkceChallenge, Method};
    use keymoor_types::{RealmId, Seconds, TenantId};

    use super::*;
    use crate::app::SystemRng;
    use crate::base::vault::MasterKey;
    use crate::slices::authentication::model::fingerprint;

    const REALM: RealmRef = RealmRef {
        tenant_id: TenantId::from_i64(1),
        realm_id: RealmId::from_i64(2),
    };

    fn vault() -> Vault {
        Vault::new(&MasterKey::of([1; 32]), Arc::new(SystemRng))
    }

    fn challenge(nonce_bytes: usize) -> Challenge {
        let now = Timestamp::from_seconds(1_767_225_600);
        Challenge {
            transaction_id: TransactionId::generate(now, &SystemRng),
            application_id: ApplicationId::generate(now, &SystemRng),
            config_id: AuthenticatorConfigId::generate(now, &SystemRng),
            answer_uri: fingerprint(&"x".repeat(2_048)),
            requested: Requested {
                redirect_uri: Some(fingerprint(&"x".repeat(2_048))),
                scopes: "openid profile email".parse().unwrap(),
                nonce: Some("n".repeat(nonce_bytes)),
                pkce: Some(PkceChallenge::new(Method::S256, "A".repeat(43)).unwrap()),
            },
            expires_at: now + Seconds::MINUTE.times(10),
        }
    }

    #[test]
    fn c1_the_state_comes_back_in_its_own_realm_only() {
        let challenge = challenge(512);
        let nonce = challenge.seal(&vault(), REALM).unwrap();
        let open = |realm, nonce: &str| Challenge::open(&vault(), realm, nonce);
        assert_eq!(open(REALM, &nonce), Some(challenge));
        assert_eq!(
            open(
                RealmRef {
                    realm_id: RealmId::from_i64(3),
                    ..REALM
                },
                &nonce
            ),
            None
        );
        assert_eq!(
            open(
                RealmRef {
                    tenant_id: TenantId::from_i64(3),
                    ..REALM
                },
                &nonce
            ),
            None
        );
        assert_eq!(open(REALM, &nonce[1..]), None);
        assert_eq!(open(REALM, ""), None);
    }

    /// An upgrade does not interrupt sign-ins in progress.
    #[test]
    fn the_state_is_written_as_other_versions_read_it() {
        let transaction_id = TransactionId::from_bytes([7; 24]);
        let challenge = Challenge {
            transaction_id,
            answer_uri: "answer".to_owned(),
            requested: Requested {
                redirect_uri: Some("redirect".to_owned()),
                scopes: "openid".parse().unwrap(),
                nonce: Some("nonce".to_owned()),
                pkce: Some(PkceChallenge::new(Method::S256, "A".repeat(43)).unwrap()),
            },
            ..challenge(1)
        };
        let mut written = serde_json::to_value(&challenge).unwrap();
        for generated in ["application_id", "config_id"] {
            assert!(written[generated].take().is_string(), "{generated}");
        }
        assert_eq!(
            written,
            serde_json::json!({
                "transaction_id": transaction_id.to_string(),
                "application_id": null,
                "config_id": null,
                "answer_uri": "answer",
                "requested": {
                    "redirect_uri": "redirect",
                    "scopes": "openid",
                    "nonce": "nonce",
                    "pkce": { "method": "S256", "value": "A".repeat(43) },
                },
                "expires_at": "2026-01-01T00:10:00.000Z",
            })
        );
    }

    #[test]
    fn c1_a_nonce_is_never_longer_than_sdks_are_known_to_echo() {
        assert!(challenge(512).seal(&vault(), REALM).is_some());
        assert!(challenge(1_200).seal(&vault(), REALM).is_none());
    }
}
