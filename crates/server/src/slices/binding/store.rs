//! Rows of `binding_jobs`.

use keymoor_types::{
    BatchId, BindingJobId, CredentialId, IdentityId, RealmId, TenantId, Timestamp,
};

use super::model::{BindingJob, MAX_FAILED_PROOFS, State};
use crate::base::error::{Error, Result};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{IdentitiesRef, IdentityRef, JobRef, RealmRef};
use crate::base::secret::Digest;
use crate::db::{self, Json, Rx, Sql, Tx, record};
use crate::slices::identities::model::Identity;
use crate::slices::identities::store::identity_columns;
use crate::slices::realms::model::Realm;
use crate::slices::realms::store::realm_columns;
use crate::slices::tenants::model::Tenant;
use crate::slices::tenants::store::tenant_columns;

record!(BindingJob as columns {
    tenant_id,
    realm_id,
    identity_id,
    id: "binding_job_id",
    delivery_method,
    stored_state: "state",
    token_hash,
    authenticator_config_id,
    snapshot: Json,
    post_binding_redirect_uri,
    failed_proofs,
    credential_id,
    expires_at,
    created_at,
    updated_at,
    link_number,
    link_created_at,
    batch_id,
});

/// Inserts a new job. `sealed_token` is stored only if the link is still to be mailed.
pub async fn insert(tx: &mut Tx, job: &BindingJob, sealed_token: Option<&[u8]>) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO binding_jobs (",
        columns!(),
        ", token_sealed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
          $17, $18, $19)"
    );
    tx.exec(SQL, &(job, sealed_token)).await.map_err(refused)?;
    Ok(())
}

fn refused(error: db::Error) -> Error {
    match &error {
        db::Error::Unique { constraint }
            if matches!(constraint.as_str(), "binding_jobs_id" | "binding_jobs_pkey") =>
        {
            Error::Collision
        }
        _ => error.into(),
    }
}

/// The statement that reads a job.
macro_rules! select {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM binding_jobs WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4"
        )
    };
}

pub async fn find(rx: &mut Rx, key: JobRef) -> Result<Option<BindingJob>> {
    Ok(rx.opt(select!(), &key).await?)
}

/// Returns a job with its identity.
pub async fn find_with_identity(
    rx: &mut Rx,
    key: JobRef,
) -> Result<Option<(BindingJob, Identity)>> {
    const SQL: &str = concat!(
        "SELECT * FROM (",
        select!(),
        ") AS job, (SELECT ",
        identity_columns!(),
        " FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3) AS identity"
    );
    Ok(rx.opt(SQL, &key).await?)
}

/// Returns a job with all that it belongs to.
pub async fn find_with_owners(rx: &mut Rx, key: JobRef) -> Result<Option<WithOwners>> {
    const SQL: &str = concat!(
        "SELECT * FROM (",
        select!(),
        ") AS job, (SELECT ",
        identity_columns!(),
        " FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3) AS identity, (SELECT ",
        tenant_columns!(),
        " FROM tenants WHERE tenant_id = $1) AS tenant, (SELECT ",
        realm_columns!(),
        " FROM realms WHERE tenant_id = $1 AND realm_id = $2) AS realm"
    );
    Ok(rx.opt(SQL, &key).await?)
}

/// A job with all that it belongs to.
pub type WithOwners = (BindingJob, Identity, Tenant, Realm);

/// Moves a job that was sent to LINK_OPENED. Returns false if it had already moved on.
pub async fn mark_opened(tx: &mut Tx, key: JobRef, token: &Digest, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE binding_jobs SET state = 'LINK_OPENED', updated_at = $6
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4 AND token_hash = $5
          AND state IN ('LINK_SENT', 'FAILED_TO_SEND') AND expires_at > $6";
    step(tx, SQL, key, token, now).await
}

/// Moves a job to REQUEST_DELIVERED. Returns false if it is already there or beyond.
pub async fn mark_delivered(
    tx: &mut Tx,
    key: JobRef,
    token: &Digest,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE binding_jobs SET state = 'REQUEST_DELIVERED', updated_at = $6
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4 AND token_hash = $5
          AND state IN ('LINK_SENT', 'LINK_OPENED', 'FAILED_TO_SEND') AND expires_at > $6";
    step(tx, SQL, key, token, now).await
}

async fn step(
    tx: &mut Tx,
    sql: &'static str,
    key: JobRef,
    token: &Digest,
    now: Timestamp,
) -> Result<bool> {
    Ok(tx.claim(sql, &(key, token, now)).await?)
}

/// Completes a job, for the first caller only. The statement itself checks the token, the state,
/// the expiry, the attempts and the identity's status.
pub async fn claim(
    tx: &mut Tx,
    key: JobRef,
    token: &Digest,
    credential: CredentialId,
    now: Timestamp,
) -> Result<bool> {
    macro_rules! text {
        ($active:literal) => {
            concat!(
                "UPDATE binding_jobs
                SET state = 'COMPLETE', credential_id = $6, token_sealed = NULL, updated_at = $7
                WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4
                  AND token_hash = $5
                  AND state IN ('LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'FAILED_TO_SEND')
                  AND expires_at > $7 AND failed_proofs < $8
                  AND EXISTS (SELECT 1 FROM identities
                    WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND status = 'active'",
                $active,
                ")"
            )
        };
    }
    // Without the lock, PostgreSQL may claim from a snapshot older than a suspension that was
    // acknowledged concurrently. SQLite has one writer.
    const SQL: Sql = Sql {
        sqlite: text!(""),
        postgres: text!(" FOR SHARE"),
    };
    Ok(tx
        .claim(SQL, &(key, token, credential, now, MAX_FAILED_PROOFS))
        .await?)
}

/// Counts a failed proof made with the correct token, and revokes the job at the last allowed one.
/// Returns the new state, or `None` if the job had already ended.
pub async fn count_failed_proof(
    tx: &mut Tx,
    key: JobRef,
    token: &Digest,
    now: Timestamp,
) -> Result<Option<State>> {
    const SQL: &str = "UPDATE binding_jobs
        SET failed_proofs = failed_proofs + 1, updated_at = $6,
            state = CASE WHEN failed_proofs + 1 >= $7 THEN 'REVOKED' ELSE state END,
            token_sealed = CASE WHEN failed_proofs + 1 >= $7 THEN NULL ELSE token_sealed END
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4 AND token_hash = $5
          AND state IN ('LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'FAILED_TO_SEND')
          AND expires_at > $6
        RETURNING state";
    Ok(tx.opt(SQL, &(key, token, now, MAX_FAILED_PROOFS)).await?)
}

/// Revokes a job that has not ended. `None`: it has ended or is missing.
pub async fn revoke(tx: &mut Tx, key: JobRef, now: Timestamp) -> Result<Option<BindingJob>> {
    const SQL: &str = concat!(
        "UPDATE binding_jobs SET state = 'REVOKED', token_sealed = NULL, updated_at = $5
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4
          AND state IN ('LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'FAILED_TO_SEND')
          AND expires_at > $5
        RETURNING ",
        columns!()
    );
    Ok(tx.opt(SQL, &(key, now)).await?)
}

/// Returns the sealed token that is still to be mailed.
pub async fn find_sealed_token(rx: &mut Rx, key: JobRef) -> Result<Option<Vec<u8>>> {
    const SQL: &str = "SELECT token_sealed FROM binding_jobs
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4";
    let sealed: Option<Option<Vec<u8>>> = rx.opt(SQL, &key).await?;
    Ok(sealed.flatten())
}

/// Deletes the sealed token of link number `link`. Its hash stays, so the link still works. The
/// token of a later link stays too.
pub async fn erase_token(tx: &mut Tx, key: JobRef, link: i64) -> Result<()> {
    const SQL: &str = "UPDATE binding_jobs SET token_sealed = NULL
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4
          AND link_number = $5";
    tx.exec(SQL, &(key, link)).await?;
    Ok(())
}

/// Deletes up to 100 tokens of links created before `before`, of all tenants. Returns their number.
pub async fn erase_tokens_before(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    const SQL: &str = "UPDATE binding_jobs SET token_sealed = NULL
        WHERE (tenant_id, realm_id, identity_id, binding_job_id) IN
          (SELECT tenant_id, realm_id, identity_id, binding_job_id FROM binding_jobs
           WHERE token_sealed IS NOT NULL AND link_created_at < $1 AND created_at < $1
           ORDER BY link_created_at LIMIT 100)";
    Ok(tx.exec(SQL, &before).await?)
}

/// Moves a job whose mail of link number `link` was abandoned to FAILED_TO_SEND. Returns false if
/// the link was opened nevertheless or replaced, or the job has ended.
pub async fn mark_failed_to_send(
    tx: &mut Tx,
    key: JobRef,
    link: i64,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE binding_jobs SET state = 'FAILED_TO_SEND', updated_at = $5
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4
          AND state = 'LINK_SENT' AND expires_at > $5 AND link_number = $6";
    let changed = tx.exec(SQL, &(key, now, link)).await?;
    Ok(changed == 1)
}

/// A link to put in the place of a job's current one.
#[derive(Clone)]
pub struct NewLink {
    pub token_hash: Digest,
    /// The sealed token, if the link is to be mailed.
    pub sealed_token: Option<Vec<u8>>,
    pub expires_at: Timestamp,
    /// A link after the second replaces only one that was created by then. `None`: any.
    pub not_after: Option<Timestamp>,
}

/// Replaces the link of a job that is waiting or has expired, and returns the job. `None`: its state
/// forbids it, or its link is too new.
pub async fn replace_link(
    tx: &mut Tx,
    key: JobRef,
    link: &NewLink,
    now: Timestamp,
) -> Result<Option<BindingJob>> {
    const SQL: &str = concat!(
        "UPDATE binding_jobs
        SET state = 'LINK_SENT', token_hash = $6, token_sealed = $7, failed_proofs = 0,
            link_number = link_number + 1, link_created_at = $5, expires_at = $8,
            expiry_swept = (1 = 0), updated_at = $5
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4
          AND (state IN ('LINK_SENT', 'LINK_OPENED', 'FAILED_TO_SEND', 'EXPIRED')
            OR (state = 'REQUEST_DELIVERED' AND expires_at <= $5))
          AND (CAST($9 AS BIGINT) IS NULL OR link_number = 1 OR link_created_at <= $9)
        RETURNING ",
        columns!()
    );
    let NewLink {
        token_hash,
        sealed_token,
        expires_at,
        not_after,
    } = link;
    let params = (key, now, token_hash, sealed_token, expires_at, not_after);
    Ok(tx.opt(SQL, &params).await?)
}

/// Returns up to `limit` jobs of all tenants that have expired by `now` and that the sweep has not
/// looked at since, the earliest first.
pub async fn list_unswept(rx: &mut Rx, now: Timestamp, limit: i64) -> Result<Vec<JobRef>> {
    const SQL: &str = "SELECT tenant_id, realm_id, identity_id, binding_job_id FROM binding_jobs
        WHERE NOT expiry_swept AND expires_at <= $1 ORDER BY expires_at LIMIT $2";
    let rows: Vec<(TenantId, RealmId, IdentityId, BindingJobId)> =
        rx.all(SQL, &(now, limit)).await?;
    let key = |(tenant_id, realm_id, identity_id, job_id)| JobRef {
        tenant_id,
        realm_id,
        identity_id,
        job_id,
    };
    Ok(rows.into_iter().map(key).collect())
}

/// Stores the end of a job that expired while pending. Returns false if it had ended before, or
/// another node's sweep was first.
pub async fn mark_expired(tx: &mut Tx, key: JobRef, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE binding_jobs
        SET expiry_swept = (1 = 1),
            state = CASE WHEN state IN ('LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'FAILED_TO_SEND')
              THEN 'EXPIRED' ELSE state END,
            updated_at = CASE WHEN state IN ('LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'FAILED_TO_SEND')
              THEN $5 ELSE updated_at END,
            token_sealed = NULL
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND binding_job_id = $4
          AND NOT expiry_swept AND expires_at <= $5
        RETURNING state";
    // Only the sweep stores EXPIRED, and it does so for rows that it marks.
    let state: Option<State> = tx.opt(SQL, &(key, now)).await?;
    Ok(state == Some(State::Expired))
}

/// Returns the jobs of an identity whose links work at `now`, oldest first.
pub async fn list_pending(
    rx: &mut Rx,
    identity: IdentityRef,
    now: Timestamp,
) -> Result<Vec<BindingJob>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM binding_jobs WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3
          AND state IN ('LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'FAILED_TO_SEND')
          AND expires_at > $4 ORDER BY binding_job_id LIMIT 100"
    );
    Ok(rx.all(SQL, &(identity, now)).await?)
}

/// The state of a job at `$4`, as [`BindingJob::state_at`] computes it.
macro_rules! state_now {
    () => {
        "(CASE WHEN state IN ('LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'FAILED_TO_SEND') AND expires_at <= $4
          THEN 'EXPIRED' ELSE state END)"
    };
}

/// The filter of every list of jobs, besides `$3`: an identity, or nothing.
macro_rules! matching {
    ($identity:literal) => {
        concat!(
            " FROM binding_jobs WHERE tenant_id = $1 AND realm_id = $2 AND ",
            $identity,
            " AND (CAST($5 AS TEXT) IS NULL OR ",
            state_now!(),
            " = $5) AND (CAST($6 AS TEXT) IS NULL OR delivery_method = $6)"
        )
    };
}

/// Reads a page of the jobs of one identity, or of all identities of a realm.
pub async fn list(
    rx: &mut Rx,
    of: IdentitiesRef,
    page: &PageRequest,
    now: Timestamp,
) -> Result<Page<BindingJob>> {
    // Two statements, since a statement with an optional filter can't use an index on the identity.
    const OF_ONE: [&str; 2] = [
        concat!(
            "SELECT ",
            columns!(),
            matching!("identity_id = $3"),
            " AND binding_job_id > $7 ORDER BY binding_job_id LIMIT $8 OFFSET $9"
        ),
        concat!("SELECT COUNT(*)", matching!("identity_id = $3")),
    ];
    const OF_ALL: [&str; 2] = [
        concat!(
            "SELECT ",
            columns!(),
            matching!("CAST($3 AS BIGINT) IS NULL AND binding_job_id >= 0"),
            " AND binding_job_id > $7 ORDER BY binding_job_id LIMIT $8 OFFSET $9"
        ),
        concat!(
            "SELECT COUNT(*)",
            matching!("CAST($3 AS BIGINT) IS NULL AND binding_job_id >= 0")
        ),
    ];
    let (realm, identity) = (of.realm(), of.one().map(|of| of.identity_id));
    let [rows_sql, count_sql] = if identity.is_some() { OF_ONE } else { OF_ALL };
    let state = page.filtered("state");
    let delivery_method = page.filtered("delivery_method");
    let after = page
        .after::<BindingJobId>()?
        .unwrap_or(BindingJobId::from_i64(-1));
    let jobs = rx
        .all(
            rows_sql,
            &(
                realm,
                identity,
                now,
                state,
                delivery_method,
                after,
                page.limit(),
                page.offset(),
            ),
        )
        .await?;
    let total = rx
        .one(count_sql, &(realm, identity, now, state, delivery_method))
        .await?;
    Ok(page.page(jobs, total, |job: &BindingJob| job.id))
}

/// Returns the number of a batch's jobs in each state at `now`.
pub async fn states_of_batch(
    rx: &mut Rx,
    realm: RealmRef,
    batch: BatchId,
    now: Timestamp,
) -> Result<Vec<(String, i64)>> {
    const SQL: &str = concat!(
        "SELECT state, COUNT(*) FROM (SELECT ",
        state_now!(),
        " AS state FROM binding_jobs WHERE tenant_id = $1 AND realm_id = $2 AND batch_id = $3) AS jobs
        GROUP BY state"
    );
    Ok(rx.all(SQL, &(realm, batch, now)).await?)
}

/// Reads a page of a batch's jobs.
pub async fn list_of_batch(
    rx: &mut Rx,
    realm: RealmRef,
    batch: BatchId,
    page: &PageRequest,
    total: i64,
) -> Result<Page<BindingJob>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM binding_jobs WHERE tenant_id = $1 AND realm_id = $2 AND batch_id = $3
          AND binding_job_id > $4 ORDER BY binding_job_id LIMIT $5 OFFSET $6"
    );
    let after = page
        .after::<BindingJobId>()?
        .unwrap_or(BindingJobId::from_i64(-1));
    let jobs = rx
        .all(SQL, &(realm, batch, after, page.limit(), page.offset()))
        .await?;
    Ok(page.page(jobs, total, |job: &BindingJob| job.id))
}
