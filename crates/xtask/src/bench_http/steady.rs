use super::Target;
use crate::bench::corpus::Corpus;
use crate::bench::load::{Load, Seen};
use crate::bench::server::Server;
use crate::bench::table::{megabytes, millis, table};

/// A load that is not measured comes first: what is made at the first request is made then.
pub(super) const WARM_UP_SECONDS: u64 = 3;

/// Measures each number of connections in its turn.
pub(super) fn run(
    target: &mut Target,
    corpus: &Corpus,
    connections: &[u32],
    seconds: u64,
) -> anyhow::Result<()> {
    println!("texts: {}; {seconds} s for each row\n", corpus.origin());
    let mut load = Load::new(corpus, target.turn)?;
    load.run(&target.url, 16, WARM_UP_SECONDS)?;
    let mut rows = Vec::new();
    for connections in connections {
        let watch = target.server.as_ref().map(Server::watch);
        let seen = load.run(&target.url, *connections, seconds)?;
        let most = watch.and_then(crate::bench::resident::Watch::most);
        rows.push(row(*connections, &seen, target.resident(), most));
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

fn row(connections: u32, seen: &Seen, resident: Option<u64>, most: Option<u64>) -> Vec<String> {
    vec![
        connections.to_string(),
        format!("{:.0}", seen.answers_per_second()),
        millis(seen.p50),
        millis(seen.p90),
        millis(seen.p99),
        millis(seen.max),
        seen.refused.to_string(),
        seen.failed.to_string(),
        megabytes(resident),
        megabytes(most),
    ]
}
