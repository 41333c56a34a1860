//! Measures `undertone predict --file FILE > OUTPUT` beside the engine alone, with the same texts, in pairs that
//! alternate.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;

use crate::bench::corpus::Corpus;
use crate::bench::interval::median_and_interval;
use crate::bench::table::table;
use crate::bench_engine::{EngineRun, Precision, cores, measure};
use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
pub(crate) struct BenchPredictArgs {
    /// How many texts
    #[arg(long, default_value_t = 100_000)]
    count: usize,
    /// Pairs of measurements
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// The precision of both
    #[arg(long, value_enum, default_value = "int8")]
    precision: Precision,
    /// The batch size of the engine
    #[arg(long, default_value_t = 32)]
    batch: u32,
    /// The texts: one per line, or a .tsv with a header line and the label last [default: generated sentences]
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// The model's folder [default: the bundled model]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// A program that is already built for release [default: build this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// The command line under test.
struct Predict<'a> {
    program: &'a Path,
    model: &'a Path,
    precision: Precision,
    /// What it writes to.
    output: &'a Path,
}

/// How many runs of one text measure the time until the model is loaded.
const STARTS: usize = 5;

/// Measures both in turn, and prints a row for each pair and the medians.
pub(crate) fn run(workspace: &Workspace, args: &BenchPredictArgs) -> anyhow::Result<()> {
    let corpus = match &args.texts {
        Some(_) => Corpus::read(args.texts.as_ref())?,
        None => Corpus::generated(args.count),
    };
    let folder = tempfile::tempdir()?;
    let [texts, one, output] = ["texts.txt", "one.txt", "output.jsonl"].map(|name| folder.path().join(name));
    corpus.write_lines(args.count, &texts)?;
    corpus.write_lines(1, &one)?;
    let count = args.count.min(corpus.len());
    let model = args.model.clone().unwrap_or_else(|| workspace.root().join("models/sentiment-minilm-l6"));
    let engine = workspace.build_program(Build::EngineBench)?;
    let program = args.program.clone().map_or_else(|| workspace.build_program(Build::Release), Ok)?;
    let predict = Predict { program: &program, model: &model, precision: args.precision, output: &output };
    let run = EngineRun {
        program: &engine,
        model: &model,
        texts: &texts,
        precision: args.precision,
        batches: &[args.batch],
        threads: cores()?,
        rounds: 1,
    };
    let starts = (0..STARTS).map(|_| predict.seconds(&one, 1)).collect::<anyhow::Result<Vec<_>>>();
    let (start, _, _) = median_and_interval(&mut starts?);
    println!("{}, the first {count} of them; a start takes {start:.2} s\n", corpus.origin());
    let (mut rows, mut ratios) = (Vec::new(), Vec::new());
    for pair in 0..args.pairs {
        let alone = || Ok::<_, anyhow::Error>(measure(&run)?.first().context("no figure")?.texts_per_second);
        let (alone, seconds) = if pair % 2 == 0 {
            let alone = alone()?;
            (alone, predict.seconds(&texts, count)?)
        } else {
            let seconds = predict.seconds(&texts, count)?;
            (alone()?, seconds)
        };
        let (whole, running) = (count as f64 / seconds, count as f64 / (seconds - start));
        ratios.push(whole / alone);
        rows.push(vec![
            (pair + 1).to_string(),
            format!("{alone:.0}"),
            format!("{whole:.0}"),
            format!("{:.3}", whole / alone),
            format!("{:.3}", running / alone),
        ]);
    }
    println!("{}\n", table(&["pair", "engine texts/s", "predict texts/s", "ratio", "without start"], &rows));
    let (ratio, from, to) = median_and_interval(&mut ratios);
    println!("predict / engine: {ratio:.3} (95 % from {from:.3} to {to:.3})");
    Ok(())
}

impl Predict<'_> {
    /// Classifies the file `texts` of `count` texts, from the start of the process to its end, and returns the seconds.
    fn seconds(&self, texts: &Path, count: usize) -> anyhow::Result<f64> {
        let mut command = Command::new(self.program);
        command.args(["predict", "--precision", self.precision.name()]).arg("--model").arg(self.model);
        command.arg("--file").arg(texts).stdin(Stdio::null()).stderr(Stdio::piped());
        // Without the settings of the folder that this is run in.
        let folder = self.output.parent().context("the output is in no folder")?;
        command.current_dir(folder).stdout(File::create(self.output)?);
        let started = Instant::now();
        let output = command.output().context("cannot run undertone predict")?;
        let seconds = started.elapsed().as_secs_f64();
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "undertone predict failed: {}: {message}", output.status);
        let lines = BufReader::new(File::open(self.output)?).lines().count();
        ensure!(lines == count, "undertone predict wrote {lines} lines for {count} texts");
        fs::remove_file(self.output)?;
        Ok(seconds)
    }
}
