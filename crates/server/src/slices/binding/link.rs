//! The link of a binding job, and its sealed token until it is mailed.

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::refs::JobRef;
use crate::base::secret::Secret;
use crate::base::vault::Purpose;

/// Seals a token for a mail.
pub(super) fn seal_token(app: &App, key: JobRef, token: &Secret) -> Vec<u8> {
    app.vault.seal(
        Purpose::LinkToken,
        key.to_string().as_bytes(),
        token.expose().as_bytes(),
    )
}

/// Opens a token that was sealed for a mail.
pub(super) fn open_token(app: &App, key: JobRef, sealed: &[u8]) -> Result<Secret> {
    let plain = app
        .vault
        .open(Purpose::LinkToken, key.to_string().as_bytes(), sealed)
        .map_err(|_| Error::Sealed("a link token".to_owned()))?;
    String::from_utf8(plain.to_vec())
        .map(Secret::new)
        .map_err(Error::internal)
}

/// Returns the published form of a job's link, which every SDK recognises.
pub(super) fn of(app: &App, key: JobRef, token: &Secret) -> Secret {
    with_separator(app, key, ':', token)
}

/// Returns the form of a job's link that is mailed. Mail clients end a link at a colon in its path, or
/// escape it. A browser opens this form like the other, and is redirected to the application.
pub(super) fn mailed(app: &App, key: JobRef, token: &Secret) -> Secret {
    with_separator(app, key, '/', token)
}

fn with_separator(app: &App, key: JobRef, separator: char, token: &Secret) -> Secret {
    let JobRef {
        tenant_id,
        realm_id,
        identity_id,
        job_id: id,
    } = key;
    let path = format!(
        "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{id}{separator}invokeAuthenticator?token={}",
        token.expose()
    );
    Secret::new(app.config.auth_url.join(&path))
}
