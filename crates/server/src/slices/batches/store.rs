//! Rows of `batches` and `batch_items`.

use keymoor_types::{BatchId, BindingJobId, RealmId, TenantId, Timestamp};

use super::model::{Batch, BatchRef, Item, NewItem, RowError};
use crate::base::error::{Error, Kind, Result};
use crate::base::refs::RealmRef;
use crate::db::{self, Json, Rx, Sql, Tx, record};

record!(Batch as columns {
    tenant_id,
    realm_id,
    id: "batch_id",
    template: Json,
    origin: Json,
    created_at,
    updated_at,
});

record!(Item {
    n,
    identity,
    state,
    binding_job_id,
    error
});

/// Inserts a batch with its items.
pub async fn insert(tx: &mut Tx, batch: &Batch, items: &[NewItem]) -> Result<()> {
    const BATCH: &str = concat!(
        "INSERT INTO batches (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    // One statement, since a batch has up to a thousand items.
    const ITEMS: Sql = Sql {
        sqlite: "INSERT INTO batch_items (tenant_id, realm_id, batch_id, n, identity, state, error)
            SELECT $1, $2, $3, item.key, item.value ->> '$.identity',
              CASE WHEN item.value ->> '$.error' IS NULL THEN 'PENDING' ELSE 'FAILED' END,
              item.value ->> '$.error'
            FROM json_each($4) AS item",
        postgres: "INSERT INTO batch_items (tenant_id, realm_id, batch_id, n, identity, state, error)
            SELECT $1, $2, $3, item.n - 1, item.value ->> 'identity',
              CASE WHEN item.value ->> 'error' IS NULL THEN 'PENDING' ELSE 'FAILED' END,
              item.value ->> 'error'
            FROM json_array_elements(CAST(CAST($4 AS TEXT) AS JSON)) WITH ORDINALITY AS item (value, n)",
    };
    tx.exec(BATCH, &batch).await.map_err(|error| match error {
        db::Error::ForeignKey => Error::not_found(Kind::REALM, batch.realm_id),
        other => other.into(),
    })?;
    tx.exec(ITEMS, &(batch.at(), Json(items))).await?;
    Ok(())
}

pub async fn find(rx: &mut Rx, at: BatchRef) -> Result<Option<Batch>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM batches WHERE tenant_id = $1 AND realm_id = $2 AND batch_id = $3"
    );
    Ok(rx.opt(SQL, &at).await?)
}

/// Returns the items of a batch in their order.
pub async fn items(rx: &mut Rx, at: BatchRef) -> Result<Vec<Item>> {
    const SQL: &str = "SELECT n, identity, state, binding_job_id, error FROM batch_items
        WHERE tenant_id = $1 AND realm_id = $2 AND batch_id = $3 ORDER BY n";
    Ok(rx.all(SQL, &at).await?)
}

/// Returns the number of a realm's pending items.
pub async fn count_pending(rx: &mut Rx, realm: RealmRef) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM batch_items
        WHERE tenant_id = $1 AND realm_id = $2 AND state = 'PENDING'";
    Ok(rx.one(SQL, &realm).await?)
}

/// A pending item with its batch.
pub type Pending = (BatchRef, i64, String);

/// Returns up to `limit` pending items of all tenants, a batch after the other. Starts with the
/// batch that follows `after`, and with the first one if none follows.
pub async fn list_pending(
    rx: &mut Rx,
    after: Option<BatchRef>,
    limit: i64,
) -> Result<Vec<Pending>> {
    const FIRST: &str = "SELECT tenant_id, realm_id, batch_id, n, identity FROM batch_items
        WHERE state = 'PENDING' ORDER BY tenant_id, realm_id, batch_id, n LIMIT $1";
    const NEXT: &str = "SELECT tenant_id, realm_id, batch_id, n, identity FROM batch_items
        WHERE state = 'PENDING' AND (tenant_id, realm_id, batch_id) > ($1, $2, $3)
        ORDER BY tenant_id, realm_id, batch_id, n LIMIT $4";
    let mut rows: Vec<(TenantId, RealmId, BatchId, i64, String)> = match after {
        Some(after) => rx.all(NEXT, &(after, limit)).await?,
        None => Vec::new(),
    };
    if rows.is_empty() {
        rows = rx.all(FIRST, &limit).await?;
    }
    let pending = |(tenant_id, realm_id, batch_id, n, identity)| {
        let at = BatchRef {
            tenant_id,
            realm_id,
            batch_id,
        };
        (at, n, identity)
    };
    Ok(rows.into_iter().map(pending).collect())
}

/// Stores the result of an item: a job or an error. Returns false if it has one already.
pub async fn settle(
    tx: &mut Tx,
    at: BatchRef,
    n: i64,
    result: std::result::Result<BindingJobId, RowError>,
) -> Result<bool> {
    const SQL: &str = "UPDATE batch_items
        SET state = CASE WHEN CAST($5 AS BIGINT) IS NULL THEN 'FAILED' ELSE 'CREATED' END,
            binding_job_id = $5, error = $6
        WHERE tenant_id = $1 AND realm_id = $2 AND batch_id = $3 AND n = $4 AND state = 'PENDING'";
    let (job, error) = (result.ok(), result.err());
    Ok(tx.exec(SQL, &(at, n, job, error)).await? == 1)
}

/// Records that the batch has changed.
pub async fn touch(tx: &mut Tx, at: BatchRef, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE batches SET updated_at = $4
        WHERE tenant_id = $1 AND realm_id = $2 AND batch_id = $3 AND updated_at < $4";
    tx.exec(SQL, &(at, now)).await?;
    Ok(())
}

/// Fails the pending items of a batch. Returns their number.
pub async fn cancel(tx: &mut Tx, at: BatchRef) -> Result<u64> {
    const SQL: &str = "UPDATE batch_items SET state = 'FAILED', error = 'CANCELLED'
        WHERE tenant_id = $1 AND realm_id = $2 AND batch_id = $3 AND state = 'PENDING'";
    Ok(tx.exec(SQL, &at).await?)
}
