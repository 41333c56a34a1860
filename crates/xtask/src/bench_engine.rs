//! Measures the engine alone with the example `engine_bench` of `infra-ml`, and prints a table.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::bench::corpus::Corpus;
use crate::bench::table::table;
use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
pub(crate) struct BenchEngineArgs {
    /// The precision; may be given twice [default: both]
    #[arg(long, value_enum)]
    precision: Vec<Precision>,
    /// Batch sizes
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32, 128])]
    batch: Vec<u32>,
    /// Compute threads [default: one per core]
    #[arg(long)]
    threads: Option<usize>,
    /// The texts: one per line, or a .tsv with a header line and the label last [default: generated sentences]
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// How many of the texts
    #[arg(long, default_value_t = 1024)]
    count: usize,
    /// How many times each figure is measured; the best is printed
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// The model's folder [default: the bundled model]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
}

/// A precision of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    F32,
    Int8,
}

impl Precision {
    /// Returns its name in options and tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }
}

/// One measurement of an engine; its times are those of a batch.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Figure {
    pub(crate) batch: u32,
    pub(crate) texts_per_second: f64,
    pub(crate) tokens_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// The fraction of the cores' peak multiplication rate.
    pub(crate) peak_share: Option<f64>,
    /// The fraction of the time.
    pub(crate) tokenizing_share: Option<f64>,
}

/// A run of the engine's example.
#[derive(Debug)]
pub(crate) struct EngineRun<'a> {
    /// The example, in the release profile.
    pub(crate) program: &'a Path,
    pub(crate) model: &'a Path,
    /// A table with a header line and the text in the first column.
    pub(crate) texts: &'a Path,
    pub(crate) precision: Precision,
    pub(crate) batches: &'a [u32],
    pub(crate) threads: usize,
    pub(crate) rounds: u32,
}

/// Measures each precision with each batch size, and prints a table.
pub(crate) fn run(workspace: &Workspace, args: &BenchEngineArgs) -> anyhow::Result<()> {
    let corpus = Corpus::read(args.texts.as_ref())?;
    let folder = tempfile::tempdir()?;
    let texts = folder.path().join("texts.tsv");
    corpus.write_table(args.count, &texts)?;
    let threads = args.threads.map_or_else(cores, Ok)?;
    let model = args.model.clone().unwrap_or_else(|| workspace.root().join("models/sentiment-minilm-l6"));
    let both = [Precision::Int8, Precision::F32];
    let precisions = if args.precision.is_empty() { &both[..] } else { &args.precision };
    let program = workspace.build_program(Build::EngineBench)?;
    let mut rows = Vec::new();
    for precision in precisions {
        let run = EngineRun {
            program: &program,
            model: &model,
            texts: &texts,
            precision: *precision,
            batches: &args.batch,
            threads,
            rounds: args.rounds,
        };
        rows.extend(measure(&run)?.iter().map(|figure| row(precision.name(), figure)));
    }
    println!("{}; the first {} of them; {threads} threads\n", corpus.origin(), args.count.min(corpus.len()));
    println!("{}", table(&HEAD, &rows));
    Ok(())
}

const HEAD: [&str; 7] = ["precision", "batch", "texts/s", "tokens/s", "p50 ms", "p99 ms", "of the peak"];

fn row(precision: &str, figure: &Figure) -> Vec<String> {
    vec![
        precision.to_owned(),
        figure.batch.to_string(),
        format!("{:.0}", figure.texts_per_second),
        format!("{:.0}", figure.tokens_per_second),
        format!("{:.2}", figure.p50_ms),
        format!("{:.2}", figure.p99_ms),
        percent(figure.peak_share),
    ]
}

/// Formats a fraction in percent; a dash if it is unknown.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// Returns the number of this machine's cores.
pub(crate) fn cores() -> anyhow::Result<usize> {
    Ok(std::thread::available_parallelism()?.get())
}

/// Runs the example and reads its figures.
pub(crate) fn measure(run: &EngineRun<'_>) -> anyhow::Result<Vec<Figure>> {
    let mut command = Command::new(run.program);
    command.arg(run.model).arg(run.texts).args(["--precision", run.precision.name()]);
    let batches: Vec<String> = run.batches.iter().map(u32::to_string).collect();
    command.args(["--batch", &batches.join(","), "--threads", &run.threads.to_string()]);
    command.args(["--rounds", &run.rounds.to_string(), "--json"]);
    let output = command.stderr(Stdio::inherit()).output().context("cannot run engine_bench")?;
    ensure!(output.status.success(), "engine_bench failed: {}", output.status);
    figures(&String::from_utf8_lossy(&output.stdout))
}

/// Parses the lines that are JSON objects.
pub(crate) fn figures(output: &str) -> anyhow::Result<Vec<Figure>> {
    let lines = output.lines().filter(|line| line.starts_with('{'));
    let figures: Vec<Figure> = lines
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<Result<_, _>>()?;
    ensure!(!figures.is_empty(), "the output has no figures: {output}");
    Ok(figures)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn figures_are_the_json_lines_of_the_output() {
        let output = "loading\n{\"precision\":\"int8\",\"batch\":32,\"texts_per_second\":900.5,\"p50_ms\":1.0,\
                    \"p99_ms\":2.0,\"tokens_per_second\":20000.0,\"peak_share\":0.25}\n";
        let figures = figures(output).unwrap();
        assert_eq!(row("int8", &figures[0])[1..], ["32", "900", "20000", "1.00", "2.00", "25.0 %"]);
        assert!(super::figures("nothing\n").is_err());
    }
}
