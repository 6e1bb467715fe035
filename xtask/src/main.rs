//! `cargo xtask`: everything a developer or CI runs. Each command does its own set-up on a fresh machine.

mod bench;
mod build;
mod codegen;
mod demo;
mod fuzz;
mod guided;
mod kotlin;
mod markdown;
mod ports;
mod postgres;
mod process;
mod repo;
mod rule_numbers;
mod services;
mod setup;
mod steps;
mod swift;
mod test;
mod tidy;
mod vectors;
mod walls;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{bench::Bench, codegen::Generated, steps::Step};

#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    about = "Builds, demonstrates and tests Keymoor"
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the npm packages, then the release binary with them inside
    Build {
        /// Compile it by what ceremonies execute: two builds, for a binary that uses about a tenth less processor time
        #[arg(long)]
        profile_guided: bool,
    },
    /// Start the server, a sample application and a mail catcher, and print their addresses
    Demo {
        /// Drive the sample application in a headless browser on free ports instead, and exit 0 or 1
        #[arg(long)]
        check: bool,
        /// First of the ports to use
        #[arg(long, default_value_t = demo::DEFAULT_PORT_BASE, conflicts_with = "check",
              value_parser = clap::value_parser!(u16).range(1024..=65_000))]
        port_base: u16,
    },
    /// Run everything CI runs
    Test {
        /// Run this step only (may be repeated)
        #[arg(long, value_name = "STEP")]
        only: Vec<Step>,
        /// Run the long form of the tests that have one (sets `KEYMOOR_TEST_LONG=1`)
        #[arg(long)]
        long: bool,
    },
    /// Regenerate files that are checked in
    #[command(subcommand)]
    Codegen(Generated),
    /// Run benchmarks, on an otherwise idle machine
    #[command(subcommand)]
    Bench(Bench),
    /// Search for inputs that break a fuzz target, and keep those that reach new code
    Fuzz {
        /// How long each target runs
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_440))]
        minutes: u32,
        /// Targets to run instead of all: folders of fuzz/corpus
        targets: Vec<String>,
    },
    /// Draw every screen of the console, light and dark, wide and narrow, into docs/assets/console
    Screenshots,
    /// Run single steps of `test`
    Ci {
        #[arg(required = true)]
        steps: Vec<Step>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    process::stop_on_signals()?;
    match task {
        Task::Build {
            profile_guided: true,
        } => guided::build().map(drop),
        Task::Build { .. } => build::build().map(drop),
        Task::Demo { check: true, .. } => demo::check(),
        Task::Demo { port_base, .. } => demo::serve(port_base),
        Task::Test { only, long } if only.is_empty() => test::run(&Step::ALL, long),
        Task::Test { only, long } => test::run(&only, long),
        Task::Codegen(generated) => generated.make(),
        Task::Bench(bench) => bench::run_bench(&bench),
        Task::Fuzz { minutes, targets } => fuzz::run_targets(&targets, minutes),
        Task::Screenshots => screenshots(),
        Task::Ci { steps } => test::run(&steps, false),
    }
}

fn screenshots() -> Result<()> {
    let programs = setup::programs(&[setup::CHROMIUM])?;
    let binary = build::build()?;
    let mut script = setup::node(&["e2e/console/screenshots.ts", "docs/assets/console"])?;
    process::run(script.env("KEYMOOR_TEST_BIN", binary).envs(programs))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn ci_needs_a_step_and_takes_several() {
        assert!(Cli::try_parse_from(["xtask", "ci"]).is_err());
        assert!(Cli::try_parse_from(["xtask", "ci", "fmt", "clippy"]).is_ok());
        assert!(Cli::try_parse_from(["xtask", "ci", "everything"]).is_err());
    }

    #[test]
    fn a_checking_demo_chooses_its_own_ports() {
        assert!(Cli::try_parse_from(["xtask", "demo", "--check", "--port-base", "9000"]).is_err());
        assert!(Cli::try_parse_from(["xtask", "demo", "--port-base", "80"]).is_err());
        assert!(Cli::try_parse_from(["xtask", "demo", "--port-base", "9000"]).is_ok());
    }
}
