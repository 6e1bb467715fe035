//! Logs: the events of a realm, or those of the whole tenant, in the order of their commits.
//!
//! Ids and times of events are set before their transactions, which don't commit in that order. A
//! reader that remembers the last id loses the events of transactions that commit later. So events
//! have a position: on SQLite the number in the log, on PostgreSQL the id of the transaction.
//! [`after`] returns an event only when no open transaction can add one before it. Readers remember
//! the [`Place`] of the last event that they have read, and so lose none and see none twice.
//!
//! On PostgreSQL, an open transaction that has written anything delays all later events until it
//! ends, also if it is another program's in the same cluster.

use super::model::{Place, Recorded, Tally};
use super::store;
use crate::base::error::Result;
use crate::base::refs::RealmRef;
use crate::db::{Db, Rx, Tx};

/// Returns up to `limit` events of `log` after `place`, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn after(rx: &mut Rx, log: RealmRef, place: Place, limit: i64) -> Result<Vec<Recorded>> {
    store::after(rx, log, place, limit).await
}

/// Returns the place after the last of the up to `limit` next events of `log` after `place`. `None`:
/// there is none.
///
/// # Errors
/// When the database fails.
pub async fn end_of_next(
    rx: &mut Rx,
    log: RealmRef,
    place: Place,
    limit: i64,
) -> Result<Option<Place>> {
    store::end_of_next(rx, log, place, limit).await
}

/// Counts the sign-ins, new passkeys and steps of binding jobs of `log` after `from` up to `to`,
/// which [`end_of_next`] returned.
///
/// # Errors
/// When the database fails.
pub async fn tallies(rx: &mut Rx, log: RealmRef, from: Place, to: Place) -> Result<Vec<Tally>> {
    store::tallies(rx, log, from, to).await
}

/// Returns the place after the last event of `log`.
///
/// # Errors
/// When the database fails.
pub async fn end(rx: &mut Rx, log: RealmRef) -> Result<Place> {
    Ok(store::end(rx, log).await?.unwrap_or_else(Place::start))
}

/// Notes the cluster that the database is in. Called before a program writes its first event.
///
/// # Errors
/// When the database fails.
pub async fn enter_cluster(db: &Db) -> Result<()> {
    db.write(async move |tx: &mut Tx| store::enter_cluster(tx).await)
        .await
}
