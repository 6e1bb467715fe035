//! Closing the database.

use std::time::Duration;

use futures_util::future::{join, join_all};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::{DatabaseUrl, Options};

both_dbs!(closing_answers_everybody_and_later_calls_are_refused);

async fn closing_answers_everybody_and_later_calls_are_refused(db: Db) {
    let observer = db.clone();
    let writes = (0..500).map(|id| db.write(async move |tx| insert(tx, id).await));
    let (outcomes, ()) = join(join_all(writes), observer.close()).await;
    for outcome in outcomes {
        assert!(matches!(outcome, Ok(1) | Err(Error::Closed)), "{outcome:?}");
    }
    assert_eq!(
        db.write(async |tx| insert(tx, 1000).await).await,
        Err(Error::Closed)
    );
    let read: Result<()> = db.read(async |_| Ok(())).await;
    assert_eq!(read, Err(Error::Closed));
    assert!(db.scan(async |_| Ok(())).await.is_err());
    assert_eq!(db.health().await, Err(Error::Closed));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_writer_thread_can_be_waited_for() {
    let test = fresh_sqlite().await;
    let db = Db::clone(&test);
    let stopped = tokio::spawn(async move { db.stopped().await });
    test.health().await.unwrap();
    assert!(!stopped.is_finished());
    test.close().await;
    stopped.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_sqlite_finishes_what_is_queued_and_leaves_one_file() {
    let test = fresh_sqlite().await;
    let writes = (0..500).map(|id| test.write(async move |tx| insert(tx, id).await));
    let (outcomes, ()) = join(join_all(writes), test.close()).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Ok(1)));
    let DatabaseUrl::Sqlite(path) = &test.options().url else {
        unreachable!()
    };
    assert!(!path.with_extension("db-wal").exists());
    let reopened = Db::open(test.options()).unwrap();
    assert_eq!(ids(&reopened).await, (0..500).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_dropped_ends_its_writer_thread() {
    let test = fresh_sqlite().await;
    let DatabaseUrl::Sqlite(path) = &test.options().url else {
        unreachable!()
    };
    let db = Db::open(test.options()).unwrap();
    let wal = path.with_extension("db-wal");
    test.close().await;
    assert!(wal.exists(), "the other one is open");
    drop(db);
    // SQLite deletes the file when the last connection is closed.
    timeout(Duration::from_secs(30), async {
        while wal.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_accepts_and_says_nothing_is_given_up_after_the_patience() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://u@{}/keymoor", silent.local_addr().unwrap());
    let options = Options {
        patience: Duration::from_millis(200),
        ..url.parse::<DatabaseUrl>().unwrap().into()
    };
    let db = Db::open(&options).unwrap();
    let health = timeout(Duration::from_secs(20), db.health()).await;
    let outcome = health.expect("it is given up");
    assert!(
        matches!(outcome, Err(Error::OutOfService(_))),
        "{outcome:?}"
    );
}
