use super::Target;
use crate::bench::corpus::Corpus;
use crate::bench::load::{Load, LoadResult};
use crate::bench::resident::PeakMemory;
use crate::bench::server::Server;
use crate::bench::table::{megabytes, millis, table};

/// How long load is sent before the measurement, so that first requests do not count.
pub(super) const WARM_UP_SECONDS: u64 = 3;

/// Measures each number of connections.
pub(super) fn run(
    target: &mut Target,
    corpus: &Corpus,
    connections: &[u32],
    seconds: u64,
) -> anyhow::Result<()> {
    println!("texts: {}; {seconds} s for each row\n", corpus.origin());
    let mut load = Load::new(corpus, target.run)?;
    load.run(&target.url, 16, WARM_UP_SECONDS)?;
    let mut rows = Vec::new();
    for connections in connections {
        let peak = target.server.as_ref().map(Server::peak_memory);
        let result = load.run(&target.url, *connections, seconds)?;
        let peak = peak.and_then(PeakMemory::bytes);
        rows.push(row(*connections, &result, target.resident(), peak));
        target.ensure_running()?;
    }
    println!("{}", table(&HEAD, &rows));
    Ok(())
}

const HEAD: [&str; 10] = [
    "connections",
    "answers/s",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "max ms",
    "not 2xx",
    "errors",
    "MB",
    "most MB",
];

fn row(connections: u32, result: &LoadResult, resident: Option<u64>, peak: Option<u64>) -> Vec<String> {
    vec![
        connections.to_string(),
        format!("{:.0}", result.answers_per_second()),
        millis(result.p50),
        millis(result.p90),
        millis(result.p99),
        millis(result.max),
        result.refused.to_string(),
        result.failed.to_string(),
        megabytes(resident),
        megabytes(peak),
    ]
}
