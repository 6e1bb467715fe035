//! Group commit: what the closures of one SQLite transaction share, and what they don't.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::{join_all, poll_immediate};
use futures_util::stream::FuturesUnordered;
use tokio::task::JoinHandle;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;
use crate::{DatabaseUrl, Options};

/// Occupies the writer: what is queued until `release` becomes one group.
struct Occupied {
    release: mpsc::Sender<()>,
    occupant: JoinHandle<Result<()>>,
}

impl Occupied {
    async fn new(db: &Db) -> Self {
        let (release, released) = mpsc::channel();
        let released = Mutex::new(released);
        let (entered, mut has_entered) = tokio::sync::mpsc::unbounded_channel();
        let db = db.clone();
        let occupant = tokio::spawn(async move {
            db.write(async move |tx| {
                insert(tx, -1).await?;
                entered.send(()).unwrap();
                released.lock().unwrap().recv().unwrap();
                Ok(())
            })
            .await
        });
        has_entered.recv().await.unwrap();
        Self { release, occupant }
    }

    async fn release(self) {
        self.release.send(()).unwrap();
        self.occupant.await.unwrap().unwrap();
    }
}

/// Runs one closure for each number, all in one group.
async fn in_one_group<F>(db: &Db, size: i64, work: F) -> Vec<Result<()>>
where
    F: AsyncFn(&mut Tx, i64) -> Result<()> + Clone + Send + Sync + 'static,
{
    let occupied = Occupied::new(db).await;
    let mut writes = FuturesUnordered::new();
    for number in 0..size {
        let work = work.clone();
        writes.push(async move {
            (
                number,
                db.write(async move |tx| work(tx, number).await).await,
            )
        });
    }
    assert!(
        poll_immediate(writes.next()).await.is_none(),
        "they are queued"
    );
    occupied.release().await;
    let mut outcomes: Vec<_> = writes.collect().await;
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Those kept besides the occupant's.
async fn others(db: &Db) -> Vec<i64> {
    ids(db).await.into_iter().filter(|id| *id >= 0).collect()
}

#[tokio::test]
async fn twenty_failures_in_a_group_of_two_hundred_undo_themselves_only() {
    let test = fresh_sqlite().await;
    let outcomes = in_one_group(&test, 200, async |tx, id| {
        insert(tx, id).await?;
        if id % 10 == 3 {
            Err(Error::NoRow)
        } else {
            Ok(())
        }
    })
    .await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Err(Error::NoRow))
            .count(),
        20
    );
    let kept: Vec<_> = (0..200).filter(|id| id % 10 != 3).collect();
    assert_eq!(others(&test).await, kept);
}

/// How often closures ran when those whose number is in `refused` wanted their writes undone.
async fn runs(size: i64, refused: &'static [i64]) -> usize {
    let test = fresh_sqlite().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let outcomes = in_one_group(&test, size, async move |tx, id| {
        counted.fetch_add(1, Ordering::Relaxed);
        insert(tx, id).await?;
        if refused.contains(&id) {
            Err(Error::NoRow)
        } else {
            Ok(())
        }
    })
    .await;
    for (id, outcome) in (0..).zip(outcomes) {
        assert_eq!(outcome.is_err(), refused.contains(&id), "{id}");
    }
    runs.load(Ordering::Relaxed)
}

#[tokio::test]
async fn closures_run_once_unless_one_of_the_group_is_to_be_undone() {
    assert_eq!(runs(30, &[]).await, 30);
    assert_eq!(runs(30, &[7, 20]).await, 8 + 30);
    assert_eq!(runs(1, &[0]).await, 1);
}

#[tokio::test]
async fn a_statement_that_ends_the_transaction_ends_its_own_closure_only() {
    let test = fresh_sqlite().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let outcomes = in_one_group(&test, 30, async move |tx, id| {
        counted.fetch_add(1, Ordering::Relaxed);
        insert(tx, id).await?;
        if id == 20 {
            tx.exec("INSERT OR ROLLBACK INTO probe_rows VALUES (-1, 0)", &())
                .await?;
        }
        Ok(())
    })
    .await;
    let refused = Err(Error::Unique {
        constraint: "probe_rows_pkey".to_owned(),
    });
    for (id, outcome) in (0..).zip(outcomes) {
        assert_eq!(
            outcome,
            if id == 20 { refused.clone() } else { Ok(()) },
            "{id}"
        );
    }
    assert_eq!(
        others(&test).await,
        (0..30).filter(|id| *id != 20).collect::<Vec<_>>()
    );
    assert_eq!(
        runs.load(Ordering::Relaxed),
        21 + 30,
        "all ran again, alone"
    );
}

#[tokio::test]
async fn a_failing_commit_fails_every_caller_of_its_group() {
    let test = fresh_sqlite().await;
    let outcomes = in_one_group(&test, 10, async |tx, id| {
        insert(tx, id).await?;
        match id {
            3 => tx
                .exec("INSERT INTO probe_late_children VALUES (1, 99)", &())
                .await
                .map(drop),
            // May have failed because of what is now undone.
            4 => Err(Error::NoRow),
            _ => Ok(()),
        }
    })
    .await;
    for outcome in outcomes {
        assert!(matches!(outcome, Err(Error::Commit(_))), "{outcome:?}");
    }
    assert_eq!(others(&test).await, NONE);
    assert_eq!(test.write(async |tx| insert(tx, 1).await).await, Ok(1));
}

#[tokio::test]
async fn a_full_disk_fails_those_who_do_not_fit_and_heals() {
    let test = fresh_sqlite().await;
    let pages: Result<i64> = test
        .write(async |tx| {
            let pages: i64 = tx.one("PRAGMA page_count", &()).await?;
            tx.one::<i64>("PRAGMA max_page_count = 60", &()).await?;
            Ok(pages)
        })
        .await;
    assert!(pages.clone().unwrap() < 60, "{pages:?}");
    let outcomes = in_one_group(&test, 100, async |tx, id| {
        let token = format!("{id} {}", "x".repeat(3_000));
        tx.exec("INSERT INTO probe_tokens VALUES (1, $1, $2)", &(token, id))
            .await
            .map(drop)
    })
    .await;
    let kept = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(kept < 100);
    let state: Result<(i64, String)> = test
        .read(async |rx| {
            let kept = rx.one("SELECT COUNT(*) FROM probe_tokens", &()).await?;
            Ok((kept, rx.one("PRAGMA integrity_check", &()).await?))
        })
        .await;
    assert_eq!(state, Ok((i64::try_from(kept).unwrap(), "ok".to_owned())));
    test.write(async |tx| {
        tx.one::<i64>("PRAGMA max_page_count = 4294967294", &())
            .await
    })
    .await
    .unwrap();
    assert_eq!(test.write(async |tx| insert(tx, 1).await).await, Ok(1));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_run() {
    let test = fresh_sqlite().await;
    let occupied = Occupied::new(&test).await;
    let mut writes: Vec<_> = (0..100_i64)
        .map(|id| Box::pin(test.write(async move |tx| insert(tx, id).await)))
        .collect();
    for write in &mut writes {
        assert!(poll_immediate(write).await.is_none());
    }
    let mut id = 0;
    writes.retain(|_| {
        id += 1;
        id % 2 == 0
    });
    // Its own caller goes too, but it runs already and is finished.
    occupied.occupant.abort();
    occupied.release.send(()).unwrap();
    assert!(
        join_all(writes)
            .await
            .into_iter()
            .all(|outcome| outcome == Ok(1))
    );
    let kept = (-1..100).filter(|id| id % 2 != 0).collect::<Vec<_>>();
    assert_eq!(ids(&test).await, kept);
}

#[tokio::test]
async fn a_full_queue_is_told_at_once() {
    let test = fresh_sqlite().await;
    let occupied = Occupied::new(&test).await;
    let mut writes: FuturesUnordered<_> = (0..1024)
        .map(|id| test.write(async move |tx| insert(tx, id).await))
        .collect();
    assert!(poll_immediate(writes.next()).await.is_none());
    let refused = poll_immediate(test.write(async |tx| insert(tx, 9999).await)).await;
    assert_eq!(refused, Some(Err(Error::Overloaded)));
    occupied.release().await;
    let outcomes: Vec<_> = writes.collect().await;
    assert!(outcomes.iter().all(|outcome| *outcome == Ok(1)));
    assert_eq!(others(&test).await, (0..1024).collect::<Vec<_>>());
}

#[tokio::test]
async fn somebody_elses_lock_is_told_as_overload_and_nothing_runs() {
    let test = fresh_sqlite().await;
    let DatabaseUrl::Sqlite(path) = &test.options().url else {
        unreachable!()
    };
    let stranger = rusqlite::Connection::open(path).unwrap();
    test.write(async |tx| tx.one::<i64>("PRAGMA busy_timeout = 1", &()).await)
        .await
        .unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let outcome = test
        .write(async move |tx| {
            counted.fetch_add(1, Ordering::Relaxed);
            insert(tx, 1).await
        })
        .await;
    assert_eq!(
        (outcome, runs.load(Ordering::Relaxed)),
        (Err(Error::Overloaded), 0)
    );
    stranger.execute_batch("ROLLBACK").unwrap();
    assert_eq!(test.write(async |tx| insert(tx, 1).await).await, Ok(1));
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_until_there_is_room() {
    let test = fresh_sqlite().await;
    let limit = async |pragma: &'static str| {
        test.write(async move |tx| tx.one::<i64>(pragma, &()).await)
            .await
            .unwrap()
    };
    limit("PRAGMA max_page_count = 1").await; // As many as there are.
    let outcome = fill(&test).await;
    assert!(
        matches!(outcome, Err(Error::OutOfService(_))),
        "{outcome:?}"
    );
    assert_eq!(others(&test).await, NONE);
    limit("PRAGMA max_page_count = 4294967294").await;
    assert_eq!(fill(&test).await, Ok(10_000));
}

async fn fill(test: &TestDb) -> Result<u64> {
    test.write(async |tx| {
        tx.exec(
            "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 10000)
             INSERT INTO probe_rows SELECT id, 0 FROM n",
            &(),
        )
        .await
    })
    .await
}

#[tokio::test]
async fn the_writer_is_durable_and_the_readers_cannot_write() {
    const FULL: i64 = 2;
    let test = fresh_sqlite().await;
    let settings = test
        .write(async |tx| {
            let journal: String = tx.one("PRAGMA journal_mode", &()).await?;
            let synchronous: i64 = tx.one("PRAGMA synchronous", &()).await?;
            let foreign_keys: i64 = tx.one("PRAGMA foreign_keys", &()).await?;
            Ok((journal, synchronous, foreign_keys))
        })
        .await;
    assert_eq!(settings, Ok(("wal".to_owned(), FULL, 1)));
    let sql = "INSERT INTO probe_rows VALUES (1, 0) RETURNING id";
    let refused: Result<i64> = test.read(async |rx| rx.one(sql, &()).await).await;
    assert!(matches!(refused, Err(Error::Other { .. })), "{refused:?}");
}

/// Notes the thread on which each span is entered.
struct Threads(Arc<Mutex<Vec<Option<String>>>>);

impl<S: tracing::Subscriber> Layer<S> for Threads {
    fn on_enter(&self, _: &tracing::span::Id, _: Context<'_, S>) {
        let thread = std::thread::current().name().map(str::to_owned);
        self.0.lock().unwrap().push(thread);
    }
}

#[tokio::test]
async fn the_callers_span_travels_to_the_writer_thread() {
    let test = fresh_sqlite().await;
    let threads = Arc::new(Mutex::new(Vec::new()));
    let subscriber = tracing_subscriber::registry().with(Threads(threads.clone()));
    let _default = tracing::subscriber::set_default(subscriber);
    let span = tracing::info_span!("request");
    let mut write = std::pin::pin!(test.write(async |tx| insert(tx, 1).await));
    std::future::poll_fn(|cx| span.in_scope(|| write.as_mut().poll(cx)))
        .await
        .unwrap();
    let threads = threads.lock().unwrap();
    assert!(
        threads.contains(&Some("sqlite-writer".to_owned())),
        "{threads:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_waited_too_long_does_not_run_any_more() {
    let file = fresh_sqlite().await;
    let patience = Duration::from_millis(200);
    let options = Options {
        patience,
        ..file.options().clone()
    };
    let db = Db::open(&options).unwrap();
    let occupied = Occupied::new(&db).await;
    let asked = Instant::now();
    let mut late = Box::pin(db.write(async |tx| insert(tx, 2).await.map(drop)));
    assert!(poll_immediate(&mut late).await.is_none());
    while asked.elapsed() <= patience {
        tokio::task::yield_now().await;
    }
    occupied.release().await;
    assert_eq!(late.await, Err(Error::Overloaded));
    assert_eq!(ids(&db).await, [-1]);
}
