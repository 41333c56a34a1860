//! `undertone predict`: texts in, answers out, without a server; for one text, a pipe or a file of any length.

mod input;
mod options;
mod output;

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use application::dtos::{PredictItem, PredictSentimentBatchRequest, PredictSentimentResponse};
use application::use_cases::PredictSentimentBatchUseCase;
use clap::{Args, ValueEnum};
use domain::value_objects::{PredictionOptions, RawOptions, TenantId};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::Failure;
use crate::config::Settings;
use crate::container::{self, Models, Store};

use self::input::{Input, Row};
use self::options::OptionArgs;
use self::output::Output;

#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// The text; without one, texts are read from --file or from standard input
    text: Option<String>,
    /// A file of texts: .csv with a header, .jsonl with {"text", "ref"?, "metadata"?} a line, else a text a line
    #[arg(long, short, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// The form of the input; by default told by the file's name
    #[arg(long, value_enum)]
    input_format: Option<InputFormat>,
    /// The CSV column that holds the text
    #[arg(long, default_value = "text", value_name = "COLUMN")]
    text_column: String,
    /// Where answers go; by default standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The form of the answers; by default told by the output file's name
    #[arg(long, value_enum)]
    format: Option<OutputFormat>,
    /// Keep the answers in the store, as the server would
    #[arg(long)]
    keep: bool,
    /// Which of the configured models judges (the NAME of models.NAME); by default that of the section model
    #[arg(long, value_name = "NAME")]
    model_name: Option<String>,
    #[command(flatten)]
    options: OptionArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InputFormat {
    /// A text a line
    Text,
    /// Comma-separated values with a header
    Csv,
    /// A JSON object a line
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// A JSON object a line
    Jsonl,
    /// Comma-separated values: the input's columns, then the answer's
    Csv,
}

/// The texts that are given to the model together.
const BATCH: usize = 256;

/// An answer, or why there is none, beside the row it is for.
type Answer = Result<PredictSentimentResponse, String>;

/// Judges what the arguments name.
pub(super) fn run(settings: &Settings, args: &PredictArgs) -> Result<(), Failure> {
    let options = RawOptions::from(&args.options);
    PredictionOptions::parse(&options).map_err(|error| Failure::set_up(error.into()))?;
    let progress = Progress::new();
    // Before the model is loaded, which takes a while.
    let input = open_input(args, &progress)?;
    super::block_on(async {
        let models = Models::load_one(settings, args.model_name.as_deref()).await.map_err(Failure::set_up)?;
        let store = if args.keep {
            Some(Store::open_migrated(&settings.store).await.map_err(Failure::set_up)?)
        } else {
            None
        };
        let predict = container::predict_batch(settings, &models, store.as_ref());
        let outcome = judge_all(args, &options, &predict, input, &progress).await;
        models.stop().await;
        if let Some(store) = store {
            store.close().await;
        }
        let failed = outcome?;
        if failed > 0 {
            return Err(anyhow::anyhow!("{failed} texts have no answer; their rows say why").into());
        }
        Ok(())
    })
}

/// Reads, judges and writes a batch at a time; tells how many texts failed.
async fn judge_all(
    args: &PredictArgs,
    options: &RawOptions,
    predict: &PredictSentimentBatchUseCase,
    mut input: Input,
    progress: &Progress,
) -> anyhow::Result<usize> {
    let mut output = open_output(args, input.columns())?;
    let mut failed = 0;
    loop {
        let rows = input.next_rows(BATCH)?;
        if rows.is_empty() {
            break;
        }
        let answers = judge(predict, &rows, options).await?;
        for (row, answer) in rows.iter().zip(&answers) {
            failed += usize::from(answer.is_err());
            output.write(row, answer)?;
        }
        progress.add(rows.len());
    }
    output.finish()?;
    progress.finish();
    Ok(failed)
}

/// The answers to `rows`, in their order; a row that could not be read is its own answer.
async fn judge(
    predict: &PredictSentimentBatchUseCase,
    rows: &[Row],
    options: &RawOptions,
) -> anyhow::Result<Vec<Answer>> {
    let items: Vec<PredictItem> = rows.iter().filter_map(|row| row.item.as_ref().ok()).cloned().collect();
    let (tenant, options) = (TenantId::default(), options.clone());
    let request = PredictSentimentBatchRequest { tenant, items, model: None, options };
    let mut answers = predict.execute(request).await?.items.into_iter();
    let answer = |row: &Row| match &row.item {
        Ok(_) => match answers.next() {
            Some(answer) => answer.map_err(|error| error.to_string()),
            None => Err("the model gave no answer".to_owned()),
        },
        Err(problem) => Err(problem.clone()),
    };
    Ok(rows.iter().map(answer).collect())
}

fn open_input(args: &PredictArgs, progress: &Progress) -> anyhow::Result<Input> {
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
            let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
            progress.expect_bytes(file.metadata().map_or(0, |metadata| metadata.len()));
            Box::new(progress.bar.wrap_read(file))
        }
        None => Box::new(io::stdin()),
    };
    Input::open(reader, format, &args.text_column)
}

fn open_output(args: &PredictArgs, columns: &[String]) -> anyhow::Result<Output> {
    let format = args.format.unwrap_or_else(|| match extension(args.output.as_deref()) {
        Some("csv") => OutputFormat::Csv,
        _ => OutputFormat::Jsonl,
    });
    let writer: Box<dyn Write> = match &args.output {
        Some(path) => {
            Box::new(File::create(path).with_context(|| format!("{} cannot be written", path.display()))?)
        }
        None => Box::new(io::stdout()),
    };
    Output::open(writer, format, columns, args.keep)
}

fn extension(path: Option<&Path>) -> Option<&str> {
    path?.extension()?.to_str()
}

/// The progress on standard error, where that is a terminal: bytes of the file where its length is known.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new() -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
        Self { bar }
    }

    fn expect_bytes(&self, bytes: u64) {
        self.bar.set_length(bytes);
        let template = "{bar:40} {percent}% {binary_bytes_per_sec} eta {eta} {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
    }

    fn add(&self, texts: usize) {
        let done = self.bar.message().split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0_usize);
        self.bar.set_message(format!("{} texts", done + texts));
    }

    fn finish(&self) {
        self.bar.finish();
    }
}
