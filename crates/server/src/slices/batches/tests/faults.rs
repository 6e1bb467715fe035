//! Batches with several workers, cancellations at any moment, and broken neighbours.

use axum::http::Method;
use serde_json::Value;

use super::{JOBS, Realm, count, mailed, read, work};
use crate::slices::batches::worker::Worker;
use crate::testing::{TestApp, both_apps};

both_apps!(
    workers_that_race_create_each_job_once,
    a_cancellation_that_races_with_workers_leaves_no_half_invitation,
    a_batch_that_always_fails_stops_no_other,
    a_deleted_realm_takes_its_batches_along,
);

const PEOPLE: usize = 70;

/// Lets a worker run until nothing is pending.
fn worker(test: &TestApp) -> tokio::task::JoinHandle<()> {
    let mut worker = Worker::new(test.app.clone());
    tokio::spawn(async move { while worker.run_some().await.unwrap() > 0 {} })
}

/// Asserts that everybody has one job, one mail and one result.
async fn assert_each_invited_once(test: &TestApp, batch: &Value, mails: usize) {
    assert_eq!(batch["state"], "SUCCESS", "{batch}");
    assert_eq!(count(test, JOBS).await, i64::try_from(PEOPLE).unwrap());
    assert_eq!(mails, PEOPLE);
}

async fn workers_that_race_create_each_job_once(test: TestApp) {
    let realm = Realm::new(&test).await;
    let people = realm.people(&test, PEOPLE).await;
    let batch = realm.batch(&test, &people).await;
    for racer in [(); 4].map(|()| worker(&test)) {
        racer.await.unwrap();
    }
    let mails = mailed(&test).await.len();
    assert_each_invited_once(&test, &read(&test, &batch).await, mails).await;
}

/// Only PostgreSQL has several nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_a_batch_and_its_mails() {
    let test = TestApp::postgres().await;
    let node = test.on_copy(test.db.reopened(|_| ()));
    let realm = Realm::new(&test).await;
    let people = realm.people(&test, PEOPLE).await;
    let batch = realm.batch(&test, &people).await;
    for racer in [worker(&test), worker(&node), worker(&test), worker(&node)] {
        racer.await.unwrap();
    }
    tokio::join!(test.run_due_jobs(), node.run_due_jobs());
    let mails = mailed(&test).await.len();
    assert_each_invited_once(&test, &read(&node, &batch).await, mails).await;
}

async fn a_cancellation_that_races_with_workers_leaves_no_half_invitation(test: TestApp) {
    let realm = Realm::new(&test).await;
    let people = realm.people(&test, PEOPLE).await;
    let batch = realm.batch(&test, &people).await;
    let racers = [worker(&test), worker(&test)];
    let cancelled = test
        .manage(Method::POST, &format!("{batch}:cancel"), None)
        .await;
    for racer in racers {
        racer.await.unwrap();
    }
    let after = read(&test, &batch).await;
    let of = |member: &str| after["progress"][member].as_i64().unwrap();
    assert_eq!(of("pending"), 0, "{after}");
    assert_eq!(of("invited") + of("failed"), 70, "{after}");
    // The workers may have finished first. Then there was nothing to cancel.
    let expected = if of("failed") == 0 { 409 } else { 200 };
    assert_eq!(cancelled.status, expected, "{}", cancelled.text);
    assert_eq!(count(&test, JOBS).await, of("invited"));
    let mails = i64::try_from(mailed(&test).await.len()).unwrap();
    assert_eq!(mails, of("invited"));
}

async fn a_batch_that_always_fails_stops_no_other(test: TestApp) {
    let realm = Realm::new(&test).await;
    let people = realm.people(&test, 30).await;
    // The broken one has its turn first, by its id.
    realm.batch(&test, &people).await;
    let write = test.app.db.write(async |tx| {
        tx.exec("UPDATE batches SET template = 'broken'", &())
            .await?;
        Ok(())
    });
    write.await.unwrap();
    let sound = realm.batch(&test, &people).await;
    let mut worker = Worker::new(test.app.clone());
    let mut failures = 0;
    // Two groups of the sound batch, and the broken one's turns between them.
    for _ in 0..4 {
        failures += i32::from(worker.run_some().await.is_err());
    }
    assert_eq!(read(&test, &sound).await["state"], "SUCCESS");
    assert_eq!(failures, 2);
    assert_eq!(mailed(&test).await.len(), 30);
}

async fn a_deleted_realm_takes_its_batches_along(test: TestApp) {
    let realm = Realm::other(&test).await;
    let unknown = ["1", "2", "3"].map(|n| format!("{n:0>16}"));
    realm.batch(&test, &unknown).await;
    let config = format!("{}/authenticator-configs/{}", realm.path, realm.config);
    for path in [&config, &realm.path] {
        test.manage(Method::DELETE, path, None).await.ok_empty();
    }
    work(&test).await;
    for table in [
        "SELECT COUNT(*) FROM batches",
        "SELECT COUNT(*) FROM batch_items",
    ] {
        assert_eq!(count(&test, table).await, 0, "{table}");
    }
}
