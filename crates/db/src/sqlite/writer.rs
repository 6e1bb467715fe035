//! The writer thread: takes what is queued, runs it inside one transaction, commits once, then
//! answers everybody. Where a closure wants its own writes undone, all run again, each in a
//! SAVEPOINT.
//!
//! Durable commits wait for the disk; sharing that wait is what makes SQLite fast here.

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
    /// Once it is closed, the thread ends when it has emptied it.
    inbox: Arc<Inbox<Box<dyn Job>>>,
    /// Its sender lives as long as the thread.
    alive: watch::Receiver<()>,
    /// How long a closure may lie in the queue.
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
                    // Writes are refused as closed from here on, and readiness fails.
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

    /// Refuses every write.
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
        // Nothing is ever sent: this ends, with an error, when the thread does.
        let _ended = self.alive.clone().changed().await;
    }
}

impl Drop for Writer {
    /// The thread ends when it has answered what is queued.
    fn drop(&mut self) {
        self.inbox.close();
    }
}

/// A queued closure, without its types.
trait Job: Send {
    /// Nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
    /// It has waited longer than it may.
    fn is_late(&self) -> bool;
    /// Runs the closure, remembers what came of it, and says whether to keep what it wrote.
    fn run(&mut self, tx: &mut Tx) -> bool;
    /// Tells the caller: what `run` remembered, or what happened to the whole group.
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
            // Also where the closure itself failed: it may have failed because of a row that a
            // neighbour had written and that is now gone.
            (Err(error), _) => Outcome::Returned(Err(error.into())),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => unreachable!("a group ends well only after running every job"),
        };
        // The caller may have gone meanwhile; what was committed stays.
        let _gone = self.reply.send(outcome);
    }
}

/// Why nothing of a group was kept.
enum Lost {
    /// One statement ended the transaction of all; each may run again alone.
    Ended,
    /// To be told to everybody.
    Failed(Error),
}

/// A full disk took no commit frame, so that nothing was kept; of any other failure that is not
/// known, for what was written may be there without having been made durable.
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
        // One tidy file is left behind, unless somebody still reads.
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

    /// Runs one job after the other until one wants its writes undone, and says whether none did.
    ///
    /// Savepoints would let that one be undone alone, but SQLite copies every page that is changed
    /// in one, and nearly every job is kept.
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

    /// A statement can end the whole transaction, savepoints and all (a full disk, an I/O error).
    /// What comes after such a one must not run: its SAVEPOINT would open a transaction of its
    /// own and its RELEASE commit that, whatever became of the group.
    fn run_in_savepoint(&mut self, job: &mut dyn Job) -> Result<(), Lost> {
        self.control("SAVEPOINT job").map_err(|_| Lost::Ended)?;
        if !self.run_job(job) {
            self.control("ROLLBACK TO job").map_err(|_| Lost::Ended)?;
        }
        // Refused when the savepoint is gone.
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
        // Only a PRAGMA gives any, and nobody wants them.
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
