//! Events over HTTP and from the database, on both databases.

mod api;
mod order;
mod streams;

use keymoor_types::{EventId, RealmId};

use super::log;
use super::model::{Place, Recorded};
use super::{Event, EventKind, append};
use crate::base::error::Error;
use crate::base::refs::RealmRef;
use crate::testing::TestApp;

/// The first tenant's realm of this id.
fn realm(test: &TestApp, id: RealmId) -> RealmRef {
    test.made.tenant.at().realm_id(id)
}

/// Writes an event about a realm in a transaction of its own.
async fn record(test: &TestApp, realm: RealmRef, outcome: &'static str) -> EventId {
    let event = Event::about(&test.context(), realm, EventKind::REALM_CHANGE, outcome);
    written(test, event).await
}

async fn written(test: &TestApp, event: Event) -> EventId {
    let id = event.id;
    test.app
        .db
        .write(async move |tx| append(tx, &event).await)
        .await
        .unwrap();
    id
}

async fn read_after(test: &TestApp, log: RealmRef, place: Place) -> Vec<Recorded> {
    test.app
        .db
        .read(async |rx| Ok::<_, Error>(log::after(rx, log, place, 1_000).await?))
        .await
        .unwrap()
}
