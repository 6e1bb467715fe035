//! What the disk can do: the limit of durable commits that share nothing.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::cores::thread_time;

const PAGE: [u8; 4_096] = [0x4b; 4_096];

/// What it takes to overwrite 4 KiB of a file and make them durable.
#[derive(Clone, Copy)]
pub struct Durable {
    /// How often in a second, one after the other.
    pub per_s: f64,
    /// Processor time of one, in microseconds; the rest is waiting.
    pub us: f64,
}

/// Measures for `time` in `directory`.
pub fn durable(directory: &Path, time: Duration) -> Result<Durable> {
    let path = directory.join("fdatasync");
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all_at(&PAGE, 0)?;
    file.sync_all()?;
    let (started, used) = (Instant::now(), thread_time()?);
    let mut done = 0_u32;
    while started.elapsed() < time {
        file.write_all_at(&PAGE, 0)?;
        file.sync_data()?;
        done += 1;
    }
    let used = thread_time()?.saturating_sub(used);
    Ok(Durable {
        per_s: f64::from(done) / started.elapsed().as_secs_f64(),
        us: used.as_secs_f64() * 1e6 / f64::from(done),
    })
}
