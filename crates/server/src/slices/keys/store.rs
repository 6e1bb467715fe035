//! Rows of `signing_keys`.

use keymoor_types::Timestamp;

use crate::base::error::Result;
use crate::base::refs::{RealmRef, Ref as _};
use crate::db::{self, Rx, Tx, record};

pub(super) struct NewKey {
    pub realm: RealmRef,
    pub kid: String,
    pub algorithm: String,
    pub private_key_sealed: Vec<u8>,
    pub created_at: Timestamp,
}

pub(super) struct KeyRow {
    pub kid: String,
    pub algorithm: String,
    pub private_key_sealed: Vec<u8>,
    pub retired_at: Option<Timestamp>,
}

record!(KeyRow {
    kid,
    algorithm,
    private_key_sealed,
    retired_at
});

/// Inserts `key` unless the realm has a current key of its algorithm. One of two concurrent calls
/// wins.
///
/// # Errors
/// `NotFound` if the realm is missing.
pub(super) async fn insert_unless_current(tx: &mut Tx, key: &NewKey) -> Result<()> {
    const SQL: &str = "INSERT INTO signing_keys (tenant_id, realm_id, kid, algorithm, private_key_sealed, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (tenant_id, realm_id, algorithm) WHERE retired_at IS NULL DO NOTHING";
    let NewKey {
        realm,
        kid,
        algorithm,
        private_key_sealed,
        created_at,
    } = key;
    tx.exec(
        SQL,
        &(*realm, kid, algorithm, private_key_sealed, created_at),
    )
    .await
    .map_err(|error| match error {
        db::Error::ForeignKey => realm.not_found(),
        other => other.into(),
    })?;
    Ok(())
}

pub(super) async fn list(rx: &mut Rx, realm: RealmRef) -> Result<Vec<KeyRow>> {
    const SQL: &str = "SELECT kid, algorithm, private_key_sealed, retired_at
        FROM signing_keys WHERE tenant_id = $1 AND realm_id = $2 ORDER BY created_at DESC, kid";
    Ok(rx.all(SQL, &realm).await?)
}
