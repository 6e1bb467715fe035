//! Which core does what, and how much of it was used.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use core_affinity::CoreId;

/// The kernel counts processor time in hundredths of a second on every architecture (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// The measured core, and the core of the load generator.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    pub server: usize,
    pub generator: usize,
}

impl Cores {
    /// The first and the last core that this process may use: the same one on a machine with one.
    pub fn available() -> Result<Self> {
        let allowed = core_affinity::get_core_ids().unwrap_or_default();
        let (Some(first), Some(last)) = (allowed.first(), allowed.last()) else {
            bail!("cannot tell which cores may be used");
        };
        Ok(Self {
            server: first.id,
            generator: last.id,
        })
    }
}

/// Pins this thread, and every thread and process that it starts, to one core.
pub fn pin(core: usize) -> Result<()> {
    let pinned = core_affinity::set_for_current(CoreId { id: core });
    ensure!(pinned, "cannot stay on core {core}");
    Ok(())
}

/// Runs `work` in a separate thread on one core.
pub fn on<T: Send>(core: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pinned = || {
        pin(core)?;
        work()
    };
    std::thread::scope(|scope| scope.spawn(pinned).join())
        .map_err(|_| anyhow!("a thread on core {core} panicked"))?
}

/// Processor time that this thread has used.
pub fn thread_time() -> Result<Duration> {
    // What a running thread has used is brought up to date when the scheduler looks at it.
    std::thread::yield_now();
    ThreadClock(PathBuf::from("/proc/thread-self/schedstat")).used()
}

/// Reports one thread's processor time to any thread of this process.
pub struct ThreadClock(PathBuf);

impl ThreadClock {
    pub fn of_this_thread() -> Result<Self> {
        let thread = fs::read_link("/proc/thread-self")?;
        Ok(Self(Path::new("/proc").join(thread).join("schedstat")))
    }

    /// What proc_pid_schedstat has first, in nanoseconds: as of the thread's last turn or tick.
    pub fn used(&self) -> Result<Duration> {
        let stat = fs::read_to_string(&self.0)?;
        let nanos = stat
            .split(' ')
            .next()
            .context("an unknown form of schedstat")?;
        let used = Duration::from_nanos(nanos.parse()?);
        ensure!(
            used > Duration::ZERO,
            "this kernel counts no time of threads"
        );
        Ok(used)
    }
}

/// Processor time that all threads of a process have used, to 10 ms (proc_pid_stat(5)).
pub fn process_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    // The name, in parentheses, may hold anything; 11 fields stand between it and `utime`.
    let (_, fields) = stat.rsplit_once(") ").context("an unknown form of stat")?;
    let times: Vec<u32> = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    ensure!(times.len() == 2, "an unknown form of stat");
    Ok(TICK * times.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_may_use_its_core_only() {
        let Cores { server, .. } = Cores::available().unwrap();
        let left = on(server, Cores::available).unwrap();
        assert_eq!((left.server, left.generator), (server, server));
    }

    #[test]
    fn the_time_of_a_thread_is_told_to_others() {
        let mine = ThreadClock::of_this_thread().unwrap();
        while thread_time().unwrap() < 3 * TICK {}
        let told = std::thread::scope(|scope| scope.spawn(|| mine.used()).join().unwrap());
        let told = told.unwrap();
        assert!(
            told >= 2 * TICK && told <= thread_time().unwrap(),
            "{told:?}"
        );
    }

    #[test]
    fn work_takes_processor_time() {
        let before = (
            thread_time().unwrap(),
            process_time(std::process::id()).unwrap(),
        );
        while thread_time().unwrap() < before.0 + 3 * TICK {}
        assert!(process_time(std::process::id()).unwrap() >= before.1 + TICK);
    }
}
