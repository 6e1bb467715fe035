//! Rows of `statistics` and `statistics_places`.

use keymoor_types::{EventId, RealmId, TenantId};

use super::model::{Count, Figure};
use crate::base::error::Result;
use crate::base::refs::RealmRef;
use crate::db::{self, Rx, Tx, record};
use crate::slices::events::model::Place;

/// A realm with events that are not counted, and the place up to which they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncounted {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    position: i64,
    event_id: EventId,
}

record!(Uncounted {
    tenant_id,
    realm_id,
    position,
    event_id,
});

impl Uncounted {
    pub const fn realm(&self) -> RealmRef {
        RealmRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
        }
    }

    pub const fn place(&self) -> Place {
        Place::of(self.position, self.event_id)
    }
}

/// Reads up to `limit` realms of all tenants, after one, with events that are not counted. Each
/// realm costs two look-ups.
pub async fn uncounted(
    rx: &mut Rx,
    (tenant, realm): (TenantId, RealmId),
    limit: i64,
) -> Result<Vec<Uncounted>> {
    // The subquery is not an EXISTS: PostgreSQL would join that with all events.
    const SQL: &str = "SELECT tenant_id, realm_id, position, event_id FROM (
          SELECT r.tenant_id AS tenant_id, r.realm_id AS realm_id,
            COALESCE(p.position, $3) AS position, COALESCE(p.event_id, $4) AS event_id
          FROM realms r LEFT JOIN statistics_places p
            ON p.tenant_id = r.tenant_id AND p.realm_id = r.realm_id
          WHERE (r.tenant_id, r.realm_id) > ($1, $2)) AS counted
        WHERE (SELECT e.position FROM events e
            WHERE e.tenant_id = counted.tenant_id AND e.realm_id = counted.realm_id
              AND (e.position, e.event_id) > (counted.position, counted.event_id)
            ORDER BY e.position, e.event_id LIMIT 1) IS NOT NULL
        ORDER BY tenant_id, realm_id LIMIT $5";
    Ok(rx.all(SQL, &(tenant, realm, Place::start(), limit)).await?)
}

/// Moves the place up to which a realm's events are counted, from `from` to `to`. Returns false if
/// it isn't `from` any more: another node counted them.
///
/// # Errors
/// `ForeignKey` if the realm doesn't exist any more.
pub async fn claim(tx: &mut Tx, realm: RealmRef, from: Place, to: Place) -> db::Result<bool> {
    const SQL: &str = "INSERT INTO statistics_places (tenant_id, realm_id, position, event_id)
        VALUES ($1, $2, $5, $6)
        ON CONFLICT (tenant_id, realm_id) DO UPDATE
          SET position = excluded.position, event_id = excluded.event_id
          WHERE statistics_places.position = $3 AND statistics_places.event_id = $4";
    Ok(tx.exec(SQL, &(realm, from, to)).await? == 1)
}

pub async fn add(tx: &mut Tx, realm: RealmRef, count: &Count) -> Result<()> {
    const SQL: &str = "INSERT INTO statistics (tenant_id, realm_id, day, figure, number)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id, realm_id, day, figure)
          DO UPDATE SET number = statistics.number + excluded.number";
    let Count {
        day,
        figure,
        number,
    } = count;
    tx.exec(SQL, &(realm, day, figure, number)).await?;
    Ok(())
}

/// Deletes the numbers of a realm before a day.
pub async fn forget(tx: &mut Tx, realm: RealmRef, before: i64) -> Result<()> {
    const SQL: &str = "DELETE FROM statistics WHERE tenant_id = $1 AND realm_id = $2 AND day < $3";
    tx.exec(SQL, &(realm, before)).await?;
    Ok(())
}

struct Row {
    position: i64,
    event_id: EventId,
    day: Option<i64>,
    figure: Option<Figure>,
    number: Option<i64>,
}

record!(Row {
    position,
    event_id,
    day,
    figure,
    number,
});

/// Reads the numbers of a realm since a day, and the place of the last event that they count.
pub async fn since(rx: &mut Rx, realm: RealmRef, day: i64) -> Result<(Place, Vec<Count>)> {
    // One statement, since another would see what was counted meanwhile.
    const SQL: &str = "SELECT p.position AS position, p.event_id AS event_id, s.day AS day,
          s.figure AS figure, s.number AS number
        FROM statistics_places p LEFT JOIN statistics s
          ON s.tenant_id = p.tenant_id AND s.realm_id = p.realm_id AND s.day >= $3
        WHERE p.tenant_id = $1 AND p.realm_id = $2";
    let rows: Vec<Row> = rx.all(SQL, &(realm, day)).await?;
    let place = rows
        .first()
        .map(|row| Place::of(row.position, row.event_id));
    let counts = rows.into_iter().filter_map(|row| {
        Some(Count {
            day: row.day?,
            figure: row.figure?,
            number: row.number?,
        })
    });
    Ok((place.unwrap_or_else(Place::start), counts.collect()))
}
