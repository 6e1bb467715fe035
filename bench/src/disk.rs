//! What the disk can do: the limit of durable commits that share nothing.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

const PAGE: [u8; 4_096] = [0x4b; 4_096];

/// How often in a second 4 KiB of a file in `directory` can be overwritten and made durable, one
/// after the other.
pub fn fdatasync_per_s(directory: &Path, time: Duration) -> Result<f64> {
    let path = directory.join("fdatasync");
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all_at(&PAGE, 0)?;
    file.sync_all()?;
    let started = Instant::now();
    let mut done = 0_u32;
    while started.elapsed() < time {
        file.write_all_at(&PAGE, 0)?;
        file.sync_data()?;
        done += 1;
    }
    Ok(f64::from(done) / started.elapsed().as_secs_f64())
}
