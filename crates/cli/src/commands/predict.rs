mod input;
mod options;
mod output;
mod progress;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use application::dtos::{PredictItem, PredictSentimentBatchRequest, PredictSentimentResponse};
use application::errors::BoxError;
use application::use_cases::PredictSentimentBatchUseCase;
use clap::{Args, ValueEnum};
use domain::value_objects::{PredictionOptions, RawOptions};

use crate::failure::Failure;
use crate::program::{Opened, Program};
use crate::terminal::Terminal;

use self::input::{Input, Row};
use self::options::OptionArgs;
use self::output::Output;
use self::progress::Progress;

#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// Text to classify; without it, texts are read from --file or standard input
    text: Option<String>,
    /// File of texts: .csv (with a header), .jsonl (objects with "text" and optionally "ref" and "metadata"), else one
    /// text per line
    #[arg(long, short, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// Format of the input [default: by the extension of --file, else text]
    #[arg(long, value_enum)]
    input_format: Option<InputFormat>,
    /// CSV column that holds the text
    #[arg(long, default_value = "text", value_name = "COLUMN")]
    text_column: String,
    /// File to write the predictions to [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Format of the output [default: by the extension of --output, else jsonl]
    #[arg(long, value_enum)]
    format: Option<OutputFormat>,
    /// Store the predictions, as the server does
    #[arg(long)]
    keep: bool,
    /// Configured model to predict with: the NAME of a section models.NAME [default: that of the section model]
    #[arg(long, value_name = "NAME")]
    model_name: Option<String>,
    #[command(flatten)]
    options: OptionArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InputFormat {
    /// One text per line
    Text,
    /// Comma-separated values with a header
    Csv,
    /// One JSON object per line
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// One JSON object per line
    Jsonl,
    /// Comma-separated values: the columns of the input, then those of the prediction
    Csv,
}

/// The number of texts in one call of the use case.
const BATCH: usize = 256;

/// The prediction of a row, or why there is none.
type Outcome = Result<PredictSentimentResponse, String>;

/// Why `predict` fails.
#[derive(Debug, thiserror::Error)]
enum PredictError {
    #[error("cannot open {}", .path.display())]
    OpenInput { path: PathBuf, source: io::Error },
    #[error("cannot create {}", .path.display())]
    CreateOutput { path: PathBuf, source: io::Error },
    #[error("{failed} texts have no prediction; the output says why")]
    FailedTexts { failed: usize },
}

pub(super) async fn run<P: Program>(
    program: &P,
    args: &PredictArgs,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let options = RawOptions::from(&args.options);
    PredictionOptions::parse(&options).map_err(Failure::set_up)?;
    let progress = Progress::new();
    // A file that cannot be read is reported before the model is loaded, which takes a while.
    let input = open_input(args, &progress)?;
    let model = args.model_name.as_deref();
    let opened = program.open_predictor(model, args.keep, terminal.download_bars()).await;
    let Opened { part: predict, close } = opened.map_err(Failure::set_up)?;
    progress.show();
    let outcome = predict_all::<P>(args, &options, &predict, input, &progress).await;
    drop(predict);
    close.await;
    match outcome? {
        0 => Ok(()),
        failed => Err(PredictError::FailedTexts { failed }.into()),
    }
}

/// Reads, predicts and writes one batch at a time, and returns how many texts failed.
async fn predict_all<P: Program>(
    args: &PredictArgs,
    options: &RawOptions,
    predict: &PredictSentimentBatchUseCase,
    mut input: Input,
    progress: &Progress,
) -> Result<usize, BoxError> {
    let mut output = open_output(args, input.columns())?;
    let mut failed = 0;
    loop {
        let rows = input.next_rows(BATCH)?;
        if rows.is_empty() {
            break;
        }
        let outcomes = predict_batch(predict, &rows, options).await?;
        for (row, outcome) in rows.iter().zip(&outcomes) {
            failed += usize::from(outcome.is_err());
            output.write::<P>(row, outcome)?;
        }
        progress.add(rows.len());
    }
    output.finish()?;
    progress.finish();
    Ok(failed)
}

/// Returns the outcomes of `rows` in their order; the error of a row that could not be read is its outcome.
async fn predict_batch(
    predict: &PredictSentimentBatchUseCase,
    rows: &[Row],
    options: &RawOptions,
) -> Result<Vec<Outcome>, BoxError> {
    let items: Vec<PredictItem> = rows.iter().filter_map(|row| row.item.as_ref().ok()).cloned().collect();
    let options = options.clone();
    let request = PredictSentimentBatchRequest { items, options, ..Default::default() };
    let mut predictions = predict.execute(request).await?.items.into_iter();
    let outcome = |row: &Row| match &row.item {
        Ok(_) => match predictions.next() {
            Some(prediction) => prediction.map_err(|error| error.to_string()),
            None => Err("the model returned no output".to_owned()),
        },
        Err(problem) => Err(problem.clone()),
    };
    Ok(rows.iter().map(outcome).collect())
}

fn open_input(args: &PredictArgs, progress: &Progress) -> Result<Input, BoxError> {
    if let Some(text) = &args.text {
        return Ok(Input::one(text));
    }
    let format = args.input_format.unwrap_or_else(|| match extension(args.file.as_deref()) {
        Some("csv") => InputFormat::Csv,
        Some("jsonl" | "ndjson") => InputFormat::Jsonl,
        _ => InputFormat::Text,
    });
    let reader: Box<dyn Read> = match &args.file {
        Some(path) => {
            let file = File::open(path);
            let file = file.map_err(|source| PredictError::OpenInput { path: path.clone(), source })?;
            Box::new(progress.of_file(file))
        }
        None => Box::new(io::stdin()),
    };
    Ok(Input::open(reader, format, &args.text_column)?)
}

fn open_output(args: &PredictArgs, columns: &[String]) -> Result<Output, BoxError> {
    let format = args.format.unwrap_or_else(|| match extension(args.output.as_deref()) {
        Some("csv") => OutputFormat::Csv,
        _ => OutputFormat::Jsonl,
    });
    let writer: Box<dyn Write> = match &args.output {
        Some(path) => {
            let file = File::create(path);
            Box::new(file.map_err(|source| PredictError::CreateOutput { path: path.clone(), source })?)
        }
        None => Box::new(io::stdout()),
    };
    Output::open(writer, format, columns, args.keep)
}

fn extension(path: Option<&Path>) -> Option<&str> {
    path?.extension()?.to_str()
}
