use super::BenchPeersArgs;
use super::peers::{Peer, Python};
use super::rounds::Rounds;
use crate::bench::corpus::Corpus;
use crate::bench::table::table;
use crate::bench_engine::{EngineRun, Figure, Precision, cores, measure, percent};
use crate::workspace::{Build, Workspace};

/// A single text, and a batch that uses all cores.
const BATCHES: [u32; 2] = [1, 32];

/// The figures of one engine in all rounds, by batch size.
#[derive(Debug)]
struct Engine {
    name: &'static str,
    precision: Precision,
    peer: Option<Peer>,
    batches: [Figures; BATCHES.len()],
}

#[derive(Debug, Default)]
struct Figures {
    texts_per_second: Rounds,
    p50: Rounds,
    peak: Option<f64>,
    tokenizing: Option<f64>,
}

/// Measures the engines, alternating, and prints two tables: the figures of each, and Undertone's ratios to them.
pub(super) fn run(
    workspace: &Workspace,
    args: &BenchPeersArgs,
    python: &Python,
    corpus: &Corpus,
    peers: &[Peer],
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let texts = folder.path().join("texts.tsv");
    corpus.write_table(args.count, &texts)?;
    let (model, threads) = (args.undertone.model(workspace), cores()?);
    let batches = BATCHES.map(|batch| batch.to_string()).join(",");
    let program = workspace.build_program(Build::EngineBench)?;
    let mut engines = engines(peers);
    for round in 1..=args.rounds {
        for engine in &mut engines {
            eprintln!("xtask: round {round} of {}: {}", args.rounds, engine.name);
            let figures = match engine.peer {
                Some(peer) => python.measure(peer, &texts, &batches, threads)?,
                None => measure(&EngineRun {
                    program: &program,
                    model: &model,
                    texts: &texts,
                    precision: engine.precision,
                    batches: &BATCHES,
                    threads,
                    rounds: 3,
                })?,
            };
            engine.add(&figures);
        }
    }
    let count = args.count.min(corpus.len());
    println!("\nEngines, {count} texts, {threads} threads, tokenizing included: median (least–most)\n");
    println!("{}\n", table(&HEAD, &engines.iter().flat_map(Engine::rows).collect::<Vec<_>>()));
    println!("{}\n", table(&RATIO_HEAD, &ratios(&engines)));
    Ok(())
}

const HEAD: [&str; 6] = ["engine", "batch", "texts/s", "alone: p50 ms", "tokenizing", "of the peak"];
const RATIO_HEAD: [&str; 3] = ["Undertone beside", "batch 32: texts/s", "alone: p50"];

/// Returns the peers by precision, each precision led by Undertone.
fn engines(peers: &[Peer]) -> Vec<Engine> {
    let mut engines = Vec::new();
    for (precision, name) in [(Precision::Int8, "Undertone int8"), (Precision::F32, "Undertone f32")] {
        let same: Vec<Peer> = peers.iter().copied().filter(|peer| peer.precision() == precision).collect();
        if !same.is_empty() {
            engines.push(Engine { name, precision, peer: None, batches: Default::default() });
        }
        let peer = |peer: Peer| Engine {
            name: peer.name(),
            precision,
            peer: Some(peer),
            batches: Default::default(),
        };
        engines.extend(same.into_iter().map(peer));
    }
    engines
}

impl Engine {
    fn add(&mut self, figures: &[Figure]) {
        for (index, batch) in BATCHES.iter().enumerate() {
            if let Some(figure) = figures.iter().find(|figure| figure.batch == *batch) {
                let own = &mut self.batches[index];
                own.texts_per_second.push(figure.texts_per_second);
                own.p50.push(figure.p50_ms);
                own.peak = figure.peak_share.or(own.peak);
                own.tokenizing = figure.tokenizing_share.or(own.tokenizing);
            }
        }
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |(batch, figures): (&u32, &Figures)| {
            vec![
                self.name.to_owned(),
                batch.to_string(),
                figures.texts_per_second.show(0),
                // Engines compute different numbers of batches at once, so their times are not comparable.
                if *batch == 1 { figures.p50.show(2) } else { "–".to_owned() },
                percent(figures.tokenizing),
                percent(figures.peak),
            ]
        };
        BATCHES.iter().zip(&self.batches).map(row).collect()
    }
}

/// Returns the ratios of Undertone to each peer of the same precision.
fn ratios(engines: &[Engine]) -> Vec<Vec<String>> {
    let own =
        |precision| engines.iter().find(|engine| engine.peer.is_none() && engine.precision == precision);
    let row = |peer: &Engine| {
        let own = own(peer.precision)?;
        let [own_alone, own_batch] = &own.batches;
        let [alone, batch] = &peer.batches;
        let faster = own_batch.texts_per_second.over(&batch.texts_per_second);
        Some(vec![peer.name.to_owned(), faster.show(2), own_alone.p50.over(&alone.p50).show(2)])
    };
    engines.iter().filter(|engine| engine.peer.is_some()).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(batch: u32, texts_per_second: f64, p50_ms: f64) -> Figure {
        let (tokens_per_second, p99_ms) = (0.0, 0.0);
        let (peak_share, tokenizing_share) = (None, None);
        Figure { batch, texts_per_second, tokens_per_second, p50_ms, p99_ms, peak_share, tokenizing_share }
    }

    #[test]
    fn undertone_is_compared_with_peers_of_its_precision() {
        let mut engines = engines(&[Peer::OnnxInt8, Peer::TorchF32]);
        let names: Vec<&str> = engines.iter().map(|engine| engine.name).collect();
        assert_eq!(names, ["Undertone int8", "ONNX Runtime int8", "Undertone f32", "PyTorch f32"]);
        for (engine, speed) in engines.iter_mut().zip([400.0, 200.0, 300.0, 100.0]) {
            engine.add(&[figure(1, speed, 1.0 / speed), figure(32, speed, 1.0)]);
        }
        let ratios = ratios(&engines);
        assert_eq!(ratios[0], ["ONNX Runtime int8", "2.00", "0.50"]);
        assert_eq!(ratios[1][1], "3.00");
    }
}
