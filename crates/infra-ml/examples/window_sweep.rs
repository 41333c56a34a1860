//! Measures the accuracy and the time of a model on long texts with several windows and overlaps.
//!
//! ```text
//! cargo run --release -p infra-ml --example window_sweep -- MODEL_FOLDER FILE.tsv [EVERY [WINDOW:OVERLAP …]]
//! ```
//!
//! The file has a header line, then lines of `text<TAB>label` with 0 for negative and 1 for positive. Only every
//! `EVERY`th row is used. A prediction is correct if the more likely of negative and positive is the label.

use std::error::Error;
use std::time::Instant;
use std::{env, fs};

use application::ports::{Admission, RunningModel};
use domain::value_objects::{
    InputText, ModelOutput, PredictionOptions, PredictionResult, ReadOptions, TenantId, TextLimits,
};
use infra_ml::{LocalModelLoader, ModelSettings};

type Failure = Box<dyn Error>;

/// The default windows and overlaps.
const CUTS: &str = "64:0 64:16 96:0 96:32 126:0 126:32 126:64 192:0 192:64 256:0 256:64 510:0 510:64";

struct Row {
    text: InputText,
    positive: bool,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, file, rest @ ..] = &arguments[..] else {
        return Err("usage: window_sweep MODEL_FOLDER FILE.tsv [EVERY [WINDOW:OVERLAP …]]".into());
    };
    let every = rest.first().map_or(Ok(1), |every| every.parse())?;
    let cuts = rest.get(1..).filter(|cuts| !cuts.is_empty()).map_or(CUTS.to_owned(), |cuts| cuts.join(" "));
    let rows = read(file, every)?;
    println!("{} rows", rows.len());
    println!("| Window | Overlap | Accuracy | Accuracy, more than 126 tokens | Windows | Seconds |");
    println!("|---|---|---|---|---|---|");
    for cut in cuts.split_whitespace() {
        let (window, overlap) = cut.split_once(':').ok_or("a cut is WINDOW:OVERLAP")?;
        measure(model, window.parse()?, overlap.parse()?, &rows).await?;
    }
    Ok(())
}

fn read(file: &str, every: usize) -> Result<Vec<Row>, Failure> {
    let limits = TextLimits { max_chars: 100_000 };
    let row = |line: &str| {
        let (text, label) = line.rsplit_once('\t').ok_or("a line has no tab")?;
        let text = InputText::parse(text, limits).map_err(|error| format!("{error:?}"))?;
        Ok(Row { text, positive: label == "1" })
    };
    fs::read_to_string(file)?.lines().skip(1).step_by(every.max(1)).map(row).collect()
}

async fn measure(model: &str, window: u32, overlap: u32, rows: &[Row]) -> Result<(), Failure> {
    let settings =
        ModelSettings { window: Some(window), overlap: Some(overlap), ..ModelSettings::new(model) };
    let (RunningModel { gateway, lifecycle }, loading) =
        LocalModelLoader::default().resolve(settings)?.start();
    loading.await?;
    let texts: Vec<&InputText> = rows.iter().map(|row| &row.text).collect();
    let started = Instant::now();
    let outputs = gateway
        .classify(&TenantId::default(), &texts, ReadOptions::default(), Admission::BulkNext.into())
        .await?;
    let seconds = started.elapsed().as_secs_f64();
    lifecycle.stop().await;
    let outputs: Vec<ModelOutput> = outputs.into_iter().collect::<Result<_, _>>()?;
    let windows: u32 = outputs.iter().map(|output| output.usage.windows).sum();
    let all = accuracy(rows, &outputs, 0);
    let long = accuracy(rows, &outputs, 127);
    println!("| {window} | {overlap} | {all} | {long} | {windows} | {seconds:.1} |");
    Ok(())
}

/// The accuracy on the texts of at least `tokens` tokens.
fn accuracy(rows: &[Row], outputs: &[ModelOutput], tokens: u32) -> String {
    let correct: Vec<bool> = rows
        .iter()
        .zip(outputs)
        .filter(|(_, output)| output.usage.tokens >= tokens)
        .map(|(row, output)| {
            let scores = PredictionResult::from_output(output, &PredictionOptions::default()).scores();
            (scores.positive > scores.negative) == row.positive
        })
        .collect();
    let hits = correct.iter().filter(|correct| **correct).count();
    format!("{:.2}% of {}", 100.0 * hits as f64 / correct.len().max(1) as f64, correct.len())
}
