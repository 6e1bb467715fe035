//! Rows of `outbox`.

use keymoor_types::Timestamp;

use super::job::{Claim, Entry, Job};
use crate::base::error::Result;
use crate::base::refs::RealmRef;
use crate::db::{Json, Rx, Sql, Tx, record};

/// Inserts a job that is due at once.
pub async fn enqueue<J: Job>(tx: &mut Tx, entry: &Entry<J>) -> Result<()> {
    const SQL: &str = "INSERT INTO outbox
        (tenant_id, realm_id, message_id, kind, payload, attempts, run_at, created_at)
        VALUES ($1, $2, $3, $4, $5, 0, $6, $6)";
    let Entry {
        id,
        realm: RealmRef {
            tenant_id,
            realm_id,
        },
        job,
        created_at,
    } = entry;
    tx.post(
        SQL,
        &(tenant_id, realm_id, id, J::KIND, Json(job), created_at),
    )
    .await?;
    Ok(())
}

record!(Claim {
    tenant_id,
    realm_id,
    id: "message_id",
    kind,
    payload,
    attempt: "attempts",
    created_at
});

/// Selects the due jobs.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Jobs whose time has come.
    pub by: Timestamp,
    /// Jobs whose remaining wait exceeds the longest possible one: the clock has been set back
    /// since their time was stored.
    pub or_after: Timestamp,
}

/// Whether any job of any tenant is due.
pub async fn any_due(rx: &mut Rx, due: Due) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM
        (SELECT 1 FROM outbox WHERE run_at <= $1 OR run_at > $2 LIMIT 1) AS due";
    Ok(rx.one::<i64>(SQL, &(due.by, due.or_after)).await? > 0)
}

/// Returns the number of due jobs of all tenants.
pub async fn count_due(rx: &mut Rx, now: Timestamp) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM outbox WHERE run_at <= $1";
    Ok(rx.one(SQL, &now).await?)
}

/// Claims up to `limit` due jobs until `lease_end`, the longest waiting first.
pub async fn claim(tx: &mut Tx, due: Due, lease_end: Timestamp, limit: i64) -> Result<Vec<Claim>> {
    const SQL: Sql = Sql {
        sqlite: "UPDATE outbox SET attempts = attempts + 1, run_at = $2
            WHERE (tenant_id, realm_id, message_id) IN
              (SELECT tenant_id, realm_id, message_id FROM outbox
               WHERE run_at <= $1 OR run_at > $4 ORDER BY run_at LIMIT $3)
            RETURNING tenant_id, realm_id, message_id, kind, payload, attempts, created_at",
        postgres: "WITH due AS MATERIALIZED
              (SELECT tenant_id, realm_id, message_id FROM outbox
               WHERE run_at <= $1 OR run_at > $4 ORDER BY run_at LIMIT $3 FOR UPDATE SKIP LOCKED)
            UPDATE outbox SET attempts = attempts + 1, run_at = $2 FROM due
            WHERE outbox.tenant_id = due.tenant_id AND outbox.realm_id = due.realm_id
              AND outbox.message_id = due.message_id
            RETURNING outbox.tenant_id, outbox.realm_id, outbox.message_id, kind, payload,
              attempts, created_at",
    };
    let Due { by, or_after } = due;
    Ok(tx.all(SQL, &(by, lease_end, limit, or_after)).await?)
}

/// Deletes a completed job, even if its lease has passed to another worker, which must not repeat
/// it. Returns false if it was already deleted.
pub async fn finish(tx: &mut Tx, claim: &Claim) -> Result<bool> {
    const SQL: &str =
        "DELETE FROM outbox WHERE tenant_id = $1 AND realm_id = $2 AND message_id = $3";
    let Claim {
        tenant_id,
        realm_id,
        id,
        ..
    } = claim;
    Ok(tx.exec(SQL, &(tenant_id, realm_id, id)).await? == 1)
}

/// Deletes an abandoned job, unless another worker holds it now.
pub async fn give_up(tx: &mut Tx, claim: &Claim) -> Result<bool> {
    const SQL: &str = "DELETE FROM outbox
        WHERE tenant_id = $1 AND realm_id = $2 AND message_id = $3 AND attempts = $4";
    let Claim {
        tenant_id,
        realm_id,
        id,
        attempt,
        ..
    } = claim;
    Ok(tx.exec(SQL, &(tenant_id, realm_id, id, attempt)).await? == 1)
}

/// Makes a job due again at `run_at`, unless another worker holds it now.
pub async fn postpone(tx: &mut Tx, claim: &Claim, run_at: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE outbox SET run_at = $5
        WHERE tenant_id = $1 AND realm_id = $2 AND message_id = $3 AND attempts = $4";
    let Claim {
        tenant_id,
        realm_id,
        id,
        attempt,
        ..
    } = claim;
    tx.exec(SQL, &(tenant_id, realm_id, id, attempt, run_at))
        .await?;
    Ok(())
}
