//! Rows of `outbox`.

use keymoor_types::{OutboxId, RealmId, TenantId, Timestamp};

use super::{NewTask, Task};
use crate::base::error::{Error, Result};
use crate::db::{Json, Rx, Sql, Tx, record};

/// Writes a task down; it is due at once.
pub async fn enqueue(tx: &mut Tx, new: &NewTask) -> Result<()> {
    const SQL: &str = "INSERT INTO outbox
        (tenant_id, realm_id, message_id, kind, payload, attempts, run_at, created_at)
        VALUES ($1, $2, $3, $4, $5, 0, $6, $6)";
    let NewTask {
        id,
        tenant_id,
        realm_id,
        task,
        created_at,
    } = new;
    tx.exec(
        SQL,
        &(tenant_id, realm_id, id, task.kind(), Json(task), created_at),
    )
    .await?;
    Ok(())
}

/// A task that one worker holds until its lease ends.
#[derive(Clone, Debug)]
pub struct Claim {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub id: OutboxId,
    payload: String,
    /// Which attempt this is, counted from 1.
    pub attempt: i64,
    pub created_at: Timestamp,
}

record!(Claim {
    tenant_id,
    realm_id,
    id,
    payload,
    attempt,
    created_at
});

impl Claim {
    pub fn task(&self) -> Result<Task> {
        serde_json::from_str(&self.payload)
            .map_err(|error| Error::internal(format!("unreadable outbox task: {error}")))
    }
}

/// Which tasks are due.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Those whose time has come.
    pub by: Timestamp,
    /// And those that would wait for longer than any task does: the clock has been set back since their
    /// time was written down.
    pub or_after: Timestamp,
}

/// Whether any task is due. Like claiming, it looks at all tenants.
pub async fn any_due(rx: &mut Rx, due: Due) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM
        (SELECT 1 FROM outbox WHERE run_at <= $1 OR run_at > $2 LIMIT 1) AS due";
    Ok(rx.one::<i64>(SQL, &(due.by, due.or_after)).await? > 0)
}

/// How many tasks are due, at all tenants.
pub async fn count_due(rx: &mut Rx, now: Timestamp) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM outbox WHERE run_at <= $1";
    Ok(rx.one(SQL, &now).await?)
}

/// Claims up to `limit` due tasks until `lease_end`, the longest waiting first.
pub async fn claim(tx: &mut Tx, due: Due, lease_end: Timestamp, limit: i64) -> Result<Vec<Claim>> {
    const SQL: Sql = Sql {
        sqlite: "UPDATE outbox SET attempts = attempts + 1, run_at = $2
            WHERE (tenant_id, realm_id, message_id) IN
              (SELECT tenant_id, realm_id, message_id FROM outbox
               WHERE run_at <= $1 OR run_at > $4 ORDER BY run_at LIMIT $3)
            RETURNING tenant_id, realm_id, message_id, payload, attempts, created_at",
        postgres: "WITH due AS MATERIALIZED
              (SELECT tenant_id, realm_id, message_id FROM outbox
               WHERE run_at <= $1 OR run_at > $4 ORDER BY run_at LIMIT $3 FOR UPDATE SKIP LOCKED)
            UPDATE outbox SET attempts = attempts + 1, run_at = $2 FROM due
            WHERE outbox.tenant_id = due.tenant_id AND outbox.realm_id = due.realm_id
              AND outbox.message_id = due.message_id
            RETURNING outbox.tenant_id, outbox.realm_id, outbox.message_id, payload, attempts, created_at",
    };
    let Due { by, or_after } = due;
    Ok(tx.all(SQL, &(by, lease_end, limit, or_after)).await?)
}

/// Removes a task that is done, also when its lease has passed to another worker meanwhile:
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

/// Removes a task that will not be done, unless another worker holds it now.
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

/// Makes a task due again at `run_at`, unless another worker holds it now.
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
