//! Credentials and their keys.

use keymoor_types::wire::ProofKind;
use keymoor_types::{
    BindingJobId, CredentialId, IdentityId, RealmId, Seconds, TenantId, Timestamp,
};
use keymoor_webauthn::registration::VerifiedRegistration;
use keymoor_webauthn::{AttestationLevel, PublicKey};

use crate::base::names::named;
use crate::base::refs::CredentialRef;

#[derive(Clone, Debug)]
pub struct Credential {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub identity_id: IdentityId,
    pub id: CredentialId,
    pub binding_job_id: BindingJobId,
    pub state: State,
    pub key: PublicKey,
    pub origin: KeyOrigin,
    pub display_name: String,
    /// The hour of the last sign-in.
    pub last_used_at: Option<Timestamp>,
    pub created_from: CreatedFrom,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Credential {
    /// Returns its reference.
    pub const fn at(&self) -> CredentialRef {
        CredentialRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
            identity_id: self.identity_id,
            credential_id: self.id,
        }
    }
}

/// Where the request came from that bound a credential. `None` for credentials of older versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreatedFrom {
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

/// A use of a credential: when, to the hour, and what its authenticator reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    pub hour: Timestamp,
    /// Zero for a software key, as for an authenticator without a counter.
    pub sign_count: u32,
    pub backup_state: bool,
}

/// Returns the start of the hour that contains `at`.
pub fn hour(at: Timestamp) -> Timestamp {
    let into_hour = at.as_seconds().rem_euclid(Seconds::HOUR.0);
    Timestamp::from_seconds(at.as_seconds() - into_hour)
}

/// Where a credential's key is stored, and what its proof at binding stated about that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// A software key, registered with a JWS.
    Software,
    /// A WebAuthn credential.
    WebAuthn(WebAuthnKey),
}

/// A WebAuthn credential, as its registration showed it and its last assertion left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAuthnKey {
    pub mechanism: Mechanism,
    pub credential_id: Vec<u8>,
    pub rp_id: String,
    pub aaguid: [u8; 16],
    pub attestation_format: String,
    pub attestation_level: AttestationLevel,
    pub sign_count: u32,
    pub backup_eligible: bool,
    pub backup_state: bool,
}

/// Who created the options of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The device. The challenge is the link's token, and only the device knows the user handle.
    WebAuthn,
    /// The server. The user handle is the identity's.
    Fido2,
}

impl WebAuthnKey {
    pub fn of(mechanism: Mechanism, registration: &VerifiedRegistration) -> Self {
        Self {
            mechanism,
            credential_id: registration.credential_id().to_vec(),
            rp_id: registration.rp_id().to_owned(),
            aaguid: registration.aaguid(),
            attestation_format: registration.attestation_format().to_owned(),
            attestation_level: registration.attestation_level(),
            sign_count: registration.sign_count(),
            backup_eligible: registration.backup_eligible(),
            backup_state: registration.backup_state(),
        }
    }
}

impl KeyOrigin {
    /// Returns what is known about where the key is stored.
    pub const fn attestation_level(&self) -> AttestationLevel {
        match self {
            Self::Software => AttestationLevel::Unproven,
            Self::WebAuthn(facts) => facts.attestation_level,
        }
    }

    /// Returns the format of the attestation statement, even if unknown. `None` for a software key.
    pub fn attestation_format(&self) -> Option<&str> {
        match self {
            Self::Software => None,
            Self::WebAuthn(facts) => Some(&facts.attestation_format),
        }
    }

    /// Returns the published name of the registration method.
    pub const fn csr_type(&self) -> ProofKind {
        match self {
            Self::Software => ProofKind::Jwt,
            Self::WebAuthn(facts) => match facts.mechanism {
                Mechanism::WebAuthn => ProofKind::Webauthn,
                Mechanism::Fido2 => ProofKind::Fido2,
            },
        }
    }
}

named! {
    #[schema(as = CredentialState)]
    pub enum State {
        Active = "ACTIVE",
        Revoked = "REVOKED",
    }
}
