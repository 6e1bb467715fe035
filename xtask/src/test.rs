//! `cargo xtask test`: the steps in order until one fails, and how long each took.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::steps::Step;

pub(crate) fn run(steps: &[Step], long: bool) -> Result<()> {
    let mut finished = Vec::new();
    let mut result = Ok(());
    for &step in steps {
        println!("\n==> {}", step.name());
        let started = Instant::now();
        result = step
            .run(long)
            .with_context(|| format!("step `{0}` failed (alone: cargo xtask ci {0})", step.name()));
        finished.push((step, started.elapsed()));
        if result.is_err() {
            break;
        }
    }
    println!("\n{}", summary(steps, &finished, result.is_ok()));
    result
}

/// One line per step; the last finished one failed unless `passed`.
fn summary(steps: &[Step], finished: &[(Step, Duration)], passed: bool) -> String {
    let mut text = String::new();
    for (index, step) in steps.iter().enumerate() {
        let (time, outcome) = match finished.get(index) {
            None => ("-".to_owned(), "not run"),
            Some((_, time)) if !passed && index + 1 == finished.len() => (minutes(*time), "FAILED"),
            Some((_, time)) => (minutes(*time), "ok"),
        };
        writeln!(text, "{:<10}{time:>7}  {outcome}", step.name())
            .expect("writing to a String succeeds");
    }
    let total = finished.iter().map(|(_, time)| *time).sum();
    write!(text, "{:<10}{:>7}", "total", minutes(total)).expect("writing to a String succeeds");
    text
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_what_passed_failed_and_never_ran() {
        let steps = [Step::Fmt, Step::Clippy, Step::Packages];
        let finished = [
            (Step::Fmt, Duration::from_millis(1900)),
            (Step::Clippy, Duration::from_secs(125)),
        ];
        assert_eq!(
            summary(&steps, &finished, false),
            "fmt          0:01  ok\n\
             clippy       2:05  FAILED\n\
             packages        -  not run\n\
             total        2:06"
        );
    }

    #[test]
    fn nothing_failed_in_a_passed_summary() {
        let finished = [(Step::Fmt, Duration::from_secs(61))];
        assert_eq!(
            summary(&[Step::Fmt], &finished, true),
            "fmt          1:01  ok\ntotal        1:01"
        );
    }
}
