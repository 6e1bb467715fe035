//! Transactions that collide, on PostgreSQL: SQLite has one writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::*;
use crate::DatabaseUrl;

/// A connection that the layer knows nothing of.
async fn stranger(test: &TestDb) -> Client {
    let DatabaseUrl::Postgres(url) = &test.options().url else {
        unreachable!()
    };
    testing::connect(&url.config).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_modify_writes_of_one_row_lose_nothing() {
    let test = testing::fresh_postgres_with(MIGRATIONS, |config| {
        // A slow disk would make the collisions fewer and longer, and prove nothing more.
        config.options("-c default_transaction_isolation=serializable -c synchronous_commit=off");
    })
    .await;
    test.write(async |tx| insert(tx, 1).await).await.unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (db, runs) = (Db::clone(&test), runs.clone());
        tasks.spawn(async move {
            for _ in 0..25 {
                let runs = runs.clone();
                let add_one = async move |tx: &mut Tx| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    let value: i64 = tx
                        .one("SELECT value FROM probe_rows WHERE id = 1", &())
                        .await?;
                    tx.exec(
                        "UPDATE probe_rows SET value = $1 WHERE id = 1",
                        &(value + 1),
                    )
                    .await
                };
                // Sixteen for one row is more than is given up after on a busy machine.
                while db.write(add_one.clone()).await == Err(Error::Conflict) {}
            }
        });
    }
    tasks.join_all().await;
    let sum: Result<i64> = test
        .read(async |rx| rx.one("SELECT value FROM probe_rows", &()).await)
        .await;
    assert_eq!(sum, Ok(400));
    assert!(runs.load(Ordering::Relaxed) > 400, "nothing collided");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_victim_of_a_deadlock_runs_again() {
    let test = testing::fresh_postgres_with(MIGRATIONS, |config| {
        config.options("-c deadlock_timeout=100ms");
    })
    .await;
    test.write(async |tx| {
        insert(tx, 1).await?;
        insert(tx, 2).await
    })
    .await
    .unwrap();
    let stranger = stranger(&test).await;
    // The layer's transaction looks for a deadlock first, and so is the victim.
    stranger
        .batch_execute("SET deadlock_timeout = '1min'; BEGIN")
        .await
        .unwrap();
    stranger
        .batch_execute("UPDATE probe_rows SET value = 20 WHERE id = 2")
        .await
        .unwrap();
    let pid: i32 = stranger
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);

    let runs = Arc::new(AtomicUsize::new(0));
    let (has_first, mut first) = tokio::sync::mpsc::unbounded_channel();
    let counted = runs.clone();
    let db = Db::clone(&test);
    let ours = tokio::spawn(async move {
        db.write(async move |tx| {
            let is_first_run = counted.fetch_add(1, Ordering::Relaxed) == 0;
            let add = "UPDATE probe_rows SET value = value + 1 WHERE id = $1";
            tx.exec(add, &1_i64).await?;
            has_first.send(()).unwrap();
            let waits = "SELECT pg_backend_pid() = ANY (pg_blocking_pids($1))";
            while is_first_run && !tx.one::<bool>(waits, &i64::from(pid)).await? {}
            tx.exec(add, &2_i64).await
        })
        .await
    });
    first.recv().await.unwrap();
    stranger
        .batch_execute("UPDATE probe_rows SET value = 10 WHERE id = 1")
        .await
        .unwrap();
    stranger.batch_execute("COMMIT").await.unwrap();
    assert_eq!(ours.await.unwrap(), Ok(1));
    assert!(runs.load(Ordering::Relaxed) > 1, "there was no deadlock");
    let values: Result<Vec<i64>> = test
        .read(async |rx| {
            rx.all("SELECT value FROM probe_rows ORDER BY id", &())
                .await
        })
        .await;
    assert_eq!(values.unwrap(), [11, 21]);
}

const COLLIDE: &str =
    "DO $$ BEGIN RAISE EXCEPTION 'collided' USING ERRCODE = 'serialization_failure'; END $$";

#[tokio::test]
async fn a_closure_that_always_collides_is_given_up_whatever_it_makes_of_the_error() {
    let test = fresh_postgres().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let outcome = test
        .write(async move |tx| {
            counted.fetch_add(1, Ordering::Relaxed);
            tx.exec(COLLIDE, &()).await.map_err(|_| Error::NoRow)
        })
        .await;
    assert_eq!(outcome, Err(Error::Conflict));
    assert_eq!(runs.load(Ordering::Relaxed), 10);
}

#[tokio::test]
async fn a_collision_at_commit_runs_again() {
    let test = fresh_postgres().await;
    let refuse_twice = "
        CREATE SEQUENCE commits;
        CREATE FUNCTION refuse_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('commits') < 3 THEN
                RAISE EXCEPTION 'collided' USING ERRCODE = 'serialization_failure';
            END IF;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER refuse_twice AFTER INSERT ON probe_rows
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_twice();";
    test.write(async |tx| tx.batch(refuse_twice.into()).await)
        .await
        .unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let outcome = test.write(async move |tx| {
        counted.fetch_add(1, Ordering::Relaxed);
        insert(tx, 1).await
    });
    assert_eq!(outcome.await, Ok(1));
    assert_eq!(runs.load(Ordering::Relaxed), 3);
    assert_eq!(ids(&test).await, [1]);
}

#[tokio::test]
async fn a_refusal_at_commit_is_known_and_undone() {
    let test = fresh_postgres().await;
    let outcome = test
        .write(async |tx| {
            insert(tx, 1).await?;
            tx.exec("INSERT INTO probe_late_children VALUES (1, 9)", &())
                .await
        })
        .await;
    assert_eq!(outcome, Err(Error::ForeignKey));
    assert_eq!(ids(&test).await, NONE);
}

#[tokio::test]
async fn a_connection_lost_before_commit_is_replaced() {
    let test = fresh_postgres().await;
    let kill = "SELECT pg_terminate_backend(pg_backend_pid())";
    let outcome = test
        .write(async move |tx| {
            insert(tx, 1).await?;
            tx.exec(kill, &()).await
        })
        .await;
    assert!(
        matches!(outcome, Err(Error::OutOfService(_))),
        "{outcome:?}"
    );
    assert_eq!(test.write(async |tx| insert(tx, 2).await).await, Ok(1));
    assert_eq!(ids(&test).await, [2]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_out_of_service() {
    let url: DatabaseUrl = "postgres://nobody@127.0.0.1:1/none".parse().unwrap();
    let db = Db::open(&url.into()).unwrap();
    let outcome = db.write(async |tx| insert(tx, 1).await).await;
    let Err(error @ Error::OutOfService(_)) = outcome else {
        panic!("{outcome:?}");
    };
    let text = error.to_string();
    assert_eq!(text.matches("out of service").count(), 1, "{text}");
}
