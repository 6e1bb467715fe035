//! The database layer alone: transactions and point reads per second, beside bare rusqlite and
//! the disk.

mod bare;
mod layer;
mod work;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use keymoor_bench::disk::durable;
use keymoor_bench::samples::{Latencies, median_by, range_by, rounded};
use serde::Serialize;

use bare::Bare;
use layer::Layer;
use work::Work;

const LIMIT_TIME: Duration = Duration::from_millis(200);

#[derive(Parser)]
#[command(about = "Measures the database layer")]
struct Cli {
    /// As `KEYMOOR_DATABASE_URL` has it; the database must be empty
    #[arg(long)]
    url: String,
    /// A directory on the database's disk
    #[arg(long)]
    directory: PathBuf,
    /// The database's name in the figures
    #[arg(long)]
    database: String,
    /// One JSON object per line instead of a table
    #[arg(long)]
    json: bool,
    #[arg(long)]
    callers: Vec<usize>,
    /// Length of a run
    #[arg(long)]
    seconds: f64,
    /// Runs of each kind of work and number of callers; the median is reported
    #[arg(long)]
    runs: usize,
}

/// What a number of callers did in some time.
#[derive(Default)]
struct Load {
    elapsed: Duration,
    latencies: Latencies,
}

impl Load {
    fn per_s(&self) -> f64 {
        let count = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        f64::from(count) / self.elapsed.as_secs_f64()
    }
}

struct Run {
    load: Load,
    /// Bare rusqlite on one thread, so many transactions a commit as there are callers.
    bare_per_s: Option<f64>,
    fdatasync_per_s: f64,
}

struct Line {
    work: Work,
    callers: usize,
    runs: Vec<Run>,
}

#[derive(Serialize)]
struct Figures<'a> {
    database: &'a str,
    work: Work,
    callers: usize,
    per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bare_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
    p50_ms: f64,
    p99_ms: f64,
    runs: usize,
    per_s_min: f64,
    per_s_max: f64,
    fdatasync_per_s: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let time = Duration::from_secs_f64(cli.seconds);
    let layer = Layer::prepare(&cli.url).await?;
    let bare = match cli.url.strip_prefix("sqlite://") {
        Some(_) => Some(Bare::prepare(&cli.directory.join("bare.db"))?),
        None => None,
    };
    let mut lines: Vec<Line> = Work::ALL
        .into_iter()
        .flat_map(|work| cli.callers.iter().map(move |&callers| (work, callers)))
        .map(|(work, callers)| Line {
            work,
            callers,
            runs: Vec::new(),
        })
        .collect();
    // In turns, so that a busy minute of the machine spoils one run of each and not all of one.
    for run in 1..=cli.runs {
        for line in &mut lines {
            let Line { work, callers, .. } = *line;
            eprintln!(
                "{} run {run} of {}: {work:?}, {callers} callers",
                cli.database, cli.runs
            );
            line.runs.push(Run {
                fdatasync_per_s: durable(&cli.directory, LIMIT_TIME)?.per_s,
                load: layer.run(work, callers, time).await?,
                bare_per_s: match &bare {
                    Some(bare) => Some(bare.per_s(work, callers, time)?),
                    None => None,
                },
            });
        }
    }
    print(&cli, &lines)
}

fn print(cli: &Cli, lines: &[Line]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if !cli.json {
        writeln!(
            out,
            "| Database | Work | Callers | Per second (min – max) | Bare rusqlite | Ratio | p50 ms | p99 ms | fdatasync/s |\n\
             |---|---|--:|--:|--:|--:|--:|--:|--:|"
        )?;
    }
    for line in lines {
        let figures = line.figures(&cli.database);
        if cli.json {
            writeln!(out, "{}", serde_json::to_string(&figures)?)?;
        } else {
            writeln!(out, "{}", figures.row())?;
        }
    }
    Ok(())
}

impl Line {
    fn figures<'a>(&self, database: &'a str) -> Figures<'a> {
        let run = median_by(&self.runs, |run| run.load.per_s());
        let (per_s_min, per_s_max) = range_by(&self.runs, |run| run.load.per_s());
        let mut latencies = run.load.latencies.clone();
        let per_s = run.load.per_s();
        Figures {
            database,
            work: self.work,
            callers: self.callers,
            per_s: rounded(per_s, 0),
            bare_per_s: run.bare_per_s.map(|bare| rounded(bare, 0)),
            ratio: run.bare_per_s.map(|bare| rounded(per_s / bare, 3)),
            p50_ms: latencies.percentile_ms(50),
            p99_ms: latencies.percentile_ms(99),
            runs: self.runs.len(),
            per_s_min: rounded(per_s_min, 0),
            per_s_max: rounded(per_s_max, 0),
            fdatasync_per_s: rounded(run.fdatasync_per_s, 0),
        }
    }
}

impl Figures<'_> {
    fn row(&self) -> String {
        let or_dash =
            |value: Option<f64>, digits| value.map_or("-".to_owned(), |v| format!("{v:.digits$}"));
        format!(
            "| {} | {} | {} | {:.0} ({:.0} – {:.0}) | {} | {} | {:.2} | {:.2} | {:.0} |",
            self.database,
            self.work.name(),
            self.callers,
            self.per_s,
            self.per_s_min,
            self.per_s_max,
            or_dash(self.bare_per_s, 0),
            or_dash(self.ratio, 2),
            self.p50_ms,
            self.p99_ms,
            self.fdatasync_per_s,
        )
    }
}
