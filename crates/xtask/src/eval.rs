//! Measures accuracy as a client sees it: sends labeled texts to a running server and compares the results with the
//! figures of the model card.

mod client;
mod figures;
mod labeled;
mod measures;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use crate::eval::client::Client;
use crate::eval::figures::{Figure, ModelCard, table};
use crate::eval::labeled::{Classes, SETS, read};
use crate::eval::measures::{accuracy_of_three, accuracy_of_two, calibration_error, macro_recall};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// The server, such as http://127.0.0.1:8000
    #[arg(long)]
    url: String,
    /// The folder of the labeled sets: `sst2_dev.tsv`, `sst2_test.tsv`, `tweeteval_sentiment_test.tsv`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The model card to compare with [default: that of the bundled model]
    #[arg(long, value_name = "FILE")]
    model_card: Option<PathBuf>,
    /// Concurrent requests
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// The largest accepted difference from the model card, in percentage points
    #[arg(long, default_value_t = 0.2)]
    tolerance: f64,
}

/// Measures every set and prints a table. The exit code is a failure if a figure differs from the model card by more
/// than the tolerance.
pub(crate) fn run(workspace: &Workspace, args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let bundled = || workspace.root().join("models/sentiment-minilm-l6/metrics.json");
    let card = ModelCard::read(&args.model_card.clone().unwrap_or_else(bundled))?;
    let client = Client::new(&args.url);
    let mut figures = Vec::new();
    for set in &SETS {
        let items = read(&args.data.join(set.file), set.classes)?;
        let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
        let labels: Vec<usize> = items.iter().map(|item| item.label).collect();
        let started = Instant::now();
        let scores = client.classify(&texts, args.concurrency)?;
        eprintln!("{}: {} texts in {:.1} s", set.file, texts.len(), started.elapsed().as_secs_f64());
        let measured = match set.classes {
            Classes::Two => vec![("accuracy_pos_vs_neg", accuracy_of_two(&labels, &scores))],
            Classes::Three => vec![
                ("accuracy", accuracy_of_three(&labels, &scores)),
                ("macro_recall", macro_recall(&labels, &scores)),
                ("ece", calibration_error(&labels, &scores)),
            ],
        };
        for (measure, measured) in measured {
            let expected = card.figure(set.name, measure)?;
            figures.push(Figure { set: set.name, size: texts.len(), measure, measured, expected });
        }
    }
    println!("{}", table(&figures));
    let far = figures.iter().filter(|figure| figure.points().abs() > args.tolerance).count();
    if far > 0 {
        eprintln!(
            "{far} of {} figures differ from the model card by more than {} points",
            figures.len(),
            args.tolerance
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
