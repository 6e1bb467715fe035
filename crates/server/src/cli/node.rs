//! The setup that every command on the data shares.

use std::sync::Arc;

use keymoor_webauthn::AttestationRoots;

use super::outcome::{Failure, Outcome};
use crate::app::{App, Ports, SystemClock, SystemRng};
use crate::attestation_roots;
use crate::base::context::Context;
use crate::base::error::Error;
use crate::base::vault::{MasterKey, Vault};
use crate::config::Config;
use crate::db::{Db, MIGRATIONS};
use crate::infra::mail::{Mailer, NoMailer, SmtpMailer};
use crate::master_key::{self, MasterKeyError};
use crate::slices::{events, provision, tenants};

/// Reads the master key. A missing key of a database in use is `Lost`: `keymoor init` would not
/// replace it.
pub(super) async fn master_key(config: &Config) -> Result<MasterKey, MasterKeyError> {
    match master_key::read(&config.master_key_file) {
        Err(MasterKeyError::Absent(file)) if is_in_use(config).await => {
            Err(MasterKeyError::Lost(file))
        }
        read => read,
    }
}

/// Whether the database can be read and has a tenant.
async fn is_in_use(config: &Config) -> bool {
    let Ok(db) = Db::open_read_only(&config.database()) else {
        return false;
    };
    let first = db.read(tenants::store::first).await;
    db.close().await;
    matches!(first, Ok(Some(_)))
}

/// Converts an error that ends a command, and names the file of a wrong master key.
pub(super) fn failure(config: &Config, error: Error) -> Failure {
    match error {
        Error::Sealed(_) => {
            MasterKeyError::Foreign(config.master_key_file.display().to_string()).into()
        }
        error => error.into(),
    }
}

/// The application over an initialised database, for a command beside the server.
pub(super) async fn opened(config: Config) -> Outcome<App> {
    let key = master_key(&config).await?;
    let db = Db::open(&config.database())?;
    db.require_current_schema(MIGRATIONS).await?;
    let app = app(config, db, key)?;
    provision::master_key_fits(&Context::system(&app))
        .await
        .map_err(|error| failure(&app.config, error))?;
    events::log::enter_cluster(&app.db).await?;
    Ok(app)
}

/// The application over an open, migrated database. The key is wiped once the sealing keys are
/// derived from it.
pub(super) fn app(config: Config, db: Db, key: MasterKey) -> Outcome<App> {
    let rng = Arc::new(SystemRng);
    let mailer: Arc<dyn Mailer> = match config.mail.clone() {
        Some(settings) => Arc::new(SmtpMailer::new(settings)?),
        None => Arc::new(NoMailer),
    };
    let attestation_roots = match &config.attestation_roots {
        Some(path) => attestation_roots::read(path)?,
        None => AttestationRoots::NONE,
    };
    Ok(App::new(Ports {
        db,
        clock: Arc::new(SystemClock),
        rng: rng.clone(),
        vault: Vault::new(&key, rng),
        mailer,
        attestation_roots,
        config,
    }))
}
