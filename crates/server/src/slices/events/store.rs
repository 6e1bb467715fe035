//! Rows of `events`.

use keymoor_types::Timestamp;

use super::event::Event;
use super::filter::{Filter, Lane};
use super::model::{Place, Recorded, Tally, day_of};
use crate::base::error::Result;
use crate::base::refs::{JobRef, RealmRef};
use crate::db::{Json, Rx, Sql, Tx, record};

record!(Recorded as columns {
    tenant_id,
    realm_id,
    id: "event_id",
    kind,
    outcome,
    actor,
    identity_id,
    resource_id,
    correlation_id,
    details: Json,
    created_at,
    position,
});

record!(Place { position, event_id });

record!(Tally {
    day,
    kind,
    outcome,
    csr_type,
    number,
});

/// The highest position that PostgreSQL's epochs leave to each: 2^44 transactions.
macro_rules! epoch {
    () => {
        "(SELECT epoch * 17592186044416 FROM event_epochs WHERE tenant_id = 0)"
    };
}

macro_rules! insert {
    ($position:expr) => {
        concat!(
            "INSERT INTO events
            (tenant_id, realm_id, event_id, kind, outcome, actor, identity_id, resource_id, correlation_id, details, created_at, day, position)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, ",
            $position,
            ")"
        )
    };
}

pub async fn append(tx: &mut Tx, event: &Event) -> Result<()> {
    const SQL: Sql = Sql {
        sqlite: insert!(
            "COALESCE((SELECT position FROM events WHERE tenant_id = $1 AND realm_id = $2
                ORDER BY position DESC LIMIT 1), 0) + 1"
        ),
        postgres: insert!(concat!(
            epoch!(),
            " + CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)"
        )),
    };
    let details = Json(&event.details);
    tx.post(
        SQL,
        &(
            event.log(),
            event.id,
            event.kind.as_str(),
            event.outcome,
            &event.actor,
            event.subject.identity_id,
            &event.subject.resource,
            &event.correlation_id,
            details,
            event.at,
            day_of(event.at),
        ),
    )
    .await?;
    Ok(())
}

/// A condition of the rows that are complete: no transaction that is still open adds one before the
/// last of them. On SQLite all that are visible are.
macro_rules! complete {
    ($before:expr, $after:expr) => {
        Sql {
            sqlite: concat!($before, $after),
            postgres: concat!(
                $before,
                " AND position < ",
                epoch!(),
                " + CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)",
                $after
            ),
        }
    };
}

/// Reads up to `limit` events of a log after a place, in their order.
pub async fn after(rx: &mut Rx, log: RealmRef, place: Place, limit: i64) -> Result<Vec<Recorded>> {
    const SQL: Sql = complete!(
        concat!(
            "SELECT ",
            columns!(),
            " FROM events WHERE tenant_id = $1 AND realm_id = $2 AND (position, event_id) > ($3, $4)"
        ),
        " ORDER BY position, event_id LIMIT $5"
    );
    Ok(rx.all(SQL, &(log, place, limit)).await?)
}

/// Returns the place of the last of the up to `limit` next events of a log after a place.
pub async fn end_of_next(
    rx: &mut Rx,
    log: RealmRef,
    place: Place,
    limit: i64,
) -> Result<Option<Place>> {
    const SQL: Sql = complete!(
        "SELECT position, event_id FROM (SELECT position, event_id FROM events
          WHERE tenant_id = $1 AND realm_id = $2 AND (position, event_id) > ($3, $4)",
        " ORDER BY position, event_id LIMIT $5) AS next
        ORDER BY position DESC, event_id DESC LIMIT 1"
    );
    Ok(rx.opt(SQL, &(log, place, limit)).await?)
}

macro_rules! tallies {
    ($csr_type:literal, $repeated:literal) => {
        concat!(
            "SELECT day, kind, outcome, csr_type, CAST(SUM(number) AS BIGINT) AS number FROM (
              SELECT day, kind, outcome,
                CASE WHEN kind = 'CredentialChange' THEN ",
            $csr_type,
            " END AS csr_type, CASE WHEN outcome = 'ERROR' THEN COALESCE(",
            $repeated,
            ", 1) ELSE 1 END AS number
              FROM events WHERE tenant_id = $1 AND realm_id = $2
                AND (position, event_id) > ($3, $4) AND (position, event_id) <= ($5, $6)
                AND kind IN ('AuthenticationTransaction', 'CredentialChange', 'CredentialBindingJobChange')
            ) AS counted GROUP BY day, kind, outcome, csr_type"
        )
    };
}

/// Counts the events of a log after a place up to another.
pub async fn tallies(rx: &mut Rx, log: RealmRef, from: Place, to: Place) -> Result<Vec<Tally>> {
    const SQL: Sql = Sql {
        sqlite: tallies!("details ->> '$.csr_type'", "details ->> '$.repeated'"),
        postgres: tallies!(
            "CAST(details AS JSONB) ->> 'csr_type'",
            "CAST(CAST(details AS JSONB) ->> 'repeated' AS BIGINT)"
        ),
    };
    Ok(rx.all(SQL, &(log, from, to)).await?)
}

/// Reads the place of a log's last event.
pub async fn end(rx: &mut Rx, log: RealmRef) -> Result<Option<Place>> {
    const SQL: Sql = complete!(
        "SELECT position, event_id FROM events WHERE tenant_id = $1 AND realm_id = $2",
        " ORDER BY position DESC, event_id DESC LIMIT 1"
    );
    Ok(rx.opt(SQL, &log).await?)
}

/// Begins another epoch if the database is in another cluster than it was.
pub async fn enter_cluster(tx: &mut Tx) -> Result<()> {
    const SQL: Sql = Sql {
        sqlite: "UPDATE event_epochs SET cluster = 0 WHERE tenant_id = 0 AND cluster <> 0",
        postgres: "UPDATE event_epochs SET epoch = epoch + 1, cluster = here.system_identifier
            FROM pg_control_system() AS here
            WHERE tenant_id = 0 AND cluster <> here.system_identifier",
    };
    tx.exec(SQL, &()).await?;
    Ok(())
}

/// Returns the first 1,000 events about a binding job and its mails.
pub async fn of_job(rx: &mut Rx, job: JobRef) -> Result<Vec<Recorded>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM events WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND resource_id = $4
          AND kind IN ('CredentialBindingJobChange', 'EmailStatusChange')
        ORDER BY event_id LIMIT 1000"
    );
    let JobRef {
        tenant_id,
        realm_id,
        identity_id,
        job_id,
    } = job;
    let resource = job_id.to_string();
    Ok(rx
        .all(SQL, &(tenant_id, realm_id, identity_id, resource))
        .await?)
}

macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM events WHERE tenant_id = $1 AND realm_id = $2",
            $($rest),+
        )
    };
}

/// Reads up to `limit` events of a log below a place, newest first.
pub async fn below(rx: &mut Rx, log: RealmRef, place: Place, limit: i64) -> Result<Vec<Recorded>> {
    const SQL: &str = select!(
        " AND (position, event_id) < ($3, $4) ORDER BY position DESC, event_id DESC LIMIT $5"
    );
    Ok(rx.all(SQL, &(log, place, limit)).await?)
}

/// Reads up to `limit` matching events among the next `rows` of a log below a place, newest first.
pub async fn matching_below(
    rx: &mut Rx,
    log: RealmRef,
    place: Place,
    filter: &Filter,
    limit: i64,
    rows: i64,
) -> Result<Vec<Recorded>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM (",
        select!(
            " AND (position, event_id) < ($3, $4) ORDER BY position DESC, event_id DESC LIMIT $5"
        ),
        ") AS recent WHERE (CAST($6 AS TEXT) IS NULL OR kind = $6)
          AND (CAST($7 AS TEXT) IS NULL OR outcome = $7)
          AND (CAST($8 AS TEXT) IS NULL OR actor = $8)
          AND created_at >= $9 AND created_at < $10
        ORDER BY position DESC, event_id DESC LIMIT $11"
    );
    let from = filter.from.unwrap_or(Timestamp::from_micros(i64::MIN));
    let to = filter.to.unwrap_or(Timestamp::from_micros(i64::MAX));
    let (kind, outcome, actor) = (&filter.kind, &filter.outcome, &filter.actor);
    Ok(rx
        .all(
            SQL,
            &(log, place, rows, kind, outcome, actor, from, to, limit),
        )
        .await?)
}

/// Returns up to `limit` places of a log below a place, newest first.
pub async fn places_below(
    rx: &mut Rx,
    log: RealmRef,
    place: Place,
    limit: i64,
) -> Result<Vec<Place>> {
    const SQL: &str = "SELECT position, event_id FROM events
        WHERE tenant_id = $1 AND realm_id = $2 AND (position, event_id) < ($3, $4)
        ORDER BY position DESC, event_id DESC LIMIT $5";
    Ok(rx.all(SQL, &(log, place, limit)).await?)
}

/// Reads up to `limit` events of a lane below a place, newest first.
pub async fn below_in(
    rx: &mut Rx,
    log: RealmRef,
    lane: &Lane,
    place: Place,
    limit: i64,
) -> Result<Vec<Recorded>> {
    const IDENTITY: &str = select!(
        " AND day = $3 AND identity_id = $4 AND (position, event_id) < ($5, $6)
          ORDER BY position DESC, event_id DESC LIMIT $7"
    );
    const FLOW: &str = select!(
        " AND day = $3 AND correlation_id = $4 AND correlation_id >= ''
          AND (position, event_id) < ($5, $6) ORDER BY position DESC, event_id DESC LIMIT $7"
    );
    match lane {
        Lane::Log => below(rx, log, place, limit).await,
        Lane::Identity(day, id) => Ok(rx.all(IDENTITY, &(log, day, id, place, limit)).await?),
        Lane::Flow(day, id) => Ok(rx.all(FLOW, &(log, day, id, place, limit)).await?),
    }
}

/// Returns the day of a log's first event.
pub async fn first_day(rx: &mut Rx, log: RealmRef) -> Result<Option<i64>> {
    const SQL: &str = "SELECT day FROM events WHERE tenant_id = $1 AND realm_id = $2
        ORDER BY position, event_id LIMIT 1";
    Ok(rx.opt(SQL, &log).await?)
}

/// Returns the position of a log's last event.
pub async fn last_position(rx: &mut Rx, log: RealmRef) -> Result<Option<i64>> {
    const SQL: &str = "SELECT position FROM events WHERE tenant_id = $1 AND realm_id = $2
        ORDER BY position DESC, event_id DESC LIMIT 1";
    Ok(rx.opt(SQL, &log).await?)
}

/// Returns position and time of the first event from a position on.
pub async fn from_position(
    rx: &mut Rx,
    log: RealmRef,
    position: i64,
) -> Result<Option<(i64, Timestamp)>> {
    const SQL: &str = "SELECT position, created_at FROM events
        WHERE tenant_id = $1 AND realm_id = $2 AND position >= $3
        ORDER BY position, event_id LIMIT 1";
    Ok(rx.opt(SQL, &(log, position)).await?)
}

/// Reads the event at a place.
pub async fn at(rx: &mut Rx, log: RealmRef, place: Place) -> Result<Option<Recorded>> {
    const SQL: &str = select!(" AND position = $3 AND event_id = $4");
    Ok(rx.opt(SQL, &(log, place)).await?)
}

/// Returns up to `limit` places of a log after a place, oldest first.
pub async fn places_from(
    rx: &mut Rx,
    log: RealmRef,
    place: Place,
    limit: i64,
) -> Result<Vec<Place>> {
    const SQL: &str = "SELECT position, event_id FROM events
        WHERE tenant_id = $1 AND realm_id = $2 AND (position, event_id) > ($3, $4)
        ORDER BY position, event_id LIMIT $5";
    Ok(rx.all(SQL, &(log, place, limit)).await?)
}
