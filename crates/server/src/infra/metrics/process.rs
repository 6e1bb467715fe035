//! Resource usage of this process; Linux only.

use std::fs;

/// Resident memory in bytes.
pub(super) fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Open file descriptors.
pub(super) fn open_files() -> Option<i64> {
    let files = fs::read_dir("/proc/self/fd").ok()?;
    i64::try_from(files.count()).ok()
}
