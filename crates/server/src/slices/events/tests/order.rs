//! The order of events in their log.

use std::time::Duration;

use super::{read_after, realm, record};
use crate::base::error::Error;
use crate::db::testing::TestDb;
use crate::slices::events::log;
use crate::slices::events::model::{self, Place};
use crate::testing::{TestApp, both_apps};
use keymoor_db::testing::HeldTransaction;

both_apps!(
    a_log_is_read_in_the_order_of_its_commits,
    events_of_a_tenant_and_of_its_realms_have_logs_of_their_own,
);

async fn a_log_is_read_in_the_order_of_its_commits(test: TestApp) {
    let log = realm(&test, test.new_realm().await);
    assert_eq!(read_after(&test, log, Place::start()).await, []);
    let mut written = Vec::new();
    for outcome in ["CREATED", "UPDATED", "UPDATED", "DELETED"] {
        // The clock stands still, so the ids have no order.
        written.push(record(&test, log, outcome).await);
    }
    let read = until(&test, log, Place::start(), 4).await;
    let ids: Vec<_> = read.iter().map(|event| event.id).collect();
    assert_eq!(ids, written);
    let rest = read_after(&test, log, read[1].place()).await;
    assert_eq!(rest, read[2..]);
    let end = end(&test.db, log).await;
    assert_eq!(end, read[3].place());
    assert_eq!(read_after(&test, log, end).await, []);
}

async fn events_of_a_tenant_and_of_its_realms_have_logs_of_their_own(test: TestApp) {
    let one = realm(&test, test.new_realm().await);
    let other = realm(&test, keymoor_types::RealmId::from_i64(7));
    let first = record(&test, one, "UPDATED").await;
    let second = record(&test, other, "UPDATED").await;
    for (log, id) in [(one, first), (other, second)] {
        let read = until(&test, log, Place::start(), 1).await;
        assert_eq!((read.len(), read[0].id), (1, id));
    }
    let of_tenant = model::of_tenant(test.made.tenant.at());
    let read = read_after(&test, of_tenant, Place::start()).await;
    assert!(
        read.iter()
            .all(|event| event.id != first && event.id != second)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_skipped_because_its_transaction_commits_late() {
    const HELD: &str = "INSERT INTO events
        (tenant_id, realm_id, event_id, kind, outcome, actor, correlation_id, details, created_at)
        VALUES ($1, $2, '00000000-0000-7000-8000-000000000000', 'V1RealmChange', 'HELD', 'system', 'c', '{}', 1)";
    let test = TestApp::postgres().await;
    let log = realm(&test, test.new_realm().await);
    let before = record(&test, log, "BEFORE").await;
    let place = until(&test, log, Place::start(), 1).await[0].place();
    assert_eq!(place.event_id, before);

    let held = HeldTransaction::begin(test.database()).await;
    assert_eq!(held.exec(HELD, &log).await, 1);
    record(&test, log, "AFTER").await;
    // The later one is committed, but reading it now would skip the other.
    assert_eq!(read_after(&test, log, place).await, []);
    assert_eq!(end(&test.db, log).await, place);

    held.commit_against(tokio::spawn(async {})).await;
    let read = until(&test, log, place, 2).await;
    let outcomes: Vec<_> = read.iter().map(|event| event.outcome.as_str()).collect();
    assert_eq!(outcomes, ["HELD", "AFTER"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_go_on_where_transaction_ids_start_again() {
    const MOVED: &str = "UPDATE event_epochs SET cluster = 1 WHERE tenant_id = 0";
    let test = TestApp::postgres().await;
    let log = realm(&test, test.new_realm().await);
    record(&test, log, "THERE").await;
    let there = until(&test, log, Place::start(), 1).await[0].place();
    test.db
        .write(async |tx| Ok::<_, Error>(tx.exec(MOVED, &()).await?))
        .await
        .unwrap();
    for _ in 0..2 {
        log::enter_cluster(&test.app.db).await.unwrap();
    }
    record(&test, log, "HERE").await;
    let here = until(&test, log, there, 1).await;
    assert_eq!(here[0].outcome, "HERE");
    // One epoch, however often servers start.
    let epochs = here[0].place().position >> 44;
    assert_eq!((there.position >> 44, epochs), (0, 1));
}

async fn end(db: &TestDb, log: crate::base::refs::RealmRef) -> Place {
    db.read(async |rx| log::end(rx, log).await).await.unwrap()
}

/// Reads until there are as many: transactions of other tests on the same server delay them.
async fn until(
    test: &TestApp,
    log: crate::base::refs::RealmRef,
    place: Place,
    number: usize,
) -> Vec<model::Recorded> {
    loop {
        let read = read_after(test, log, place).await;
        if read.len() >= number {
            return read;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
