//! A closed loop: every connection starts its next ceremony when the last one has ended.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use futures_util::future::join_all;
use keymoor_bench::cores::{ThreadClock, process_time, thread_time};
use keymoor_bench::samples::Latencies;

use super::http::{Connection, Server};

/// The server under load.
#[derive(Clone, Copy)]
pub(crate) enum Serving<'a> {
    Process(u32),
    /// A thread of this process.
    Thread(&'a ThreadClock),
}

impl Serving<'_> {
    fn time(self) -> Result<Duration> {
        match self {
            Self::Process(pid) => process_time(pid),
            Self::Thread(clock) => clock.used(),
        }
    }
}

/// What became of one turn of the loop.
pub(crate) enum Turn {
    Done,
    /// The loop has used up its input.
    Exhausted,
}

/// What a loop did.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Latencies,
    /// Processor time of the server.
    pub(crate) server: Duration,
    /// Processor time of this generator.
    pub(crate) generator: Duration,
}

impl Load {
    pub(crate) fn per_s(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64()
    }

    /// Processor time of the server for one turn, in microseconds.
    pub(crate) fn server_us(&self) -> f64 {
        self.server.as_secs_f64() * 1e6 / self.count().max(1.0)
    }

    pub(crate) fn server_busy(&self) -> f64 {
        self.server.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    pub(crate) fn generator_idle(&self) -> f64 {
        1.0 - self.generator.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    fn count(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap_or(u32::MAX))
    }
}

/// Runs the loop on this many connections for `time`, or until its input is used up. Turns under
/// way at the end are finished but not counted.
///
/// # Errors
/// The first turn that failed: the others end with it.
pub(crate) async fn closed_loop(
    server: (&Server, Serving<'_>),
    connections: usize,
    time: Duration,
    turn: impl AsyncFn(&mut Connection) -> Result<Turn>,
) -> Result<Load> {
    let (server, serving) = server;
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(server.connect().await?);
    }
    let latencies = RefCell::new(Latencies::default());
    let failed: RefCell<Option<Error>> = RefCell::new(None);
    let used = (serving.time()?, thread_time()?);
    let started = Instant::now();
    let end = Cell::new(started + time);
    let turns = open.iter_mut().map(async |connection| {
        loop {
            let begun = Instant::now();
            if begun >= end.get() {
                break;
            }
            match turn(connection).await {
                Ok(Turn::Done) if Instant::now() < end.get() => {
                    latencies.borrow_mut().add(begun.elapsed());
                }
                Ok(Turn::Done) => {}
                Ok(Turn::Exhausted) => end.set(end.get().min(Instant::now())),
                Err(error) => {
                    failed.borrow_mut().get_or_insert(error);
                    end.set(started);
                }
            }
        }
    });
    join_all(turns).await;
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    Ok(Load {
        elapsed: end.get() - started,
        latencies: latencies.into_inner(),
        server: serving.time()?.saturating_sub(used.0),
        generator: thread_time()?.saturating_sub(used.1),
    })
}
