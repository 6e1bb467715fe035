//! The server's shared state: database, time, randomness, secrets, settings.

use std::ops::Deref;
use std::sync::Arc;

use keymoor_types::{Clock, Rng, Timestamp};
use keymoor_webauthn::AttestationRoots;

use crate::base::budget::Budget;
use crate::base::cache::Cache;
use crate::base::limits::Limits;
use crate::base::refs::{ApplicationRef, AuthenticatorConfigRef};
use crate::base::repeats::Repeats;
use crate::base::turns::Turns;
use crate::base::vault::Vault;
use crate::config::Config;
use crate::db::Db;
use crate::infra::mail::Mailer;
use crate::infra::metrics::Metrics;
use crate::slices::applications::model::Application;
use crate::slices::authenticator_configs::model::Effective;
use crate::slices::events::feeds::Feeds;
use crate::slices::keys::KeyRing;
use crate::slices::resource_servers::model::ResourceServerRef;
use crate::slices::tokens::revocations::Revocations;

/// The memory of all unanswered requests together: 7,000 of them, or 900 with the longest body.
const UNFINISHED_BYTES: usize = 64 << 20;

/// The server's shared state. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub vault: Vault,
    pub keys: KeyRing,
    pub applications: Cache<ApplicationRef, Arc<Application>>,
    pub authenticator_configs: Cache<AuthenticatorConfigRef, Arc<Effective>>,
    /// Identifiers of resource servers.
    pub audiences: Cache<ResourceServerRef, Arc<str>>,
    /// Revoked tokens.
    pub revocations: Revocations,
    pub limits: Limits,
    /// The tenants' turns at reads that scan many rows.
    pub scans: Turns,
    /// The memory of unanswered requests.
    pub unfinished: Budget,
    /// Repeated refusals that are not written yet.
    pub repeats: Repeats,
    /// New events, for streams.
    pub feeds: Feeds,
    pub mailer: Arc<dyn Mailer>,
    /// Trusted roots for attestations of new passkeys.
    pub attestation_roots: AttestationRoots,
    pub metrics: Metrics,
    pub config: Config,
}

/// The parts that an [`App`] is built from.
pub struct Ports {
    pub config: Config,
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub vault: Vault,
    pub mailer: Arc<dyn Mailer>,
    pub attestation_roots: AttestationRoots,
}

impl App {
    pub fn new(ports: Ports) -> Self {
        let Ports {
            config,
            db,
            clock,
            rng,
            vault,
            mailer,
            attestation_roots,
        } = ports;
        Self(Arc::new(Parts {
            keys: KeyRing::new(db.clone(), vault.clone(), Arc::clone(&clock)),
            applications: Cache::default(),
            authenticator_configs: Cache::default(),
            audiences: Cache::default(),
            revocations: Revocations::new(db.clone(), Arc::clone(&clock)),
            limits: Limits::new(config.limits),
            scans: Turns::default(),
            repeats: Repeats::default(),
            unfinished: Budget::new(UNFINISHED_BYTES),
            metrics: Metrics::new(&db),
            feeds: Feeds::new(db.clone()),
            mailer,
            attestation_roots,
            db,
            clock,
            rng,
            vault,
            config,
        }))
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the client id of an application that a request has just read.
    pub fn client_id(&self, at: ApplicationRef) -> Option<String> {
        let application = self.applications.get(&at, self.now())?;
        Some(application.client_id.clone())
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
        reason = "the one place that reads ambient randomness"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system's random generator works");
    }
}
