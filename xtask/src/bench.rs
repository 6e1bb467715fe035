//! `cargo xtask bench`: how fast it is, beside how fast this machine could be.

use std::{
    fs,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use clap::{Args, Subcommand, ValueEnum};
use rustix::{
    io::dup,
    process::Pid,
    stdio::{dup2_stdout, stderr, stdout},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};
use tempfile::TempDir;

use crate::{
    build, guided,
    ports::free_ports,
    postgres::{Durability, Postgres},
    process::{capture, cargo, command, run},
    repo,
    services::{Service, http_answers},
};

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Binds, sign-ins and tokens per second of a server on one core
    Ceremonies(Ceremonies),
    /// Writes and reads per second of the database layer
    Db(Db),
}

#[derive(Args)]
pub(crate) struct Ceremonies {
    #[command(flatten)]
    what: What,
    /// Flow to measure: bind, sign_in or client_credentials (may be repeated; default: all)
    #[arg(long, value_name = "FLOW", value_parser = FLOWS)]
    flow: Vec<String>,
    /// Connections that each start their next ceremony when the last one ended (may be repeated)
    #[arg(long, value_name = "N", default_values_t = [1, 16, 64])]
    connections: Vec<u32>,
    /// Core that PostgreSQL stays on; the server is on the first, the generator on the last
    /// (default: any)
    #[arg(long, value_name = "CORE")]
    database_core: Option<usize>,
    /// Build a server by profile first, and measure that one
    #[arg(long)]
    profile_guided: bool,
}

#[derive(Args)]
pub(crate) struct Db {
    #[command(flatten)]
    what: What,
    /// Callers that each start their next transaction when the last one ended (may be repeated)
    #[arg(long, value_name = "N", default_values_t = [1, 16, 64, 256])]
    callers: Vec<u32>,
}

#[derive(Args)]
struct What {
    /// One JSON object per line on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// Database to measure (may be repeated; default: both)
    #[arg(long, value_name = "DATABASE")]
    database: Vec<Database>,
    /// Length of a run
    #[arg(long, value_name = "N", default_value_t = 2.0)]
    seconds: f64,
    /// Runs per line; the median is reported
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: u32,
}

pub(crate) const FLOWS: [&str; 3] = ["bind", "sign_in", "client_credentials"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

pub(crate) fn run_bench(bench: &Bench) -> Result<()> {
    let figures = figures_only_on_stdout()?;
    match bench {
        Bench::Ceremonies(asked) => {
            let server = if asked.profile_guided {
                guided::build()?
            } else {
                build::build()?
            };
            let generator = generator("bench-ceremonies", Profile::Release)?;
            ceremonies(asked, &server, &generator, &figures)
        }
        Bench::Db(asked) => db(asked, &generator("bench-db", Profile::Release)?, &figures),
    }
}

/// Checks that the ceremonies work, in a second for each flow and database. Ignores the figures.
pub(crate) fn smoke(server: &Path) -> Result<()> {
    let asked = Ceremonies {
        what: What {
            json: false,
            database: Vec::new(),
            seconds: 0.5,
            runs: 1,
        },
        flow: Vec::new(),
        connections: vec![4],
        database_core: None,
        profile_guided: false,
    };
    let generator = generator("bench-ceremonies", Profile::Dev)?;
    ceremonies(&asked, server, &generator, &dup(stdout())?)
}

/// Redirects all other output of this process and its children to standard error. Returns the
/// original standard output.
fn figures_only_on_stdout() -> Result<OwnedFd> {
    let figures = dup(stdout())?;
    dup2_stdout(stderr())?;
    Ok(figures)
}

#[derive(Clone, Copy)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// Builds one of the load generators.
pub(crate) fn generator(name: &str, profile: Profile) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--package", "keymoor-bench", "--bin", name]);
    let directory = match profile {
        Profile::Dev => "debug",
        Profile::Release => {
            build.arg("--release");
            "release"
        }
    };
    run(&mut build)?;
    let generator = repo::target_dir().join(directory).join(name);
    ensure!(generator.exists(), "cargo left no {}", generator.display());
    Ok(generator)
}

fn ceremonies(
    asked: &Ceremonies,
    server: &Path,
    generator: &Path,
    figures: &OwnedFd,
) -> Result<()> {
    let flows: Vec<&str> = match asked.flow.as_slice() {
        [] => FLOWS.to_vec(),
        some => some.iter().map(String::as_str).collect(),
    };
    for database in asked.what.databases() {
        let site = Site::start(database, server, asked.database_core)?;
        let mut bench = site.bench(generator);
        for flow in &flows {
            bench.args(["--flow", flow]);
        }
        for connections in &asked.connections {
            bench.args(["--connections", &connections.to_string()]);
        }
        asked.what.pass_on(&mut bench, figures)?;
        run(&mut bench).inspect_err(|_| eprintln!("{}", site.log_end()))?;
    }
    Ok(())
}

fn db(asked: &Db, generator: &Path, figures: &OwnedFd) -> Result<()> {
    for database in asked.what.databases() {
        let dir = data_dir()?;
        let (url, _postgres) = database_in(database, dir.path(), None)?;
        let mut bench = command(generator);
        bench
            .args(["--url", &url])
            .arg("--directory")
            .arg(dir.path())
            .args(["--database", database.name()]);
        for callers in &asked.callers {
            bench.args(["--callers", &callers.to_string()]);
        }
        asked.what.pass_on(&mut bench, figures)?;
        run(&mut bench)?;
    }
    Ok(())
}

impl What {
    fn databases(&self) -> Vec<Database> {
        match self.database.as_slice() {
            [] => vec![Database::Sqlite, Database::Postgres],
            some => some.to_vec(),
        }
    }

    fn pass_on(&self, bench: &mut Command, figures: &OwnedFd) -> Result<()> {
        if self.json {
            bench.arg("--json");
        }
        bench
            .args(["--seconds", &self.seconds.to_string()])
            .args(["--runs", &self.runs.to_string()])
            .stdout(Stdio::from(figures.try_clone()?));
        Ok(())
    }
}

/// Returns a directory below the checkout, so that it is on a disk and not in memory.
fn data_dir() -> Result<TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(repo::dev_dir()?)?)
}

fn database_in(
    database: Database,
    dir: &Path,
    core: Option<usize>,
) -> Result<(String, Option<Postgres>)> {
    Ok(match database {
        Database::Sqlite => {
            let file = dir.join("keymoor.db");
            (format!("sqlite://{}", file.display()), None)
        }
        Database::Postgres => {
            let start = || Postgres::start(Durability::Full);
            let postgres = match core {
                Some(core) => on_core(core, start)?,
                None => start()?,
            };
            (postgres.url().to_owned(), Some(postgres))
        }
    })
}

/// A server with an empty database, alone on its core as far as we decide that.
pub(crate) struct Site {
    database: Database,
    server: Service,
    // Dropped after the server.
    postgres: Option<Postgres>,
    dir: TempDir,
}

impl Site {
    pub(crate) fn start(
        database: Database,
        binary: &Path,
        database_core: Option<usize>,
    ) -> Result<Self> {
        let dir = data_dir()?;
        let (url, postgres) = database_in(database, dir.path(), database_core)?;
        let [auth, api] = free_ports()?;
        let keymoor = |argument: &str| {
            let mut keymoor = command(binary);
            keymoor
                .arg(argument)
                .env("KEYMOOR_DATABASE_URL", &url)
                .env("KEYMOOR_MASTER_KEY_FILE", dir.path().join("master.key"))
                .env(
                    "KEYMOOR_LISTEN",
                    format!("127.0.0.1:{auth},127.0.0.1:{api}"),
                )
                .env("KEYMOOR_AUTH_URL", format!("http://localhost:{auth}"))
                .env("KEYMOOR_API_URL", format!("http://localhost:{api}"));
            keymoor
        };
        let init = capture(keymoor("init").arg("--json"))?;
        fs::write(dir.path().join("init.json"), init)?;
        let mut server =
            on_the_first_core(|| Service::start("keymoor", &mut keymoor("serve"), dir.path()))?;
        server.wait_until(|| http_answers(auth, "/readyz"))?;
        Ok(Self {
            database,
            server,
            postgres,
            dir,
        })
    }

    /// Returns the load generator's command, with this server's address.
    pub(crate) fn bench(&self, generator: &Path) -> Command {
        let mut bench = command(generator);
        bench
            .arg("--init")
            .arg(self.dir.path().join("init.json"))
            .args(["--pid", &self.server.pid().to_string()])
            .arg("--directory")
            .arg(self.dir.path())
            .args(["--database", self.database.name()]);
        if let Some(postgres) = &self.postgres {
            bench.args(["--analyse", postgres.url()]);
        }
        bench
    }

    pub(crate) fn log_end(&self) -> String {
        self.server.log_end()
    }
}

/// Runs `start` with its children pinned to the first available core; the generators choose the
/// last one for themselves.
fn on_the_first_core<T: Send>(start: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let allowed = sched_getaffinity(None::<Pid>)?;
    let first = (0..CpuSet::MAX_CPU).find(|&core| allowed.is_set(core));
    on_core(first.context("no core may be used")?, start)
}

fn on_core<T: Send>(core: usize, start: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    // A child inherits the cores of the thread that starts it.
    thread::scope(|scope| {
        let pinned = scope.spawn(|| {
            let mut only = CpuSet::new();
            only.set(core);
            sched_setaffinity(None, &only)
                .with_context(|| format!("core {core} may not be used"))?;
            start()
        });
        pinned
            .join()
            .map_err(|_| anyhow!("starting a server panicked"))?
    })
}
