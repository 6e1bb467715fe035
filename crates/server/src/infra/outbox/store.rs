//! Rows of `outbox`.

use keymoor_types::Timestamp;

use super::job::{Claim, Entry, Job};
use crate::base::error::Result;
use crate::base::refs::RealmRef;
use crate::db::{Json, Rx, Sql, Tx, record};

/// Writes a job down; it is due at once.
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
    tx.exec(
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

/// Which jobs are due.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Those whose time has come.
    pub by: Timestamp,
    /// And those that would wait for longer than any job does: the clock has been set back since
    /// their time was written down.
    pub or_after: Timestamp,
}

/// Whether any job is due. Like claiming, it looks at all tenants.
pub async fn any_due(rx: &mut Rx, due: Due) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM
        (SELECT 1 FROM outbox WHERE run_at <= $1 OR run_at > $2 LIMIT 1) AS due";
    Ok(rx.one::<i64>(SQL, &(due.by, due.or_after)).await? > 0)
}

/// How many jobs are due, at all tenants.
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

/// Removes a job that is done, also when its lease has passed to another worker meanwhile:
/// that one must not do it again. False: it was gone already.
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

/// Removes a job that will not be done, unless another worker holds it now.
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
