//! Ceremonies per second of a running server, beside what its core and its disk could do.
//!
//! The caller pins the server to one core, and this generator pins itself to another. Each run
//! measures the limits right before and after the load, so that both see the same machine
//! conditions. Core time that the host takes meanwhile affects only the rate. `cargo xtask bench
//! ceremonies` starts everything.

mod directory;
mod flows;
mod http;
mod limits;
mod load;
mod report;

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use keymoor_bench::cores::{Cores, ThreadClock, on, pin};
use keymoor_bench::disk::durable;
use keymoor_bench::pace::Pace;
use keymoor_db::{DatabaseUrl, Db};

use directory::{Application, Directory, Init, Link};
use flows::{Flow, SignIns, bind, bind_next, client_credentials};
use http::{Request, Server};
use limits::{EmptyHandler, Limit, cryptography};
use load::{Load, Serving, Turn, closed_loop};
use report::{Line, Run};

/// How long each limit is measured, each time.
const LIMIT_TIME: Duration = Duration::from_millis(200);

/// Users that sign in. Enough for their rows to fill more than one page of the database.
const PEOPLE: usize = 500;

#[derive(Parser)]
#[command(about = "Measures the ceremonies of a running server")]
struct Cli {
    /// What `keymoor init --json` printed
    #[arg(long)]
    init: PathBuf,
    /// The server's process
    #[arg(long)]
    pid: u32,
    /// A directory on the database's disk
    #[arg(long)]
    directory: PathBuf,
    /// The database's name in the figures
    #[arg(long)]
    database: String,
    /// Its URL, to gather PostgreSQL's statistics once everything is set up
    #[arg(long)]
    analyse: Option<String>,
    /// One JSON object per line instead of a table
    #[arg(long)]
    json: bool,
    #[arg(long)]
    flow: Vec<Flow>,
    #[arg(long)]
    connections: Vec<usize>,
    /// Length of a run
    #[arg(long)]
    seconds: f64,
    /// Runs of each flow and number of connections; the median is reported
    #[arg(long)]
    runs: usize,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let cores = Cores::available()?;
    pin(cores.generator)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(measure(&cli, cores))
}

async fn measure(cli: &Cli, cores: Cores) -> Result<()> {
    let init: Init = serde_json::from_slice(&fs::read(&cli.init)?)?;
    let directory = Directory::new(&init, cli.pid).await?;
    let empty_handler = EmptyHandler::start(cores.server)?;
    let people = people(&init, &directory, cli.pid).await?;
    if let Some(url) = &cli.analyse {
        analyse(url).await?;
    }
    let bench = Bench {
        server: Server::at(&init.auth_url)?,
        empty: Server::at(&format!("http://{}", empty_handler.address))?,
        empty_worker: empty_handler.worker,
        sign_ins: SignIns::new(&init.auth_url, &directory.site, people),
        token: format!("{}/token", directory.machine.path),
        machine: &directory.machine,
        directory: &directory,
        core: cores.server,
        cli,
    };
    let mut lines = Vec::new();
    for &flow in &cli.flow {
        for &connections in &cli.connections {
            lines.push(Line::new(&cli.database, flow, connections));
        }
    }
    // In turns, so that a busy minute of the machine spoils one run of each and not all of one.
    for run in 1..=cli.runs {
        for line in &mut lines {
            eprintln!(
                "{} run {run} of {}: {:?}, {} connections",
                cli.database, cli.runs, line.flow, line.connections
            );
            let guess = line.runs.last().map(|run| run.load.per_s());
            line.runs
                .push(bench.run(line.flow, line.connections, guess).await?);
        }
    }
    report::print(&lines, cli.json)
}

/// PostgreSQL does so by itself within minutes, in the middle of a run.
async fn analyse(url: &str) -> Result<()> {
    let url: DatabaseUrl = url.parse()?;
    let db = Db::<keymoor_db::Error>::open(&url.into())?;
    db.write(async |tx| tx.exec("ANALYZE", &()).await.map(drop))
        .await?;
    db.close().await;
    Ok(())
}

/// Creates users with normally bound passkeys.
async fn people(init: &Init, directory: &Directory, pid: u32) -> Result<Vec<flows::Person>> {
    let links = RefCell::new(directory.links(PEOPLE).await?);
    let people = RefCell::new(Vec::with_capacity(PEOPLE));
    let server = Server::at(&init.auth_url)?;
    let all = Duration::from_mins(10);
    closed_loop(
        (&server, Serving::Process(pid)),
        16,
        all,
        async |connection| {
            let Some(link) = links.borrow_mut().pop() else {
                return Ok(Turn::Exhausted);
            };
            let person = bind(connection, link).await?;
            people.borrow_mut().push(person);
            Ok(Turn::Done)
        },
    )
    .await?;
    Ok(people.into_inner())
}

struct Bench<'a> {
    cli: &'a Cli,
    server: Server,
    empty: Server,
    empty_worker: ThreadClock,
    directory: &'a Directory,
    sign_ins: SignIns<'a>,
    machine: &'a Application,
    token: String,
    core: usize,
}

impl Bench<'_> {
    async fn run(&self, flow: Flow, connections: usize, guess: Option<f64>) -> Result<Run> {
        let links = self.links(flow, guess).await?;
        let before = self.limit(flow, connections).await?;
        let time = Duration::from_secs_f64(self.cli.seconds);
        let load = self
            .load(flow, connections, time, &links)
            .await
            .with_context(|| format!("{flow:?} with {connections} connections"))?;
        let after = self.limit(flow, connections).await?;
        Ok(Run {
            load,
            limit: before.between(after),
        })
    }

    async fn limit(&self, flow: Flow, connections: usize) -> Result<Limit> {
        Ok(Limit {
            flow,
            durable: on(self.core, || durable(&self.cli.directory, LIMIT_TIME))?,
            empty_handler: self.empty_handler(connections).await?,
            cryptography: on(self.core, || cryptography(flow, LIMIT_TIME))?,
        })
    }

    /// Links for a whole run, and some more than the last one used.
    async fn links(&self, flow: Flow, guess: Option<f64>) -> Result<RefCell<Vec<Link>>> {
        const AT_FIRST_PER_S: f64 = 1_500.0;
        if flow != Flow::Bind {
            return Ok(RefCell::default());
        }
        let wanted = guess.map_or(AT_FIRST_PER_S, |per_s| per_s * 1.3 + 100.0) * self.cli.seconds;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let wanted = wanted as usize;
        Ok(RefCell::new(self.directory.links(wanted).await?))
    }

    async fn empty_handler(&self, connections: usize) -> Result<Pace> {
        let own = (&self.empty, Serving::Thread(&self.empty_worker));
        let load = closed_loop(own, connections, LIMIT_TIME, async |connection| {
            connection.send(Request::get("/")).await?.expect(200)?;
            Ok(Turn::Done)
        })
        .await?;
        Ok(Pace {
            per_s: load.per_s(),
            us: load.server_us(),
        })
    }

    async fn load(
        &self,
        flow: Flow,
        connections: usize,
        time: Duration,
        links: &RefCell<Vec<Link>>,
    ) -> Result<Load> {
        let server = (&self.server, Serving::Process(self.cli.pid));
        match flow {
            Flow::Bind => {
                let turn = async |connection: &mut _| bind_next(connection, links).await;
                closed_loop(server, connections, time, turn).await
            }
            Flow::SignIn => {
                let turn = async |connection: &mut _| self.sign_ins.one(connection).await;
                closed_loop(server, connections, time, turn).await
            }
            Flow::ClientCredentials => {
                let turn = async |connection: &mut _| {
                    client_credentials(connection, self.machine, &self.token).await
                };
                closed_loop(server, connections, time, turn).await
            }
        }
    }
}
