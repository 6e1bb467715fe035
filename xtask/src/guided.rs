//! `cargo xtask build --profile-guided`: the release binary, compiled by what ceremonies execute.
//!
//! A sign-in executes more code than the processor's first cache holds many times over, so much of
//! what it costs is to fetch that. A compiler that knows which branches are taken keeps the others
//! out of the way.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};

use crate::{
    bench::{Database, FLOWS, Profile, Site, generator},
    build,
    process::{cargo, command, run},
    repo, setup,
};

/// Builds a server that counts what it executes, runs ceremonies on both databases, and rebuilds
/// the binary with these counts. Returns the binary's path.
pub(crate) fn build() -> Result<PathBuf> {
    let llvm_profdata = setup::llvm_profdata()?;
    setup::postgres_programs()?;
    build::packages()?;
    let generator = generator("bench-ceremonies", Profile::Release)?;
    let counting_dir = repo::target_dir().join("counting");
    let counts = counting_dir.join("counts");
    let counting = server(&counting_dir, &option("-Cprofile-generate=", &counts))?;
    // Build scripts and macros have counted too, and so have earlier builds here.
    remove_all(&counts)?;
    for database in [Database::Sqlite, Database::Postgres] {
        count_ceremonies(database, &counting, &generator, &counts)?;
    }
    let profile = counting_dir.join("ceremonies.profdata");
    run(command(&llvm_profdata)
        .args(["merge", "--sparse", "--output"])
        .arg(&profile)
        .arg(&counts))
    .context("set LLVM_PROFDATA to one that reads what the LLVM of rustc writes")?;
    let dir = repo::target_dir().join("guided");
    // Nothing that was compiled by an older profile is kept.
    remove_all(&dir)?;
    let binary = server(&dir, &option("-Cprofile-use=", &profile))?;
    println!("built {}", binary.display());
    Ok(binary)
}

fn count_ceremonies(
    database: Database,
    server: &Path,
    generator: &Path,
    counts: &Path,
) -> Result<()> {
    let site = Site::start(database, server, None)?;
    let mut bench = site.bench(generator);
    for flow in FLOWS {
        bench.args(["--flow", flow]);
    }
    bench.args(["--connections", "64", "--seconds", "3", "--runs", "1"]);
    run(bench.stdout(Stdio::null())).inspect_err(|_| eprintln!("{}", site.log_end()))?;
    // `init` has written some too.
    let before = last_written(counts)?;
    // The server writes its own when it ends by itself.
    drop(site);
    ensure!(last_written(counts)? > before, "the server left no counts");
    Ok(())
}

/// When the newest file of a directory was written.
fn last_written(dir: &Path) -> Result<Option<SystemTime>> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    let times: Vec<_> = entries
        .map(|entry| entry?.metadata()?.modified())
        .collect::<Result<_, _>>()?;
    Ok(times.into_iter().max())
}

fn remove_all(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// With this flag in the place of any that the caller's environment or configuration has.
fn server(dir: &Path, flag: &OsStr) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--release", "--package", "keymoor-server"]);
    build.env("CARGO_ENCODED_RUSTFLAGS", flag);
    run(build.arg("--target-dir").arg(dir))?;
    let binary = dir.join("release/keymoor");
    ensure!(binary.exists(), "cargo left no {}", binary.display());
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::Duration};

    use super::*;

    #[test]
    fn counts_that_are_written_over_are_newer() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(last_written(dir.path()).unwrap(), None);
        let write = |name: &str, seconds| {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let file = File::create(dir.path().join(name)).unwrap();
            file.set_modified(at).unwrap();
            assert_eq!(last_written(dir.path()).unwrap(), Some(at));
        };
        write("one", 100);
        write("other", 200);
        write("one", 300);
    }
}
