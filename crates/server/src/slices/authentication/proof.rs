//! A device's response to a challenge: parsed, looked up, verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::wire::AuthenticationProof;
use keymoor_types::{IdentityId, Timestamp};
use keymoor_webauthn::assertion::{
    self, AssertionExpectation, AssertionProof, ExpectedCredential, WebAuthnFacts,
};
use keymoor_webauthn::fido2::{Fido2Assertion, Fido2Expectation};
use keymoor_webauthn::proof::ProofError;

use super::challenge::fido2_challenge;
use crate::base::error::Result;
use crate::base::refs::ApplicationRef;
use crate::db::Rx;
use crate::slices::applications::issuer::Issuer;
use crate::slices::credentials;
use crate::slices::credentials::model::{Credential, KeyOrigin, Mechanism};
use crate::slices::identities;
use crate::slices::identities::model::Identity;

/// A response to a challenge. Nothing in it is verified until [`Proof::verify`].
pub enum Proof {
    /// Signs the ids of a transaction, an identity and a key.
    Claims {
        assertion: Box<AssertionProof>,
        identity_id: IdentityId,
        thumbprint: [u8; 32],
    },
    /// Names a transaction and a credential, and signs a challenge derived from the transaction.
    Fido2(Box<Fido2Assertion>),
}

impl Proof {
    pub fn read(
        at: ApplicationRef,
        proof: &AuthenticationProof,
    ) -> std::result::Result<Self, ProofError> {
        if let AuthenticationProof::Fido2(raw) = proof {
            return Fido2Assertion::parse(raw).map(Box::new).map(Self::Fido2);
        }
        let assertion = AssertionProof::parse(proof)?;
        let identity_id = at
            .realm()
            .identity_named(&assertion.claims().sub)
            .ok_or(ProofError::Subject)?
            .identity_id;
        let thumbprint = URL_SAFE_NO_PAD
            .decode(assertion.key_thumbprint())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(ProofError::KeyId)?;
        Ok(Self::Claims {
            assertion: Box::new(assertion),
            identity_id,
            thumbprint,
        })
    }

    pub fn transaction_id(&self) -> &str {
        match self {
            Self::Claims { assertion, .. } => &assertion.claims().bi_tid,
            Self::Fido2(assertion) => assertion.transaction_id(),
        }
    }

    pub fn nonce(&self) -> &str {
        match self {
            Self::Claims { assertion, .. } => &assertion.claims().bi_non,
            Self::Fido2(assertion) => assertion.nonce(),
        }
    }

    /// Whether it concerns a one-time code.
    pub fn is_of_one_time_code(&self) -> bool {
        match self {
            Self::Claims { assertion, .. } => assertion.claims().authentication_control.is_some(),
            Self::Fido2(_) => false,
        }
    }

    /// Returns the identity and the credential that the proof claims.
    pub async fn find(
        &self,
        rx: &mut Rx,
        at: ApplicationRef,
    ) -> Result<Option<(Identity, Option<Credential>)>> {
        let realm = at.realm();
        match self {
            Self::Claims {
                identity_id,
                thumbprint,
                ..
            } => {
                let at = realm.identity_id(*identity_id);
                let both = credentials::store::find_by_key_with_owner(rx, at, thumbprint).await?;
                if let Some((identity, credential)) = both {
                    return Ok(Some((identity, Some(credential))));
                }
                let identity = identities::store::find(rx, at).await?;
                Ok(identity.map(|identity| (identity, None)))
            }
            Self::Fido2(assertion) => {
                let id = assertion.credential_id();
                let both =
                    credentials::store::find_by_webauthn_id_with_owner(rx, realm, id).await?;
                Ok(both.map(|(identity, credential)| (identity, Some(credential))))
            }
        }
    }

    /// Verifies the proof with the credential's key, and returns the authenticator's report.
    pub fn verify(
        &self,
        issuer: &Issuer,
        identity: &Identity,
        credential: &Credential,
        now: Timestamp,
    ) -> std::result::Result<Option<WebAuthnFacts>, ProofError> {
        let subject = identity.at().distinguished_name();
        match (self, &credential.origin) {
            (Self::Claims { assertion, .. }, origin) => {
                let expected = AssertionExpectation {
                    subject: &subject,
                    audience: &issuer.endpoint("/bi-authenticate"),
                    now,
                    leeway: assertion::LEEWAY,
                    trusted_origins: issuer.trusted_origins(),
                    credential: match origin {
                        KeyOrigin::Software => ExpectedCredential::Software,
                        KeyOrigin::WebAuthn(facts) => ExpectedCredential::WebAuthn {
                            credential_id: &facts.credential_id,
                            rp_id: &facts.rp_id,
                        },
                    },
                };
                let verified = assertion.verify(&credential.key, &expected)?;
                Ok(verified.webauthn().cloned())
            }
            (Self::Fido2(assertion), KeyOrigin::WebAuthn(facts)) => {
                let expected = Fido2Expectation {
                    challenge: &fido2_challenge(assertion.nonce()),
                    subject: &subject,
                    user_handle: match facts.mechanism {
                        Mechanism::Fido2 => Some(identity.user_handle.as_bytes()),
                        Mechanism::WebAuthn => None,
                    },
                    credential_id: &facts.credential_id,
                    rp_id: &facts.rp_id,
                    trusted_origins: issuer.trusted_origins(),
                };
                assertion.verify(&credential.key, &expected).map(Some)
            }
            (Self::Fido2(_), KeyOrigin::Software) => Err(ProofError::Kind),
        }
    }
}
