//! The figures: a line for each flow and number of connections, as JSON or as a table.

use std::io::Write as _;

use anyhow::Result;
use keymoor_bench::samples::{median_by, range_by, rounded};
use serde::Serialize;

use super::flows::Flow;
use super::limits::Limit;
use super::load::Load;

/// One run, with the limits measured around it.
pub(crate) struct Run {
    pub(crate) load: Load,
    pub(crate) limit: Limit,
}

impl Run {
    fn ratio(&self) -> f64 {
        self.load.per_s() / self.limit.per_s()
    }
}

/// All runs of one flow with one number of connections.
pub(crate) struct Line {
    database: String,
    pub(crate) flow: Flow,
    pub(crate) connections: usize,
    pub(crate) runs: Vec<Run>,
}

/// The reported figures of a line: the run with the median ratio, and how far the others were from
/// it.
#[derive(Serialize)]
struct Figures<'a> {
    database: &'a str,
    flow: Flow,
    connections: usize,
    per_s: f64,
    /// What the server's core would do of the flow's bare parts.
    limit_per_s: f64,
    ratio: f64,
    ratio_to_cryptography: f64,
    p50_ms: f64,
    p99_ms: f64,
    runs: usize,
    ratio_min: f64,
    ratio_max: f64,
    per_s_min: f64,
    per_s_max: f64,
    /// Processor time of the server for one ceremony, and of its bare parts, of which this much is
    /// cryptography.
    server_us: f64,
    limit_us: f64,
    cryptography_us: f64,
    /// Shares of their cores.
    server_busy: f64,
    generator_idle: f64,
    /// The parts of the limit by themselves.
    cryptography_per_s: f64,
    fdatasync_per_s: f64,
    empty_handler_per_s: f64,
    /// Processor time of one, in microseconds.
    fdatasync_us: f64,
    empty_handler_us: f64,
}

impl Line {
    pub(crate) fn new(database: &str, flow: Flow, connections: usize) -> Self {
        Self {
            database: database.to_owned(),
            flow,
            connections,
            runs: Vec::new(),
        }
    }

    fn figures(&self) -> Figures<'_> {
        let run = median_by(&self.runs, Run::ratio);
        let (ratio_min, ratio_max) = range_by(&self.runs, Run::ratio);
        let (per_s_min, per_s_max) = range_by(&self.runs, |run| run.load.per_s());
        let mut latencies = run.load.latencies.clone();
        let per_s = rounded(run.load.per_s(), 1);
        let limit_per_s = rounded(run.limit.per_s(), 1);
        Figures {
            database: &self.database,
            flow: self.flow,
            connections: self.connections,
            per_s,
            limit_per_s,
            ratio: rounded(per_s / limit_per_s, 4),
            ratio_to_cryptography: rounded(per_s / run.limit.cryptography.per_s, 4),
            p50_ms: latencies.percentile_ms(50),
            p99_ms: latencies.percentile_ms(99),
            runs: self.runs.len(),
            ratio_min: rounded(ratio_min, 4),
            ratio_max: rounded(ratio_max, 4),
            per_s_min: rounded(per_s_min, 1),
            per_s_max: rounded(per_s_max, 1),
            server_us: rounded(run.load.server_us(), 1),
            limit_us: rounded(run.limit.us(), 1),
            cryptography_us: rounded(run.limit.cryptography.us, 1),
            server_busy: rounded(run.load.server_busy(), 2),
            generator_idle: rounded(run.load.generator_idle(), 2),
            cryptography_per_s: rounded(run.limit.cryptography.per_s, 0),
            fdatasync_per_s: rounded(run.limit.durable.per_s, 0),
            empty_handler_per_s: rounded(run.limit.empty_handler.per_s, 0),
            fdatasync_us: rounded(run.limit.durable.us, 1),
            empty_handler_us: rounded(run.limit.empty_handler.us, 1),
        }
    }
}

impl Figures<'_> {
    const HEAD: &'static str = "\
| Database | Flow | Connections | Per second (min – max) | Limit | Ratio (min – max) | Ratio to cryptography | p50 ms | p99 ms | \
Server µs | Limit µs | Cryptography µs | fdatasync µs | Empty handler µs | Server busy | Generator idle |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";

    fn row(&self) -> String {
        let Self {
            database,
            connections,
            ..
        } = self;
        let flow = match self.flow {
            Flow::Bind => "bind",
            Flow::SignIn => "sign_in",
            Flow::ClientCredentials => "client_credentials",
        };
        format!(
            "| {database} | {flow} | {connections} | {:.0} ({:.0} – {:.0}) | {:.0} | {:.2} ({:.2} – {:.2}) | {:.2} | {:.2} | {:.2} \
             | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.2} | {:.2} |",
            self.per_s,
            self.per_s_min,
            self.per_s_max,
            self.limit_per_s,
            self.ratio,
            self.ratio_min,
            self.ratio_max,
            self.ratio_to_cryptography,
            self.p50_ms,
            self.p99_ms,
            self.server_us,
            self.limit_us,
            self.cryptography_us,
            self.fdatasync_us,
            self.empty_handler_us,
            self.server_busy,
            self.generator_idle,
        )
    }
}

/// Writes all lines to standard output.
pub(crate) fn print(lines: &[Line], json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if !json {
        writeln!(out, "{}", Figures::HEAD)?;
    }
    for line in lines {
        let figures = line.figures();
        if json {
            writeln!(out, "{}", serde_json::to_string(&figures)?)?;
        } else {
            writeln!(out, "{}", figures.row())?;
        }
    }
    Ok(())
}
