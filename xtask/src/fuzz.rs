//! `cargo xtask fuzz`: every fuzz target under libFuzzer for a while, with the stable compiler.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    process::{self, capture, cargo, command, run},
    repo, setup,
};

/// The coverage that `cargo fuzz` requests from a nightly compiler, as codegen options that a
/// stable one supports, and the options that add libFuzzer.
const FLAGS: [&str; 6] = [
    "--cfg=libfuzzer",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// The maximum number of stored inputs per target, so that the corpus stays within its test's
/// limit.
const MAX_FILES: usize = 12;
const MAX_BYTES: u64 = 24_000;

/// Longest input tried, in bytes.
const MAX_INPUT: &str = "-max_len=4096";
/// Slower than this is a finding, in seconds.
const TIMEOUT: &str = "-timeout=10";
/// More than this is a finding, in MB.
const MEMORY: &str = "-rss_limit_mb=1024";

/// Runs the chosen targets, or all, `minutes` each. Fails, after the last, if anything was found.
pub(crate) fn run_targets(chosen: &[String], minutes: u32) -> Result<()> {
    let fuzzer = Fuzzer::build()?;
    let all = fuzzer.targets()?;
    if let Some(unknown) = chosen.iter().find(|name| !all.contains(*name)) {
        bail!("there is no target `{unknown}`, but {all:?}");
    }
    let chosen = if chosen.is_empty() {
        all.into_iter().collect()
    } else {
        chosen.to_vec()
    };
    let mut findings = Vec::new();
    let mut lines = Vec::new();
    for target in &chosen {
        let outcome = fuzzer.search(target, minutes)?;
        println!("{}", outcome.line(target));
        lines.push(outcome.line(target));
        match outcome.reproducer {
            Some(reproducer) => findings.push(reproducer),
            None => fuzzer.keep(target)?,
        }
    }
    println!("\n{}", lines.join("\n"));
    ensure!(
        findings.is_empty(),
        "fuzzing found something; the inputs are\n{}\nKeep each in fuzz/corpus/TARGET once it is mended.",
        findings.join("\n")
    );
    Ok(())
}

struct Fuzzer {
    program: PathBuf,
    /// Holds the seeds, all inputs found so far, logs and reproducers.
    home: PathBuf,
}

impl Fuzzer {
    fn build() -> Result<Self> {
        setup::cpp_compiler()?;
        let home = repo::root().join("target/fuzz");
        let host = host_triple()?;
        // Naming the target keeps the flags away from build scripts and macros.
        let mut build = cargo(&["build", "--package=keymoor-fuzz", "--bin=libfuzzer"]);
        build
            .args(["--profile=fuzz", "--target", &host])
            .arg("--target-dir")
            .arg(&home)
            .env("RUSTFLAGS", FLAGS.join(" "));
        run(&mut build)?;
        let mut seeds = cargo(&[
            "run",
            "--quiet",
            "--package=keymoor-fuzz",
            "--bin=seeds",
            "--",
        ]);
        run(seeds.arg(home.join("seeds")))?;
        Ok(Self {
            program: home.join(host).join("fuzz/libfuzzer"),
            home,
        })
    }

    fn targets(&self) -> Result<BTreeSet<String>> {
        let folders = fs::read_dir(self.home.join("seeds"))?;
        folders
            .map(|folder| Ok(folder?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn search(&self, target: &str, minutes: u32) -> Result<Outcome> {
        let found = self.folder("found", target)?;
        let log = self.folder("logs", target)?.join("log");
        let artifacts = self.folder("artifacts", target)?;
        let mut search = self.command(target);
        // libFuzzer writes new inputs to the first folder. It retries earlier reproducers before
        // searching, so that no run reports "nothing found" until they are fixed.
        search
            .args([&found, &artifacts, &kept(target)?])
            .arg(self.home.join("seeds").join(target))
            .args([MAX_INPUT, TIMEOUT, MEMORY, "-print_final_stats=1"])
            .arg(format!("-max_total_time={}", 60 * minutes))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .stderr(File::create(&log)?);
        let clean = run(&mut search);
        ensure!(!process::interrupted(), "interrupted");
        let log = fs::read(&log)?;
        let log = String::from_utf8_lossy(&log);
        let reproducer = log
            .lines()
            .find_map(|line| line.split_once("Test unit written to "))
            .map(|(_, path)| path.to_owned());
        match clean {
            Err(error) if reproducer.is_none() => Err(error.context(last_lines(&log))),
            _ => Ok(Outcome::read(&log, reproducer)),
        }
    }

    /// Adds to the checked-in corpus what reaches code that neither it nor the seeds reach, the
    /// smallest inputs first, until it is full.
    fn keep(&self, target: &str) -> Result<()> {
        let kept = kept(target)?;
        let minimal = self.folder("minimal", target)?;
        fs::remove_dir_all(&minimal)?;
        fs::create_dir_all(&minimal)?;
        let mut known = BTreeSet::new();
        for folder in [&kept, &self.home.join("seeds").join(target)] {
            for (path, _) in sorted_by_size(folder)? {
                let name = path.file_name().expect("files have names").to_owned();
                fs::copy(&path, minimal.join(&name))?;
                known.insert(name);
            }
        }
        let mut merge = self.command(target);
        // Without counters, an input is new if it reaches a new place, not if it gets there
        // more often.
        merge
            .args(["-merge=1", "-use_counters=0", MAX_INPUT])
            .args([&minimal, &self.home.join("found").join(target)])
            .stderr(File::create(self.folder("logs", target)?.join("merge"))?);
        run(&mut merge)?;
        let mut files = sorted_by_size(&kept)?.len();
        let mut bytes: u64 = sorted_by_size(&kept)?.iter().map(|(_, size)| size).sum();
        let mut left_out = 0;
        for (path, size) in sorted_by_size(&minimal)? {
            let name = path.file_name().expect("files have names");
            if known.contains(name) {
                continue;
            }
            if files < MAX_FILES && bytes + size <= MAX_BYTES {
                fs::copy(&path, kept.join(name))?;
                files += 1;
                bytes += size;
            } else {
                left_out += 1;
            }
        }
        if left_out > 0 {
            println!("{target}: {left_out} inputs that reach more do not fit into the corpus");
        }
        Ok(())
    }

    fn command(&self, target: &str) -> Command {
        let mut command = command(&self.program);
        command.env("KEYMOOR_FUZZ_TARGET", target);
        command
    }

    fn folder(&self, purpose: &str, target: &str) -> Result<PathBuf> {
        made(self.home.join(purpose).join(target))
    }
}

/// The checked-in corpus of a target.
fn kept(target: &str) -> Result<PathBuf> {
    made(repo::root().join("fuzz/corpus").join(target))
}

fn made(folder: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

fn sorted_by_size(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut files = fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.path(), entry.metadata()?.len()))
        })
        .collect::<Result<Vec<_>>>()?;
    files.sort_by(|(a, a_size), (b, b_size)| (a_size, a).cmp(&(b_size, b)));
    Ok(files)
}

fn host_triple() -> Result<String> {
    let version = capture(command("rustc").arg("-vV"))?;
    let version = String::from_utf8_lossy(&version);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    executions: u64,
    /// Places in the code that were reached.
    coverage: u64,
    time: Duration,
    reproducer: Option<String>,
}

impl Outcome {
    fn read(log: &str, reproducer: Option<String>) -> Self {
        let number = |text: &str| {
            let digits = text
                .trim_start()
                .split(|c: char| !c.is_ascii_digit())
                .next();
            digits.and_then(|digits| digits.parse().ok())
        };
        let last = |mark: &str| {
            let behind = log.rsplit_once(mark).map(|(_, behind)| behind);
            behind.and_then(number).unwrap_or_default()
        };
        Self {
            executions: last("stat::number_of_executed_units:"),
            coverage: last(" cov: "),
            time: Duration::from_secs(last(" runs in ")),
            reproducer,
        }
    }

    fn line(&self, target: &str) -> String {
        let verdict = self.reproducer.as_deref().unwrap_or("nothing found");
        format!(
            "{target:<20}{:>12} executions{:>7} places{:>6} s  {verdict}",
            self.executions,
            self.coverage,
            self.time.as_secs(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_the_last_line() {
        let log = "#2\tINITED cov: 8 ft: 8 corp: 1/1b exec/s: 0 rss: 27Mb\n\
                   #6907731\tDONE   cov: 11 ft: 11 corp: 4/17b lim: 4096 exec/s: 431733 rss: 27Mb\n\
                   Done 6907731 runs in 16 second(s)\n\
                   stat::number_of_executed_units: 6907731\n";
        let outcome = Outcome::read(log, None);
        assert_eq!(
            outcome,
            Outcome {
                executions: 6_907_731,
                coverage: 11,
                time: Duration::from_secs(16),
                reproducer: None,
            }
        );
        assert!(outcome.line("cbor").ends_with("nothing found"));
    }
}
