//! The use cases: count events, read the numbers.

use keymoor_types::{RealmId, TenantId};

use super::model::{Count, Day, Figure, MAX_DAYS};
use super::store;
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::refs::RealmRef;
use crate::db::{self, Rx, Tx};
use crate::slices::events::log;
use crate::slices::events::model::{Place, day_of};
use crate::slices::realms;

/// How many events are counted at a time.
const EVENTS_TOGETHER: i64 = 5_000;
/// How many uncounted events a response includes.
const UNCOUNTED_EVENTS: i64 = 20_000;
/// How many realms are looked up at a time.
const REALMS_TOGETHER: i64 = 200;

/// Counts the new events of all realms.
///
/// # Errors
/// When the database fails. What was counted before stays counted.
pub async fn count(app: &App) -> Result<()> {
    let mut after = (TenantId::from_i64(-1), RealmId::from_i64(-1));
    loop {
        let read = async move |rx: &mut Rx| store::uncounted(rx, after, REALMS_TOGETHER).await;
        let realms = app.db.scan(read).await?;
        let Some(last) = realms.last() else {
            return Ok(());
        };
        after = (last.tenant_id, last.realm_id);
        for realm in realms {
            let mut place = realm.place();
            while let Some(counted) = count_next(app, realm.realm(), place).await? {
                place = counted;
            }
        }
    }
}

/// Counts the next events of a realm after a place. Returns the place after them. `None`: there are
/// none, or another node counts them.
async fn count_next(app: &App, realm: RealmRef, from: Place) -> Result<Option<Place>> {
    let read = async move |rx: &mut Rx| next(rx, realm, from, EVENTS_TOGETHER).await;
    let Some((to, counts)) = app.db.scan(read).await? else {
        return Ok(None);
    };
    let oldest = day_of(app.now()) - MAX_DAYS;
    let write = async move |tx: &mut Tx| {
        match store::claim(tx, realm, from, to).await {
            Ok(true) => {}
            Ok(false) | Err(db::Error::ForeignKey) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        for count in &counts {
            store::add(tx, realm, count).await?;
        }
        store::forget(tx, realm, oldest).await?;
        Ok(Some(to))
    };
    app.db.write(write).await
}

/// Returns what up to `limit` events after a place count for, and the place of the last of them.
async fn next(
    rx: &mut Rx,
    realm: RealmRef,
    from: Place,
    limit: i64,
) -> Result<Option<(Place, Vec<Count>)>> {
    let Some(to) = log::end_of_next(rx, realm, from, limit).await? else {
        return Ok(None);
    };
    let tallies = log::tallies(rx, realm, from, to).await?;
    let counts = tallies.into_iter().filter_map(|tally| {
        let figure = Figure::of(&tally.kind, &tally.outcome, tally.csr_type.as_deref())?;
        Some(Count {
            day: tally.day,
            figure,
            number: tally.number,
        })
    });
    Ok(Some((to, counts.collect())))
}

/// Returns the figures of a realm for the last `days` days including today, oldest first.
///
/// # Errors
/// `NotFound` for the realm.
pub async fn read(ctx: &Context, realm: RealmRef, days: i64) -> Result<Vec<Day>> {
    let today = day_of(ctx.now);
    let read = async move |rx: &mut Rx| {
        realms::ops::require(rx, realm).await?;
        let (place, mut counts) = store::since(rx, realm, today - days + 1).await?;
        if let Some((_, uncounted)) = next(rx, realm, place, UNCOUNTED_EVENTS).await? {
            counts.extend(uncounted);
        }
        Ok(Day::all(today, days, counts))
    };
    ctx.scan(realm.tenant_id, read).await
}
