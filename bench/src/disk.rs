//! What the disk can do: the limit of durable commits that share nothing.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::pace::Pace;

const PAGE: [u8; 4_096] = [0x4b; 4_096];

/// Measures how fast 4 KiB of a file in `directory` can be overwritten and made durable.
pub fn durable(directory: &Path, time: Duration) -> Result<Pace> {
    let path = directory.join("fdatasync");
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all_at(&PAGE, 0)?;
    file.sync_all()?;
    Pace::measure(time, || {
        file.write_all_at(&PAGE, 0)?;
        file.sync_data()?;
        Ok(())
    })
}
