//! What every part of the server is given: database, time, randomness, secrets, settings.

use std::ops::Deref;
use std::sync::Arc;

use keymoor_types::{
    ApplicationId, AuthenticatorConfigId, Clock, RealmId, Rng, TenantId, Timestamp,
};
use keymoor_webauthn::AttestationRoots;

use crate::base::cache::Cache;
use crate::base::limits::Limits;
use crate::base::vault::Vault;
use crate::config::Config;
use crate::db::Db;
use crate::infra::mail::Mailer;
use crate::infra::metrics::Metrics;
use crate::slices::applications::model::Application;
use crate::slices::authenticator_configs::model::Effective;
use crate::slices::keys::KeyRing;
use crate::slices::oidc::audience::Audiences;
use crate::slices::tokens::revocations::Revocations;

/// The server's shared state. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub vault: Vault,
    pub keys: KeyRing,
    pub applications: Cache<(TenantId, RealmId, ApplicationId), Arc<Application>>,
    pub authenticator_configs: Cache<(TenantId, RealmId, AuthenticatorConfigId), Arc<Effective>>,
    pub audiences: Audiences,
    /// Tokens that no longer hold.
    pub revocations: Revocations,
    pub limits: Limits,
    pub mailer: Arc<dyn Mailer>,
    /// What attestations of new passkeys are traced to.
    pub attestation_roots: AttestationRoots,
    pub metrics: Metrics,
    pub config: Config,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The operating system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the ambient clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

/// The cryptographic library's generator, seeded by the operating system.
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that draws ambient randomness"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system's random generator works");
    }
}
