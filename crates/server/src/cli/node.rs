//! What every command that works on the data starts from.

use std::sync::Arc;

use keymoor_webauthn::AttestationRoots;

use super::Outcome;
use crate::app::{App, Parts, SystemClock, SystemRng};
use crate::attestation_roots;
use crate::cache::Cache;
use crate::config::Config;
use crate::db::Db;
use crate::http::limits::Limits;
use crate::keys::KeyRing;
use crate::mail::{Mailer, NoMailer, SmtpMailer};
use crate::metrics::Metrics;
use crate::oidc::audience::Audiences;
use crate::tokens::revocations::Revocations;
use crate::vault::{MasterKey, Vault};

/// The application over an open, migrated database.
pub(super) fn app(config: Config, db: Db, key: &MasterKey) -> Outcome<App> {
    let rng = Arc::new(SystemRng);
    let mailer: Arc<dyn Mailer> = match config.mail.clone() {
        Some(settings) => Arc::new(SmtpMailer::new(settings)?),
        None => Arc::new(NoMailer),
    };
    let attestation_roots = match &config.attestation_roots {
        Some(path) => attestation_roots::read(path)?,
        None => AttestationRoots::NONE,
    };
    Ok(App::new(Parts {
        metrics: Metrics::new(&db),
        db,
        clock: Arc::new(SystemClock),
        rng: rng.clone(),
        vault: Vault::new(key, rng),
        keys: KeyRing::default(),
        applications: Cache::default(),
        authenticator_configs: Cache::default(),
        audiences: Audiences::default(),
        revocations: Revocations::default(),
        limits: Limits::new(config.limits),
        mailer,
        attestation_roots,
        config,
    }))
}
