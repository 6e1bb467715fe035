//! A PostgreSQL that accepts everything and no longer answers.

use std::time::{Duration, Instant};

use super::*;
use crate::testing::Relay;

const DEADLINE: Duration = Duration::from_secs(2);

/// Longer than any call may take: a few waits for a connection and for an answer.
const BOUND: Duration = Duration::from_secs(20);

async fn relayed(test: &TestDb) -> (Relay, TestDb) {
    let relay = Relay::to(&test.options().url).await;
    let far = test.reopened(|options| {
        options.url = relay.url();
        options.connections = 1;
        options.deadline = DEADLINE;
        options.patience = DEADLINE;
    });
    (relay, far)
}

/// Runs until it works, which on a busy machine may take more than the deadline.
async fn reconnect(db: &Db) {
    let began = Instant::now();
    while db.health().await.is_err() {
        assert!(began.elapsed() < BOUND * 3, "it never works again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_ends_when_a_statement_is_not_answered() {
    let test = fresh_postgres().await;
    let (relay, far) = relayed(&test).await;
    for call in ["read", "exec", "post", "health", "connect"] {
        reconnect(&far).await;
        relay.fall_silent();
        let began = Instant::now();
        let outcome = match call {
            "read" => {
                far.read(async |rx| rx.one::<i64>("SELECT 1", &()).await.map(drop))
                    .await
            }
            "exec" => far.write(async |tx| insert(tx, 1).await.map(drop)).await,
            "post" => {
                let sql = "INSERT INTO probe_rows VALUES (7, 0)";
                far.write(async move |tx| tx.post(sql, &()).await).await
            }
            "connect" => {
                // The first call gives up the connection, so the second needs another.
                let _given_up = far.health().await;
                far.health().await
            }
            _ => far.health().await,
        };
        assert!(began.elapsed() < BOUND, "{call}");
        assert!(
            matches!(outcome, Err(Error::OutOfService(_))),
            "{call}: {outcome:?}"
        );
        relay.speak();
    }
    reconnect(&far).await;
    assert_eq!(ids(&test).await, NONE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_outcome_of_a_commit_that_is_not_answered_is_unknown() {
    let test = fresh_postgres().await;
    let (relay, far) = relayed(&test).await;
    let relay = std::sync::Arc::new(relay);
    // By COMMIT after other statements, and by a lone statement that was prepared before.
    let sql = "INSERT INTO probe_rows (id, value) VALUES ($1, 0)";
    reconnect(&far).await;
    far.write(async move |tx| tx.post(sql, &1_i64).await)
        .await
        .unwrap();
    for is_posted in [false, true] {
        reconnect(&far).await;
        // Its connection has the statement prepared.
        let id = if is_posted { 2_i64 } else { 3 };
        far.write(async move |tx| tx.post(sql, &id).await)
            .await
            .unwrap();
        let silenced = relay.clone();
        let outcome = far
            .write(async move |tx| {
                if is_posted {
                    tx.post(sql, &20_i64).await?;
                } else {
                    insert(tx, 30).await?;
                }
                silenced.fall_silent();
                Ok::<_, Error>(())
            })
            .await;
        assert!(matches!(outcome, Err(Error::Commit(_))), "{outcome:?}");
        relay.speak();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_may_take_longer_than_the_deadline() {
    const SLOW: &[Migration] = &[Migration {
        version: 1,
        name: "0001_slow",
        sql: Sql {
            sqlite: "",
            postgres: "SELECT pg_sleep(3)",
        },
    }];
    let test = testing::empty_postgres::<Error>().await;
    let (_relay, far) = relayed(&test).await;
    reconnect(&far).await;
    // The statements around it have the usual deadline, which a busy machine may miss.
    let began = Instant::now();
    while let Err(error) = far.migrate(SLOW).await {
        assert!(
            matches!(error, Error::OutOfService(_) | Error::Overloaded),
            "{error}"
        );
        assert!(began.elapsed() < BOUND * 3, "it never works");
    }
    assert_eq!(far.schema_version().await, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_do_not_arrive_are_refused_with_the_reason() {
    let test = fresh_postgres().await;
    // A pooler that is told to ignore the settings.
    let far = test.reopened(|options| {
        let crate::DatabaseUrl::Postgres(url) = &mut options.url else {
            unreachable!("it is PostgreSQL")
        };
        url.config.options("-c keymoor.session=");
    });
    for outcome in [
        far.check_server().await,
        far.require_current_schema(MIGRATIONS).await,
        far.migrate(MIGRATIONS).await.map(drop),
    ] {
        assert!(
            matches!(&outcome, Err(Error::Unfit(why)) if why.contains("PgBouncer")),
            "{outcome:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_read_leaves_its_statement_to_nobody() {
    let test = fresh_postgres().await;
    let single = test.reopened(|options| options.connections = 1);
    let slow = single.read(async |rx| {
        let sql = "SELECT CAST(1 AS BIGINT) FROM pg_sleep(120)";
        rx.one::<i64>(sql, &()).await
    });
    let dropped = tokio::time::timeout(Duration::from_millis(200), slow).await;
    assert!(dropped.is_err());
    let next = single.read(async |rx| rx.one::<i64>("SELECT CAST(1 AS BIGINT)", &()).await);
    assert_eq!(next.await.unwrap(), 1);
}
