//! The states of a binding job and their transitions: pure rules.

use keymoor_types::{
    AuthenticatorConfigId, BatchId, BindingJobId, CredentialId, IdentityId, RealmId, Seconds,
    TenantId, Timestamp,
};
use keymoor_webauthn::PublicKey;
use keymoor_webauthn::proof::VerifiedBinding;
use keymoor_webauthn::registration::VerifiedRegistration;
use serde::{Deserialize, Serialize};

use crate::base::error::{Ending, Result};
use crate::base::names::named;
use crate::base::refs::JobRef;
use crate::base::secret::{Digest, Secret};
use crate::base::validation::Violations;
use crate::slices::authenticator_configs::inline::InlineConfig;
use crate::slices::authenticator_configs::model::{AuthenticationMethod, ConfigBody, permits};
use crate::slices::credentials::model::{Credential, KeyOrigin, Mechanism, WebAuthnKey};

/// The number of failed proofs with the correct token that revokes a job.
pub const MAX_FAILED_PROOFS: i64 = 10;

#[derive(Clone, Debug)]
pub struct BindingJob {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub identity_id: IdentityId,
    pub id: BindingJobId,
    pub delivery_method: DeliveryMethod,
    /// The stored state. The current one is [`BindingJob::state_at`].
    pub stored_state: State,
    pub token_hash: Digest,
    /// `None`: the config came with the job, and is in the snapshot.
    pub authenticator_config_id: Option<AuthenticatorConfigId>,
    pub snapshot: Snapshot,
    pub post_binding_redirect_uri: Option<String>,
    pub failed_proofs: i64,
    pub credential_id: Option<CredentialId>,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Counts the links of the job from 1. Only the last one works.
    pub link_number: i64,
    /// When the current link was created.
    pub link_created_at: Timestamp,
    /// The batch that created the job.
    pub batch_id: Option<BatchId>,
}

/// The config of a new job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChoice {
    Stored(AuthenticatorConfigId),
    Inline(ConfigBody),
}

impl ConfigChoice {
    /// Reads the two members of `envelope` of which exactly one must be present.
    ///
    /// # Errors
    /// Never for wrong fields, which are added to `violations`.
    pub fn read(
        envelope: &str,
        id: Option<&str>,
        inline: Option<InlineConfig>,
        violations: &mut Violations,
    ) -> Result<Option<Self>> {
        let field = format!("{envelope}.authenticator_config_id");
        match (id, inline) {
            (Some(_), Some(_)) => {
                violations.add(field, "can't be combined with authenticator_config");
                Ok(None)
            }
            (None, None) => {
                violations.add(field, "missing");
                Ok(None)
            }
            (None, Some(inline)) => {
                let config = violations.take(envelope, inline.checked())?;
                Ok(config.map(Self::Inline))
            }
            (Some(id), None) => {
                let what = if id.is_empty() {
                    "empty string"
                } else {
                    NO_SUCH_CONFIG
                };
                let read = id.parse().ok();
                if read.is_none() {
                    violations.add(field, what);
                }
                Ok(read.map(Self::Stored))
            }
        }
    }
}

/// What is said of an unknown config.
pub const NO_SUCH_CONFIG: &str = "no such authenticator config";

/// A job as requested.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub delivery_method: DeliveryMethod,
    pub config: ConfigChoice,
    pub post_binding_redirect_uri: Option<String>,
    pub expires_in: Option<Seconds>,
}

/// A job with a new link. Only this value contains the link in clear.
pub struct CreatedJob {
    pub job: BindingJob,
    pub link: Secret,
}

/// The values copied from config and identity when a job is created. Changes of either never
/// redirect an existing link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub invoke_url: Option<String>,
    pub trusted_origins: Vec<String>,
    /// Present only if the config lists methods explicitly. They are then enforced.
    pub methods: Option<Vec<AuthenticationMethod>>,
    /// Where the link is mailed.
    pub address: Option<String>,
    /// The config, if it came with the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<ConfigBody>,
}

impl Snapshot {
    pub fn of(config: &ConfigBody, address: Option<String>) -> Self {
        Self {
            invoke_url: config.invoke_url().map(str::to_owned),
            trusted_origins: config.trusted_origins(),
            methods: config.explicit_methods().map(<[_]>::to_vec),
            address,
            inline: None,
        }
    }

    /// Whether a key of this origin may be bound.
    pub fn permits(&self, origin: &KeyOrigin) -> bool {
        permits(self.methods.as_deref(), origin)
    }

    /// Whether WebAuthn credentials may be bound.
    pub fn permits_webauthn(&self) -> bool {
        let method = AuthenticationMethod::WebauthnPasskey;
        let listed = self.methods.as_ref();
        listed.is_none_or(|methods| methods.contains(&method))
    }
}

named! {
    pub enum DeliveryMethod {
        /// The link is in the answer to the request that creates the job.
        Return = "RETURN",
        /// The link is mailed to the identity's primary address.
        Email = "EMAIL",
    }
}

named! {
    #[schema(as = CredentialBindingJobState)]
    pub enum State {
        /// The link was returned, or is on its way by mail.
        LinkSent = "LINK_SENT",
        /// Something opened the link: a person, or a scanner.
        LinkOpened = "LINK_OPENED",
        /// A device asked what to bind.
        RequestDelivered = "REQUEST_DELIVERED",
        /// A passkey was bound.
        Complete = "COMPLETE",
        /// Nobody bound in time.
        Expired = "EXPIRED",
        /// The mail could not be delivered.
        FailedToSend = "FAILED_TO_SEND",
        /// Withdrawn by an administrator, or after too many failed proofs.
        Revoked = "REVOKED",
    }
}

impl State {
    /// Returns why the link no longer works. `None` while it works.
    pub const fn ending(self) -> Option<Ending> {
        match self {
            Self::Complete => Some(Ending::Complete),
            Self::Expired => Some(Ending::Expired),
            Self::Revoked => Some(Ending::Revoked),
            Self::LinkSent | Self::LinkOpened | Self::RequestDelivered | Self::FailedToSend => None,
        }
    }

    /// Returns the state after `event`. `None`: the event is invalid in this state and changes
    /// nothing.
    ///
    /// The WHERE of the updating statement contains the same conditions. This function is the
    /// specification that they are tested against.
    #[must_use]
    pub const fn after(self, event: Event<'_>) -> Option<Self> {
        match (self, event) {
            (Self::LinkSent, Event::MailGivenUp) => Some(Self::FailedToSend),
            (
                Self::LinkSent | Self::LinkOpened | Self::FailedToSend | Self::Expired,
                Event::Resent,
            ) => Some(Self::LinkSent),
            (Self::LinkSent | Self::FailedToSend, Event::Opened) => Some(Self::LinkOpened),
            (Self::LinkSent | Self::LinkOpened | Self::FailedToSend, Event::InfoRequested) => {
                Some(Self::RequestDelivered)
            }
            (state, event) if state.ending().is_none() => match event {
                Event::Proved(_) => Some(Self::Complete),
                Event::TimePassed => Some(Self::Expired),
                Event::Withdrawn => Some(Self::Revoked),
                Event::Opened | Event::InfoRequested | Event::MailGivenUp | Event::Resent => None,
            },
            _ => None,
        }
    }
}

/// An event in the life of a job.
#[derive(Clone, Copy)]
pub enum Event<'a> {
    /// The link was opened with the correct token.
    Opened,
    /// A device asked for the binding request with the correct token.
    InfoRequested,
    /// A device proved a new key. Only a verifier can create the evidence.
    Proved(&'a VerifiedKey),
    /// The mail was rejected permanently, or the last attempt failed.
    MailGivenUp,
    /// The link was replaced by a new one.
    Resent,
    /// `expires_at` is past.
    TimePassed,
    /// Revoked by an administrator, or by too many failed proofs.
    Withdrawn,
}

/// A key whose possession a device has proved for one job.
pub enum VerifiedKey {
    Software(VerifiedBinding),
    WebAuthn(Mechanism, VerifiedRegistration),
}

impl VerifiedKey {
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Software(binding) => binding.public_key(),
            Self::WebAuthn(_, registration) => registration.public_key(),
        }
    }

    /// Returns what to record about where the key is stored.
    pub fn origin(&self) -> KeyOrigin {
        match self {
            Self::Software(_) => KeyOrigin::Software,
            Self::WebAuthn(mechanism, registration) => {
                KeyOrigin::WebAuthn(WebAuthnKey::of(*mechanism, registration))
            }
        }
    }

    /// Whether `bound` is this key, stored in the same place.
    pub fn became(&self, bound: &Credential) -> bool {
        let is_same_place = match (self.origin(), &bound.origin) {
            (KeyOrigin::Software, KeyOrigin::Software) => true,
            (KeyOrigin::WebAuthn(proved), KeyOrigin::WebAuthn(bound)) => {
                (proved.mechanism, proved.credential_id)
                    == (bound.mechanism, bound.credential_id.clone())
            }
            _ => false,
        };
        is_same_place && self.public_key().thumbprint() == bound.key.thumbprint()
    }
}

impl BindingJob {
    /// Returns its reference.
    pub fn at(&self) -> JobRef {
        JobRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
            identity_id: self.identity_id,
            job_id: self.id,
        }
    }

    /// Returns the state at `now`. Expiry takes effect without being stored.
    pub fn state_at(&self, now: Timestamp) -> State {
        let expired = self.stored_state.ending().is_none() && now >= self.expires_at;
        if expired {
            State::Expired
        } else {
            self.stored_state
        }
    }

    /// Returns how long the current link was to work when it was created.
    pub fn lifetime(&self) -> Seconds {
        // A node of an older version does not record when it creates a link.
        let start = self.link_created_at.max(self.created_at);
        Seconds((self.expires_at.as_micros() - start.as_micros()) / 1_000_000)
    }

    /// Returns the distinguished name that a proof must have as its subject. It is built here and
    /// compared, never parsed.
    pub fn subject(&self) -> String {
        self.at().identity().distinguished_name()
    }
}

#[cfg(test)]
mod tests {
    use keymoor_testkit::SoftwareKey;
    use keymoor_webauthn::proof::{BindingSubject, verify_binding_jws};
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn verified_key() -> VerifiedKey {
        let expected = BindingSubject {
            subject: "CN=I, OU=R, O=T",
            token: "X",
        };
        let proof = SoftwareKey::generate().binding_jws(expected.subject, expected.token);
        VerifiedKey::Software(verify_binding_jws(&proof, &expected).unwrap())
    }

    fn events(key: &VerifiedKey) -> [(&'static str, Event<'_>); 7] {
        [
            ("open", Event::Opened),
            ("info", Event::InfoRequested),
            ("prove", Event::Proved(key)),
            ("mail", Event::MailGivenUp),
            ("resend", Event::Resent),
            ("time", Event::TimePassed),
            ("withdraw", Event::Withdrawn),
        ]
    }

    #[test]
    fn every_state_answers_every_event_as_drawn() {
        let key = verified_key();
        let table: Vec<String> = State::ALL
            .iter()
            .map(|state| {
                let moves = events(&key).map(|(name, event)| {
                    let next = state.after(event).map_or("-", State::as_str);
                    format!("{name}={next}")
                });
                format!("{state}: {}", moves.join(" "))
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        LINK_SENT: open=LINK_OPENED info=REQUEST_DELIVERED prove=COMPLETE mail=FAILED_TO_SEND resend=LINK_SENT time=EXPIRED withdraw=REVOKED
        LINK_OPENED: open=- info=REQUEST_DELIVERED prove=COMPLETE mail=- resend=LINK_SENT time=EXPIRED withdraw=REVOKED
        REQUEST_DELIVERED: open=- info=- prove=COMPLETE mail=- resend=- time=EXPIRED withdraw=REVOKED
        COMPLETE: open=- info=- prove=- mail=- resend=- time=- withdraw=-
        EXPIRED: open=- info=- prove=- mail=- resend=LINK_SENT time=- withdraw=-
        FAILED_TO_SEND: open=LINK_OPENED info=REQUEST_DELIVERED prove=COMPLETE mail=- resend=LINK_SENT time=EXPIRED withdraw=REVOKED
        REVOKED: open=- info=- prove=- mail=- resend=- time=- withdraw=-
        ");
    }

    proptest! {
        #[test]
        fn no_events_reach_complete_without_a_proof_or_leave_it(steps in proptest::collection::vec(0usize..7, 0..40)) {
            let key = verified_key();
            let mut state = State::LinkSent;
            let mut proved = false;
            for step in steps {
                let (_, event) = events(&key)[step];
                let next = state.after(event).unwrap_or(state);
                proved |= next != state && matches!(event, Event::Proved(_));
                prop_assert_eq!(next == State::Complete, proved, "{} to {}", state, next);
                let has_ended = state.ending().is_some();
                let is_revived = state == State::Expired && matches!(event, Event::Resent);
                prop_assert!(!has_ended || is_revived || next == state, "{} was final", state);
                state = next;
            }
        }
    }
}
