use anyhow::Context;

use super::BenchPeersArgs;
use super::agreement::Expected;
use super::peers::{Peer, Python, Setting};
use super::rounds::Rounds;
use crate::bench::corpus::Corpus;
use crate::bench::load::Load;
use crate::bench::server::Server;
use crate::bench::table::{megabytes, table};
use crate::bench::undertone::Undertone;
use crate::bench_engine::cores;
use crate::workspace::Workspace;

/// A single client, and many.
const CONNECTIONS: [u32; 2] = [1, 64];
const WARM_UP_SECONDS: u64 = 3;

/// The figures of one server in all rounds, by number of connections.
#[derive(Debug)]
struct Contender {
    name: String,
    /// `None` for Undertone.
    peer: Option<(Peer, Setting)>,
    loads: [Figures; CONNECTIONS.len()],
    start: Rounds,
    peak_memory: Option<u64>,
}

#[derive(Debug, Default)]
struct Figures {
    answers_per_second: Rounds,
    p50: Rounds,
    p99: Rounds,
    faults: u64,
}

/// Measures the servers, alternating, and prints two tables: the figures of each, and Undertone's ratios to them.
pub(super) fn run(
    workspace: &Workspace,
    args: &BenchPeersArgs,
    python: &Python,
    corpus: &Corpus,
    peers: &[Peer],
) -> anyhow::Result<()> {
    let undertone = Undertone::prepare(workspace, &args.undertone)?;
    let place = workspace.target()?;
    let mut contenders = contenders(peers, cores()?);
    let mut expected = None;
    for round in 1..=args.rounds {
        for contender in &mut contenders {
            eprintln!("xtask: round {round} of {}: {}", args.rounds, contender.name);
            let mut server = match contender.peer {
                Some((peer, setting)) => Server::start(&place, |port, _| python.serve(peer, setting, port))?,
                None => undertone.start()?,
            };
            if round == 1 {
                let agreement = agree(contender, server.address(), corpus, &mut expected);
                eprintln!("xtask: {}", agreement.with_context(|| contender.name.clone())?);
            }
            contender.measure(&mut server, corpus, args.seconds)?;
        }
    }
    println!("\nServers, {} s for each figure: median (least–most)\n", args.seconds);
    println!("{}\n", table(&HEAD, &contenders.iter().flat_map(Contender::rows).collect::<Vec<_>>()));
    println!("{}\n", table(&RATIO_HEAD, &ratios(&contenders, peers)));
    Ok(())
}

const HEAD: [&str; 8] =
    ["server", "connections", "answers/s", "p50 ms", "p99 ms", "faults", "most MB", "start s"];
const RATIO_HEAD: [&str; 4] = ["Undertone beside", "64: answers/s", "alone: answers/s", "alone: p50"];

/// Compares a peer's predictions with Undertone's, which are made first.
fn agree(
    contender: &Contender,
    address: &str,
    corpus: &Corpus,
    expected: &mut Option<Expected>,
) -> anyhow::Result<String> {
    match (&contender.peer, expected) {
        (Some(_), Some(expected)) => expected.check(address),
        (_, expected) => {
            *expected = Some(Expected::of_undertone(address, corpus)?);
            Ok("the peers must agree with these predictions".to_owned())
        }
    }
}

fn contenders(peers: &[Peer], cores: usize) -> Vec<Contender> {
    let contender = |name, peer| Contender {
        name,
        peer,
        loads: Default::default(),
        start: Rounds::default(),
        peak_memory: None,
    };
    let mut contenders = vec![contender("Undertone, storing".to_owned(), None)];
    for peer in peers {
        for setting in peer.settings(cores) {
            let name = format!("{}, {}×{}", peer.name(), setting.workers, setting.threads);
            contenders.push(contender(name, Some((*peer, setting))));
        }
    }
    contenders
}

impl Contender {
    fn measure(&mut self, server: &mut Server, corpus: &Corpus, seconds: u64) -> anyhow::Result<()> {
        self.start.push(server.start_to_ready().as_secs_f64());
        let mut load = Load::new(corpus, 0)?;
        // Many connections, so that every worker has started before the measurement.
        load.run(server.address(), 64, WARM_UP_SECONDS)?;
        let peak = server.peak_memory();
        for (index, connections) in CONNECTIONS.iter().enumerate() {
            let result = load.run(server.address(), *connections, seconds)?;
            server.ensure_running()?;
            let figures = &mut self.loads[index];
            figures.answers_per_second.push(result.answers_per_second());
            figures.p50.push(result.p50 as f64 / 1e3);
            figures.p99.push(result.p99 as f64 / 1e3);
            figures.faults += result.faults();
        }
        self.peak_memory = self.peak_memory.max(peak.bytes());
        Ok(())
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |(connections, figures): (&u32, &Figures)| {
            vec![
                self.name.clone(),
                connections.to_string(),
                figures.answers_per_second.show(0),
                figures.p50.show(2),
                figures.p99.show(2),
                figures.faults.to_string(),
                megabytes(self.peak_memory),
                self.start.show(2),
            ]
        };
        CONNECTIONS.iter().zip(&self.loads).map(row).collect()
    }
}

/// Returns the ratios of Undertone to each peer, for each figure with the setting that is better for the peer.
fn ratios(contenders: &[Contender], peers: &[Peer]) -> Vec<Vec<String>> {
    let Some(own) = contenders.iter().find(|contender| contender.peer.is_none()) else { return Vec::new() };
    let [own_alone, own_many] = &own.loads;
    let row = |peer: &Peer| {
        let measured =
            contenders.iter().filter(|contender| contender.peer.is_some_and(|(its, _)| its == *peer));
        let (alone, many): (Vec<&Figures>, Vec<&Figures>) =
            measured.map(|contender| (&contender.loads[0], &contender.loads[1])).unzip();
        let fastest = |loads: &[&Figures]| best(loads.iter().map(|figures| &figures.answers_per_second), 1.0);
        let many = own_many.answers_per_second.over(&fastest(&many));
        let throughput = own_alone.answers_per_second.over(&fastest(&alone));
        let soonest = best(alone.iter().map(|figures| &figures.p50), -1.0);
        let p50 = own_alone.p50.over(&soonest);
        vec![peer.name().to_owned(), many.show(2), throughput.show(2), p50.show(2)]
    };
    peers.iter().map(row).collect()
}

/// Returns the rounds with the largest median; with the smallest if `sign` is −1.
fn best<'a>(rounds: impl Iterator<Item = &'a Rounds>, sign: f64) -> Rounds {
    let better = |one: &&Rounds, other: &&Rounds| (sign * one.median()).total_cmp(&(sign * other.median()));
    rounds.max_by(better).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_is_compared_with_the_better_setting_of_the_peer() {
        let mut contenders = contenders(&[Peer::FastapiInt8], 2);
        assert_eq!(contenders.len(), 3);
        // Undertone; the peer with one worker, faster for one client; with two, faster for many.
        for (contender, (alone, many)) in
            contenders.iter_mut().zip([(400.0, 900.0), (200.0, 250.0), (100.0, 300.0)])
        {
            for (figures, speed) in contender.loads.iter_mut().zip([alone, many]) {
                figures.answers_per_second.push(speed);
                figures.p50.push(1.0 / speed);
            }
        }
        let ratios = ratios(&contenders, &[Peer::FastapiInt8]);
        let expected = ["FastAPI + ONNX Runtime int8", "3.00", "2.00", "0.50"];
        assert_eq!(ratios, [expected]);
    }
}
