//! Claims and posts: what they answer, and that they leave nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;

both_dbs!(
    a_claim_and_what_follows_are_kept_together,
    a_claim_that_changes_nothing_says_so_and_keeps_nothing,
    of_fifty_claims_exactly_one_wins,
    a_posts_error_is_its_own,
    a_post_is_seen_by_the_statement_after_it,
    a_failed_claim_before_other_statements_says_so,
    an_error_after_a_claim_undoes_it,
    a_post_alone_is_kept,
    a_claim_alone_is_kept,
);

const CLAIM: &str = "UPDATE probe_rows SET value = $2 WHERE id = $1 AND value = 0";
const CHILD: &str = "INSERT INTO probe_children (id, parent) VALUES ($2, $1)";

/// Claims row 1 and adds two children.
async fn claim(db: &Db, child: i64) -> Result<bool> {
    db.write(async move |tx| {
        if !tx.claim(CLAIM, &(1_i64, child)).await? {
            return Ok(false);
        }
        tx.post(CHILD, &(1_i64, child)).await?;
        tx.post(CHILD, &(1_i64, child + 1)).await?;
        Ok(true)
    })
    .await
}

async fn children(db: &Db) -> Vec<i64> {
    db.read(async |rx| {
        rx.all("SELECT id FROM probe_children ORDER BY id", &())
            .await
    })
    .await
    .unwrap()
}

async fn one_row(db: &Db) {
    db.write(async |tx| insert(tx, 1).await).await.unwrap();
}

async fn a_claim_and_what_follows_are_kept_together(db: Db) {
    one_row(&db).await;
    assert_eq!(claim(&db, 10).await, Ok(true));
    assert_eq!(children(&db).await, [10, 11]);
}

async fn a_claim_that_changes_nothing_says_so_and_keeps_nothing(db: Db) {
    one_row(&db).await;
    claim(&db, 10).await.unwrap();
    // Also where a later statement would fail: child 11 exists.
    assert_eq!(claim(&db, 11).await, Ok(false));
    assert_eq!(claim(&db, 20).await, Ok(false));
    assert_eq!(children(&db).await, [10, 11]);
}

async fn of_fifty_claims_exactly_one_wins(db: Db) {
    one_row(&db).await;
    let claims = (1..=50).map(|n| claim(&db, n * 10));
    let outcomes = join_all(claims).await;
    let won = outcomes.iter().filter(|outcome| **outcome == Ok(true));
    assert_eq!(won.count(), 1);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(children(&db).await.len(), 2);
}

async fn a_posts_error_is_its_own(db: Db) {
    one_row(&db).await;
    for (sql, error) in [
        (
            "INSERT INTO probe_rows (id, value) VALUES (1, 0)",
            "probe_rows_pkey",
        ),
        (
            "INSERT INTO probe_rows (id, value) VALUES (2, -1)",
            "probe_rows_value",
        ),
        (
            "INSERT INTO probe_children (id, parent) VALUES (1, 9)",
            "foreign key",
        ),
        ("INSERT INTO probe_rows (id) VALUES (3)", "probe_rows.value"),
    ] {
        let outcome = db
            .write(async move |tx| {
                let claimed = tx.claim(CLAIM, &(1_i64, 7_i64)).await?;
                assert!(claimed, "it was undone");
                // The closure sees the error where it can say what it means.
                tx.post(sql, &())
                    .await
                    .map_err(|error| Error::Unfit(error.to_string()))?;
                tx.post(CHILD, &(1_i64, 5_i64)).await
            })
            .await;
        assert!(
            matches!(&outcome, Err(Error::Unfit(text)) if text.contains(error)),
            "{outcome:?}"
        );
    }
    assert_eq!(children(&db).await, NONE);
}

async fn a_post_is_seen_by_the_statement_after_it(db: Db) {
    let seen = db.write(async |tx| {
        tx.post("INSERT INTO probe_rows (id, value) VALUES (1, 3)", &())
            .await?;
        tx.one::<i64>("SELECT value FROM probe_rows WHERE id = 1", &())
            .await
    });
    assert_eq!(seen.await, Ok(3));
    assert_eq!(ids(&db).await, [1]);
}

async fn a_failed_claim_before_other_statements_says_so(db: Db) {
    let outcome = db.write(async |tx| {
        let claimed = tx.claim(CLAIM, &(1_i64, 7_i64)).await?;
        insert(tx, 5).await?;
        Ok::<_, Error>(claimed)
    });
    assert_eq!(outcome.await, Ok(false));
    assert_eq!(ids(&db).await, [5], "it is the closure that decides");
}

async fn an_error_after_a_claim_undoes_it(db: Db) {
    one_row(&db).await;
    let outcome: Result<()> = db
        .write(async |tx| {
            tx.claim(CLAIM, &(1_i64, 7_i64)).await?;
            Err(Error::NoRow)
        })
        .await;
    assert_eq!(outcome, Err(Error::NoRow));
    assert_eq!(claim(&db, 10).await, Ok(true));
}

async fn a_post_alone_is_kept(db: Db) {
    let outcome = db.write(async |tx| {
        tx.post("INSERT INTO probe_rows (id, value) VALUES ($1, 0)", &4_i64)
            .await
    });
    assert_eq!(outcome.await, Ok(()));
    assert_eq!(ids(&db).await, [4]);
}

async fn a_claim_alone_is_kept(db: Db) {
    one_row(&db).await;
    for expected in [true, false] {
        let outcome = db.write(async |tx| tx.claim(CLAIM, &(1_i64, 7_i64)).await);
        assert_eq!(outcome.await, Ok(expected));
    }
}

#[tokio::test]
async fn what_is_taken_for_granted_is_one_message_without_begin_and_commit() {
    let test = fresh_postgres().await;
    one_row(&test).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    test.start_recording();
    let outcome = test.write(async move |tx| {
        counted.fetch_add(1, Ordering::Relaxed);
        tx.claim(CLAIM, &(1_i64, 7_i64)).await?;
        tx.post(CHILD, &(1_i64, 5_i64)).await
    });
    outcome.await.unwrap();
    let sent = test.stop_recording().postgres;
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}
