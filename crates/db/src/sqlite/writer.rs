//! The writer thread: runs queued closures inside one transaction, commits once, then answers every
//! caller. If a closure wants its own writes rolled back, all run again, each in a SAVEPOINT.
//!
//! Durable commits wait for the disk. Sharing that wait is why SQLite is fast here.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};
use tracing::{Span, error, warn};

use super::connection;
use super::inbox::Inbox;
use crate::error::{Error, Result};
use crate::foreign_await::poll_once;
use crate::statement::{Conn, Tx};
use crate::stats::Stats;

const GROUP: usize = 256;

/// The handle on the writer thread.
pub(crate) struct Writer {
    /// Once it is closed, the thread empties it and ends.
    inbox: Arc<Inbox<Box<dyn Job>>>,
    /// Its sender lives as long as the thread.
    alive: watch::Receiver<()>,
    /// How long a closure may wait in the queue.
    patience: Duration,
}

impl Writer {
    pub(super) fn start(path: &Path, patience: Duration, stats: Stats) -> Result<Self> {
        let tx = Tx::new(Conn::Sqlite(connection::open_to_write(path)?));
        let inbox = Arc::new(Inbox::new());
        let queue = Arc::clone(&inbox);
        let (lifeline, alive) = watch::channel(());
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                let _lifeline = lifeline;
                let inbox = Arc::clone(&queue);
                let writing = AssertUnwindSafe(|| Loop { tx, queue, stats }.run());
                if catch_unwind(writing).is_err() {
                    // From here on writes fail as closed, and readiness fails.
                    error!("the SQLite writer thread died");
                }
                inbox.abandon();
            })
            .map_err(Error::driver)?;
        Ok(Self {
            inbox,
            alive,
            patience,
        })
    }

    /// Returns a writer that rejects every write.
    pub(super) fn none() -> Self {
        let inbox = Inbox::new();
        inbox.close();
        Self {
            inbox: Arc::new(inbox),
            alive: watch::channel(()).1,
            patience: Duration::ZERO,
        }
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = WriteJob {
            work,
            outcome: None,
            reply,
            deadline: Instant::now() + self.patience,
            span: Span::current(),
        };
        self.inbox.put(Box::new(job)).await?;
        match answer.await {
            Ok(Outcome::Returned(outcome)) => outcome,
            Ok(Outcome::Panicked(payload)) => resume_unwind(payload),
            Err(_) => Err(Error::Commit("the writer thread died".to_owned()).into()),
        }
    }

    pub(crate) fn queue_length(&self) -> usize {
        self.inbox.len()
    }

    pub(super) async fn close(&self) {
        self.inbox.close();
        self.stopped().await;
    }

    /// Waits for the end of the thread.
    pub(crate) async fn stopped(&self) {
        // Nothing is ever sent: this fails when the thread ends.
        let _ended = self.alive.clone().changed().await;
    }
}

impl Drop for Writer {
    /// Lets the thread finish queued work and end.
    fn drop(&mut self) {
        self.inbox.close();
    }
}

/// A queued closure, without its types.
trait Job: Send {
    /// Whether its caller has stopped waiting.
    fn is_abandoned(&self) -> bool;
    /// Whether it has waited longer than allowed.
    fn is_late(&self) -> bool;
    /// Runs the closure, stores its outcome, and returns whether to keep its writes.
    fn run(&mut self, tx: &mut Tx) -> bool;
    /// Reports to the caller the outcome that `run` stored, or that of the whole group.
    fn answer(self: Box<Self>, group: Result<()>);
}

enum Outcome<T, E> {
    Returned(Result<T, E>),
    Panicked(Box<dyn Any + Send>),
}

struct WriteJob<T, E, F> {
    work: F,
    outcome: Option<Outcome<T, E>>,
    reply: oneshot::Sender<Outcome<T, E>>,
    deadline: Instant,
    span: Span,
}

impl<T, E, F> Job for WriteJob<T, E, F>
where
    F: AsyncFn(&mut Tx) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn is_late(&self) -> bool {
        self.deadline < Instant::now()
    }

    fn run(&mut self, tx: &mut Tx) -> bool {
        let work = &self.work;
        let run = || self.span.in_scope(|| poll_once(work(tx)));
        let outcome = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(outcome)) => Outcome::Returned(tx.verdict(outcome)),
            Ok(Err(foreign_await)) => Outcome::Returned(Err(foreign_await.into())),
            Err(payload) => Outcome::Panicked(payload),
        };
        let keep = matches!(outcome, Outcome::Returned(Ok(_)));
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, group: Result<()>) {
        let outcome = match (group, self.outcome) {
            (_, Some(Outcome::Panicked(payload))) => Outcome::Panicked(payload),
            // Also when the closure itself failed: the cause may be another closure's row, which is
            // now rolled back.
            (Err(error), _) => Outcome::Returned(Err(error.into())),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => unreachable!("a group ends well only after running every job"),
        };
        // The caller may be gone; committed writes stay.
        let _gone = self.reply.send(outcome);
    }
}

/// Why no write of a group was kept.
enum Lost {
    /// One statement ended the shared transaction; each closure may run again alone.
    Ended,
    /// An error to report to every caller.
    Failed(Error),
}

/// On a full disk no commit frame was written, so nothing was kept. After any other failure the
/// outcome is unknown: the writes may exist without being durable.
fn not_committed(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => error.into(),
        _ => Error::Commit(error.to_string()),
    }
}

struct Loop {
    tx: Tx,
    queue: Arc<Inbox<Box<dyn Job>>>,
    stats: Stats,
}

impl Loop {
    fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        while self.queue.take(&mut group, GROUP) {
            group.retain(|job| !job.is_abandoned());
            for late in group.extract_if(.., |job| job.is_late()) {
                late.answer(Err(Error::Overloaded));
            }
            if !group.is_empty() {
                self.settle(&mut group);
            }
        }
        // Leaves a single file behind, unless a reader is still active.
        let _still_read = self.control("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    fn settle(&mut self, group: &mut Vec<Box<dyn Job>>) {
        let fate = match self.run_group(group) {
            Ok(()) => Ok(()),
            Err(Lost::Failed(error)) => Err(error),
            Err(Lost::Ended) => {
                self.roll_back();
                for job in group.drain(..) {
                    self.settle(&mut vec![job]);
                }
                return;
            }
        };
        for job in group.drain(..) {
            job.answer(fate.clone());
        }
    }

    fn run_group(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Lost> {
        let size = f64::from(u32::try_from(group.len()).expect("a group is small"));
        self.control("BEGIN IMMEDIATE").map_err(Lost::Failed)?;
        if !self.run_together(group)? {
            self.roll_back();
            if group.len() == 1 {
                return Ok(());
            }
            self.control("BEGIN IMMEDIATE").map_err(Lost::Failed)?;
            for job in group {
                self.run_in_savepoint(job.as_mut())?;
            }
        }
        let began = Instant::now();
        self.execute("COMMIT").map_err(|error| {
            self.roll_back();
            warn!(%error, "a group of transactions could not be committed");
            Lost::Failed(not_committed(error))
        })?;
        let took = began.elapsed();
        self.stats.commit_seconds.observe(took.as_secs_f64());
        self.stats.group_size.observe(size);
        Ok(())
    }

    /// Runs the jobs in order until one wants its writes rolled back, and returns whether none did.
    ///
    /// Savepoints would allow rolling back that job alone, but SQLite copies every page changed in
    /// one, and nearly every job is kept.
    fn run_together(&mut self, group: &mut [Box<dyn Job>]) -> Result<bool, Lost> {
        let has_others = group.len() > 1;
        for job in group {
            let keep = self.run_job(job.as_mut());
            if has_others && self.conn().is_autocommit() {
                return Err(Lost::Ended);
            }
            if !keep {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A statement can end the whole transaction, including its savepoints (a full disk, an I/O
    /// error). No later job of the group may run then: its SAVEPOINT would open a separate
    /// transaction, and its RELEASE would commit that regardless of the group's outcome.
    fn run_in_savepoint(&mut self, job: &mut dyn Job) -> Result<(), Lost> {
        self.control("SAVEPOINT job").map_err(|_| Lost::Ended)?;
        if !self.run_job(job) {
            self.control("ROLLBACK TO job").map_err(|_| Lost::Ended)?;
        }
        // Fails when the savepoint is gone.
        self.control("RELEASE job").map_err(|_| Lost::Ended)
    }

    fn run_job(&mut self, job: &mut dyn Job) -> bool {
        self.tx.forget_failure();
        job.run(&mut self.tx)
    }

    fn roll_back(&mut self) {
        if !self.conn().is_autocommit()
            && let Err(error) = self.control("ROLLBACK")
        {
            error!(%error, "a transaction could not be rolled back");
        }
    }

    fn control(&mut self, sql: &str) -> Result<()> {
        Ok(self.execute(sql)?)
    }

    fn execute(&mut self, sql: &str) -> rusqlite::Result<()> {
        let mut statement = self.conn().prepare_cached(sql)?;
        let mut rows = statement.raw_query();
        // Only a PRAGMA returns rows, and they are not needed.
        while rows.next()?.is_some() {}
        Ok(())
    }

    fn conn(&mut self) -> &mut Connection {
        match self.tx.conn() {
            Conn::Sqlite(conn) => conn,
            Conn::Postgres(_) => unreachable!("the writer thread was started with SQLite"),
        }
    }
}
