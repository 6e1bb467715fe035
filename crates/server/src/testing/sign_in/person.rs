use keymoor_testkit::{
    AssertionOptions, Authenticator, Challenge, Jws, RegistrationOptions, SoftwareKey,
};
use keymoor_types::{BindingJobId, CredentialId, IdentityId, RealmId, TenantId, Timestamp};
use keymoor_webauthn::registration::{self, RegistrationExpectation};
use keymoor_webauthn::{AttestationRoots, AttestationTrust, PublicKey};
use serde_json::{Value, json};

use super::{ORIGIN, RP_ID, Started, TestApp};
use crate::db::Tx;
use crate::slices::credentials;
use crate::slices::credentials::model::{
    CreatedFrom, Credential, KeyOrigin, Mechanism, State, WebAuthnKey,
};
use crate::slices::identities;
use crate::slices::identities::model::{Identity, Status, Traits, UserHandle};

pub(crate) enum Passkey {
    Software(SoftwareKey),
    WebAuthn(Authenticator),
    Fido2(Authenticator),
}

/// An identity with one passkey.
pub(crate) struct Person {
    pub(crate) identity: Identity,
    pub(crate) credential: Credential,
    pub(crate) passkey: Passkey,
}

impl Person {
    /// Somebody of the first realm with a key that software keeps.
    pub(crate) async fn new(test: &TestApp, username: &str) -> Self {
        let passkey = Passkey::Software(SoftwareKey::generate());
        Self::of(
            test,
            (test.made.tenant.id, test.made.realm.id),
            username,
            passkey,
        )
        .await
    }

    /// Somebody of the first realm with a WebAuthn credential.
    pub(crate) async fn with_webauthn(test: &TestApp, username: &str) -> Self {
        let passkey = Passkey::WebAuthn(Authenticator::generate());
        Self::of(
            test,
            (test.made.tenant.id, test.made.realm.id),
            username,
            passkey,
        )
        .await
    }

    /// Somebody of the first realm with a WebAuthn credential made with the server's options.
    pub(crate) async fn with_fido2(test: &TestApp, username: &str) -> Self {
        let passkey = Passkey::Fido2(Authenticator::generate());
        Self::of(
            test,
            (test.made.tenant.id, test.made.realm.id),
            username,
            passkey,
        )
        .await
    }

    pub(crate) async fn of(
        test: &TestApp,
        (tenant_id, realm_id): (TenantId, RealmId),
        username: &str,
        passkey: Passkey,
    ) -> Self {
        let (now, rng) = (test.app.now(), &*test.app.rng);
        let identity = Identity {
            tenant_id,
            realm_id,
            id: IdentityId::generate(now, rng),
            display_name: "Ada Lovelace".to_owned(),
            status: Status::Active,
            traits: Traits {
                username: username.to_owned(),
                primary_email_address: Some(format!("{username}@example.com")),
                ..Traits::default()
            },
            user_handle: UserHandle::generate(rng),
            created_at: now,
            updated_at: now,
        };
        let (key, origin) = passkey.bound();
        let credential = Credential {
            tenant_id,
            realm_id,
            identity_id: identity.id,
            id: CredentialId::generate(now, rng),
            binding_job_id: BindingJobId::generate(now, rng),
            state: State::Active,
            key,
            origin,
            display_name: "Passkey".to_owned(),
            last_used_at: None,
            created_from: CreatedFrom::default(),
            created_at: now,
            updated_at: now,
        };
        let rows = (identity.clone(), credential.clone());
        test.app
            .db
            .write(async move |tx| {
                identities::store::insert(tx, &rows.0).await?;
                credentials::store::insert(tx, &rows.1).await
            })
            .await
            .unwrap();
        Self {
            identity,
            credential,
            passkey,
        }
    }

    /// The same identity with one more software passkey.
    pub(crate) async fn another_passkey(&self, test: &TestApp) -> Self {
        let passkey = Passkey::Software(SoftwareKey::generate());
        let (key, origin) = passkey.bound();
        let credential = Credential {
            id: CredentialId::generate(test.app.now(), &*test.app.rng),
            key,
            origin,
            ..self.credential.clone()
        };
        let row = credential.clone();
        let insert = async move |tx: &mut Tx| credentials::store::insert(tx, &row).await;
        test.app.db.write(insert).await.unwrap();
        Self {
            identity: self.identity.clone(),
            credential,
            passkey,
        }
    }

    pub(crate) fn subject(&self) -> String {
        self.identity.at().distinguished_name()
    }

    /// The claims that a device signs to answer a challenge.
    pub(crate) fn claims(&self, test: &TestApp, started: &Started) -> Value {
        let challenge = Challenge {
            subject: &self.subject(),
            audience: &started.audience,
            transaction_id: &started.transaction_id,
            nonce: &started.nonce,
            now: test.app.now().as_seconds(),
        };
        challenge.claims()
    }

    /// The right answer to a challenge.
    pub(crate) fn proof(&self, test: &TestApp, started: &Started) -> Value {
        self.sign(&self.claims(test, started))
    }

    /// An answer with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> Value {
        match &self.passkey {
            Passkey::Software(key) => json!({ "Jwt": key.authentication_jws(claims) }),
            Passkey::WebAuthn(authenticator) | Passkey::Fido2(authenticator) => {
                let options = AssertionOptions::new(ORIGIN, RP_ID, claims.clone());
                json!({ "WebAuthn": authenticator.assert(&options) })
            }
        }
    }

    /// The JWS of the right answer, to be spoilt.
    pub(crate) fn jws(&self, test: &TestApp, started: &Started) -> Jws {
        Jws::authentication(self.key(), &self.claims(test, started))
    }

    /// The assertion of the right answer, to be spoilt.
    pub(crate) fn assertion(&self, test: &TestApp, started: &Started) -> AssertionOptions {
        AssertionOptions::new(ORIGIN, RP_ID, self.claims(test, started))
    }

    pub(crate) fn key(&self) -> &SoftwareKey {
        match &self.passkey {
            Passkey::Software(key) => key,
            Passkey::WebAuthn(authenticator) | Passkey::Fido2(authenticator) => authenticator.key(),
        }
    }

    /// The right answer over the server's challenge but for what `spoil` does to the assertion.
    pub(crate) fn fido2_proof(
        &self,
        started: &Started,
        spoil: impl FnOnce(&mut AssertionOptions),
    ) -> Value {
        let mut options = AssertionOptions::new(ORIGIN, RP_ID, json!({}));
        options.challenge = Some(started.fido2_challenge());
        spoil(&mut options);
        let handle = self.identity.user_handle.as_bytes();
        json!({
            "transaction_id": started.transaction_id,
            "nonce": started.nonce,
            "credential": self.authenticator().assert_json(&options, handle),
        })
    }

    pub(crate) fn authenticator(&self) -> &Authenticator {
        match &self.passkey {
            Passkey::WebAuthn(authenticator) | Passkey::Fido2(authenticator) => authenticator,
            Passkey::Software(_) => panic!("a key that software keeps"),
        }
    }

    pub(crate) async fn suspend(&self, test: &TestApp) {
        self.set_status(test, Status::Suspended).await;
    }

    pub(crate) async fn activate(&self, test: &TestApp) {
        self.set_status(test, Status::Active).await;
    }

    async fn set_status(&self, test: &TestApp, status: Status) {
        let sql = "UPDATE identities SET status = $4
            WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3";
        let Identity {
            tenant_id,
            realm_id,
            id,
            ..
        } = self.identity;
        let change = async move |tx: &mut Tx| {
            tx.exec(sql, &(tenant_id, realm_id, id, status)).await?;
            Ok(())
        };
        test.app.db.write(change).await.unwrap();
    }

    pub(crate) async fn revoke_passkey(&self, test: &TestApp) {
        let sql = "UPDATE credentials SET state = 'REVOKED'
            WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND credential_id = $4";
        let Credential {
            tenant_id,
            realm_id,
            identity_id,
            id,
            ..
        } = self.credential;
        let change = async move |tx: &mut Tx| {
            tx.exec(sql, &(tenant_id, realm_id, identity_id, id))
                .await?;
            Ok(())
        };
        test.app.db.write(change).await.unwrap();
    }
}

impl Passkey {
    /// The key, and what its binding found out about it.
    fn bound(&self) -> (PublicKey, KeyOrigin) {
        match self {
            Self::Software(key) => (
                PublicKey::from_jwk(&key.jwk()).unwrap(),
                KeyOrigin::Software,
            ),
            Self::WebAuthn(authenticator) | Self::Fido2(authenticator) => {
                let mechanism = match self {
                    Self::Fido2(_) => Mechanism::Fido2,
                    _ => Mechanism::WebAuthn,
                };
                let expected = RegistrationExpectation {
                    subject: "CN=x",
                    token: "x",
                    trusted_origins: &[ORIGIN.to_owned()],
                    attestation: AttestationTrust {
                        roots: &AttestationRoots::NONE,
                        now: Timestamp::from_seconds(0),
                    },
                };
                let options = RegistrationOptions::new(ORIGIN, RP_ID, "CN=x", "x");
                let verified =
                    registration::verify(&authenticator.register(&options), &expected).unwrap();
                (
                    verified.public_key().clone(),
                    KeyOrigin::WebAuthn(WebAuthnKey::of(mechanism, &verified)),
                )
            }
        }
    }
}
