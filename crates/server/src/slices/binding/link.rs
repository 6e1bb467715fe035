//! The link of a binding job, and its sealed token until it is mailed.

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::refs::JobRef;
use crate::base::secret::Secret;
use crate::base::vault::Purpose;

/// The context that a sealed link token is bound to.
fn seal_context(key: JobRef) -> Vec<u8> {
    let JobRef {
        tenant_id,
        realm_id,
        identity_id,
        job_id: id,
    } = key;
    format!("{tenant_id}/{realm_id}/{identity_id}/{id}").into_bytes()
}

/// Seals a token for a mail.
pub(super) fn seal_token(app: &App, key: JobRef, token: &Secret) -> Vec<u8> {
    app.vault.seal(
        Purpose::LinkToken,
        &seal_context(key),
        token.expose().as_bytes(),
    )
}

/// Opens a token that was sealed for a mail.
pub(super) fn open_token(app: &App, key: JobRef, sealed: &[u8]) -> Result<Secret> {
    let plain = app
        .vault
        .open(Purpose::LinkToken, &seal_context(key), sealed)
        .map_err(|_| Error::Sealed("a link token".to_owned()))?;
    String::from_utf8(plain.to_vec())
        .map(Secret::new)
        .map_err(Error::internal)
}

/// Returns the link of a job, for a device or a browser to open.
pub(super) fn of(app: &App, key: JobRef, token: &Secret) -> Secret {
    let JobRef {
        tenant_id,
        realm_id,
        identity_id,
        job_id: id,
    } = key;
    let path = format!(
        "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{id}:invokeAuthenticator?token={}",
        token.expose()
    );
    Secret::new(app.config.auth_url.join(&path))
}
