//! What a transaction is, whichever database runs it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::*;

both_dbs!(
    writes_may_be_spawned_and_reads_may_borrow,
    of_fifty_racers_for_one_token_exactly_one_wins,
    a_failing_closure_undoes_itself_and_nothing_else,
    a_panic_reaches_its_caller_and_spares_the_neighbours,
    awaiting_something_else_is_an_error_and_undone,
    writing_inside_a_write_is_an_error_and_not_a_deadlock,
    a_swallowed_error_aborts_the_transaction,
    the_layers_own_refusals_abort_the_transaction_too,
    a_statement_dropped_half_way_aborts_the_transaction,
    a_caller_that_goes_away_leaves_no_half_transaction,
);

async fn writes_may_be_spawned_and_reads_may_borrow(db: Db) {
    let (writer, owned) = (db.clone(), 5_i64);
    let spawned = tokio::spawn(async move {
        writer
            .write(async move |tx| {
                tx.exec("INSERT INTO probe_rows VALUES ($1, 0)", &owned)
                    .await?;
                Ok(())
            })
            .await
    });
    spawned.await.unwrap().unwrap();
    let spawned = tokio::spawn(async move {
        let lent = 5_i64;
        let sql = "SELECT value FROM probe_rows WHERE id = $1";
        let read: Option<i64> = db.read(async |rx| rx.opt(sql, &lent).await).await?;
        let scan = db
            .scan(async move |rx| rx.all::<i64>(sql, &owned).await)
            .await?;
        Ok::<_, Error>((read, scan))
    });
    assert_eq!(spawned.await.unwrap().unwrap(), (Some(0), vec![0]));
}

const CLAIM: &str =
    "UPDATE probe_tokens SET owner = $3 WHERE tenant_id = $1 AND token = $2 AND owner IS NULL
     RETURNING owner";

async fn claim(db: &Db, token: String, owner: i64) -> Result<Option<i64>> {
    db.write(async move |tx| tx.opt(CLAIM, &(1_i64, &token, owner)).await)
        .await
}

async fn of_fifty_racers_for_one_token_exactly_one_wins(db: Db) {
    for round in 0..20 {
        let token = format!("token {round}");
        let minted = token.clone();
        db.write(async move |tx| {
            tx.exec("INSERT INTO probe_tokens VALUES (1, $1, NULL)", &minted)
                .await
        })
        .await
        .unwrap();
        let mut race = JoinSet::new();
        for racer in 0..50 {
            let (db, token) = (db.clone(), token.clone());
            race.spawn(async move { claim(&db, token, round * 50 + racer).await });
        }
        let claims = race.join_all().await.into_iter().map(Result::unwrap);
        assert_eq!(claims.flatten().count(), 1, "round {round}");
    }
}

async fn a_failing_closure_undoes_itself_and_nothing_else(db: Db) {
    let writes = (0..200).map(|id| {
        db.write(async move |tx| {
            insert(tx, id).await?;
            if id % 10 == 3 {
                Err(Error::NoRow)
            } else {
                Ok(())
            }
        })
    });
    let failed = join_all(writes)
        .await
        .into_iter()
        .filter(Result::is_err)
        .count();
    assert_eq!(failed, 20);
    let kept: Vec<_> = (0..200).filter(|id| id % 10 != 3).collect();
    assert_eq!(ids(&db).await, kept);
}

async fn a_panic_reaches_its_caller_and_spares_the_neighbours(db: Db) {
    let mut writes = JoinSet::new();
    for id in 0..20 {
        let db = db.clone();
        writes.spawn(async move {
            db.write(async move |tx| {
                insert(tx, id).await?;
                assert_ne!(id, 7, "seven");
                Ok(id)
            })
            .await
        });
    }
    let (mut kept, mut panics) = (Vec::new(), 0);
    while let Some(write) = writes.join_next().await {
        match write {
            Ok(outcome) => kept.push(outcome.unwrap()),
            Err(panicked) => {
                let message = panicked.into_panic().downcast::<String>().unwrap();
                assert!(message.contains("seven"), "{message}");
                panics += 1;
            }
        }
    }
    kept.sort_unstable();
    assert_eq!((kept, panics), (ids(&db).await, 1));
    db.health().await.unwrap();
}

async fn awaiting_something_else_is_an_error_and_undone(db: Db) {
    let outcome = db
        .write(async |tx| {
            insert(tx, 1).await?;
            tokio::task::yield_now().await;
            Ok(())
        })
        .await;
    assert_eq!(outcome, Err(Error::ForeignAwait));
    let outcome: Result<()> = db
        .write(async |tx| {
            insert(tx, 2).await?;
            std::future::pending().await
        })
        .await;
    assert_eq!(outcome, Err(Error::ForeignAwait));
    assert_eq!(ids(&db).await, NONE);
    let outcome: Result<()> = db
        .read(async |rx| {
            rx.one::<i64>("SELECT CAST(1 AS BIGINT)", &()).await?;
            std::future::pending().await
        })
        .await;
    assert_eq!(outcome, Err(Error::ForeignAwait));
}

async fn writing_inside_a_write_is_an_error_and_not_a_deadlock(db: Db) {
    let inner = db.clone();
    let outcome = db
        .write(async move |tx| {
            insert(tx, 1).await?;
            inner.write(async |tx| insert(tx, 2).await).await
        })
        .await;
    assert_eq!(outcome, Err(Error::ForeignAwait));
    assert!(!ids(&db).await.contains(&1));
}

async fn a_swallowed_error_aborts_the_transaction(db: Db) {
    let outcome = db
        .write(async |tx| {
            insert(tx, 1).await?;
            let _swallowed = insert(tx, 1).await;
            Ok(())
        })
        .await;
    assert_eq!(outcome, Err(Error::Aborted));
    let outcome = db
        .write(async |tx| {
            insert(tx, 1).await?;
            let _swallowed = insert(tx, 1).await;
            insert(tx, 2).await
        })
        .await;
    assert_eq!(outcome, Err(Error::Aborted));
    assert_eq!(ids(&db).await, NONE);
}

async fn the_layers_own_refusals_abort_the_transaction_too(db: Db) {
    let outcome = db
        .write(async |tx| {
            insert(tx, 1).await?;
            let _swallowed = tx
                .one::<i64>("SELECT id FROM probe_rows WHERE id = 9", &())
                .await;
            Ok(())
        })
        .await;
    assert_eq!(outcome, Err(Error::Aborted));
    let outcome = db
        .write(async |tx| {
            insert(tx, 1).await?;
            let _swallowed = tx.exec("not SQL", &()).await;
            Ok(())
        })
        .await;
    assert_eq!(outcome, Err(Error::Aborted));
    assert_eq!(ids(&db).await, NONE);
}

async fn a_statement_dropped_half_way_aborts_the_transaction(db: Db) {
    let outcome = db
        .write(async |tx| {
            insert(tx, 1).await?;
            let ready = futures_util::future::poll_immediate(insert(tx, 2)).await;
            // SQLite's statements are never half-way.
            ready.unwrap_or(Ok(0))?;
            Ok(())
        })
        .await;
    match outcome {
        Ok(()) => assert_eq!(ids(&db).await, [1, 2]),
        Err(error) => {
            assert_eq!(error, Error::Aborted);
            assert_eq!(ids(&db).await, NONE);
        }
    }
}

async fn a_caller_that_goes_away_leaves_no_half_transaction(db: Db) {
    let finished = std::sync::Arc::new(AtomicUsize::new(0));
    let writes: Vec<_> = (0..400_i64)
        .map(|pair| {
            let (db, finished) = (db.clone(), finished.clone());
            tokio::spawn(async move {
                db.write(async move |tx| {
                    insert(tx, 2 * pair).await?;
                    insert(tx, 2 * pair + 1).await
                })
                .await
                .unwrap();
                finished.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    while finished.load(Ordering::Relaxed) < 20 {
        tokio::task::yield_now().await;
    }
    for write in writes.iter().step_by(2) {
        write.abort();
    }
    let outcomes = join_all(writes).await;
    // Queued behind whatever still runs for nobody.
    for _ in 0..32 {
        db.health().await.unwrap();
    }
    let kept = ids(&db).await;
    for (pair, outcome) in (0..).zip(outcomes) {
        let found = kept.iter().filter(|id| *id / 2 == pair).count();
        match outcome {
            Ok(()) => assert_eq!(found, 2, "pair {pair} was acknowledged"),
            Err(_) => assert!(matches!(found, 0 | 2), "pair {pair} is half there"),
        }
    }
    none_idle_in_transaction(&db).await;
}

/// Waits until every connection that was given back by a dropped caller has been cleaned.
async fn none_idle_in_transaction(db: &Db) {
    let idle = Sql {
        sqlite: "SELECT 0",
        postgres: "SELECT COUNT(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
    };
    let cleaned = async {
        loop {
            let found: Result<i64> = db.read(async |rx| rx.one(idle, &()).await).await;
            if found.unwrap() == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), cleaned)
        .await
        .expect("connections stay dirty");
}

/// An error that this crate knows nothing of.
#[derive(Debug, PartialEq)]
enum Refusal {
    Database(Error),
    Own,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closure_fails_with_the_error_of_its_caller() {
    for test in [
        testing::fresh_sqlite::<Refusal>(MIGRATIONS).await,
        testing::fresh_postgres::<Refusal>(MIGRATIONS).await,
    ] {
        let own = test.write(async |tx| {
            insert(tx, 1).await?;
            Err::<(), _>(Refusal::Own)
        });
        assert_eq!(own.await, Err(Refusal::Own));
        let twice = test.write(async |tx| {
            insert(tx, 1).await?;
            Ok(insert(tx, 1).await?)
        });
        let constraint = "probe_rows_pkey".to_owned();
        let refused = Refusal::Database(Error::Unique { constraint });
        assert_eq!(twice.await, Err(refused));
        let own = test.read(async |_| Err::<(), _>(Refusal::Own));
        assert_eq!(own.await, Err(Refusal::Own));
        test.close().await;
        let closed = test.scan(async |_| Ok(()));
        assert_eq!(closed.await, Err(Refusal::Database(Error::Closed)));
    }
}
