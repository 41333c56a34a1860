mod input;
mod interrupt;
mod lines;
mod options;
mod output;
mod pipeline;
mod progress;
mod source;
mod tally;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use application::dtos::PredictSentimentResponse;
use application::errors::BoxError;
use application::use_cases::PredictSentimentBatchUseCase;
use clap::{Args, ValueEnum};
use domain::value_objects::{Granularity, PredictionOptions, RawOptions};

use crate::examples::examples;
use crate::failure::Failure;
use crate::numbers::grouped;
use crate::program::{Opened, Program};
use crate::terminal::Terminal;

use self::input::{Input, Rows};
use self::interrupt::{Interrupts, Outcome as Run};
use self::lines::Lines;
use self::options::OptionArgs;
use self::output::{Form, Output};
use self::pipeline::{Classifier, Ended, Pipeline};
use self::progress::Progress;
use self::source::Source;

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "Two texts" => "undertone predict \"I love it\" \"Meh\"",
    "A column of a CSV file; the output has all its columns" =>
        "undertone predict --file reviews.csv --text-column review --output predictions.csv",
    "Lines as they arrive, as JSON Lines" => "tail -f chat.log | undertone predict --format jsonl",
    "Every sentence of a text, with another model" =>
        "undertone predict --granularity sentence --model ./my-model \"Good food. Slow service.\"",
))]
pub(crate) struct PredictArgs {
    /// Texts to classify; without any, they are read from --file or standard input
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// File of texts: .csv (with a header), .jsonl (objects with "text" and optionally "ref" and "metadata"), else one
    /// text per line; - for standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "texts", help_heading = "Input")]
    file: Option<PathBuf>,
    /// Format of the input [default: by the extension of --file, else text]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Input")]
    input_format: Option<InputFormat>,
    /// CSV column that holds the text
    #[arg(long, default_value = "text", value_name = "COLUMN", help_heading = "Input")]
    text_column: String,
    /// File to write the predictions to [default: standard output]
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Format of the output [default: by the extension of --output, else text on a terminal and jsonl elsewhere]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    format: Option<OutputFormat>,
    /// Store the predictions, as the server does
    #[arg(long, help_heading = "Output")]
    keep: bool,
    /// Configured model to predict with: the NAME of a section models.NAME [default: that of the section model]
    #[arg(long, value_name = "NAME", help_heading = "Model")]
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
    /// For people: one line a text, as wide as the terminal
    Text,
    /// One JSON object per line, as the API returns it
    Jsonl,
    /// Comma-separated values: the columns of the input, then those of the prediction
    Csv,
}

/// The most texts of a batch: as many as a request of the use case gives to the model at a time.
const BATCH: usize = 64;
/// The most texts of a batch whose sentences are classified, so that all of them are allowed.
const BATCH_OF_SENTENCES: usize = 8;

/// The prediction of a row, or why there is none.
type Outcome = Result<PredictSentimentResponse, String>;

/// Why `predict` fails.
#[derive(Debug, thiserror::Error)]
enum PredictError {
    #[error("cannot open {}", .path.display())]
    OpenInput { path: PathBuf, source: io::Error },
    #[error("cannot create {}", .path.display())]
    CreateOutput { path: PathBuf, source: io::Error },
    #[error("cannot write to {}", .path.display())]
    WriteOutput { path: PathBuf, source: io::Error },
    #[error("{} no prediction; the output says why", failed_texts(*.failed))]
    FailedTexts { failed: u64 },
    #[error("interrupted; {} complete {}", grouped(*.lines), if *.lines == 1 { "line was written" } else { "lines were written" })]
    Interrupted { lines: u64 },
    #[error("interrupted again; the output may end with an incomplete line")]
    InterruptedTwice,
}

fn failed_texts(failed: u64) -> String {
    if failed == 1 { "1 text has".to_owned() } else { format!("{} texts have", grouped(failed)) }
}

pub(super) async fn run<P: Program>(
    program: &P,
    args: &PredictArgs,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let raw = RawOptions::from(&args.options);
    let options = PredictionOptions::parse(&raw).map_err(Failure::set_up)?;
    // A file that cannot be read is reported before the model is loaded, which takes a while.
    let source = Source::open(args)?;
    source.explain(args);
    let input = source.input(args)?;
    let form = form::<P>(args, terminal, &input);
    let model = args.model_name.as_deref();
    let opened = program.open_predictor(model, args.keep, terminal.download_bars()).await;
    let Opened { part: predict, close } = opened.map_err(Failure::set_up)?;
    let mut interrupts = Interrupts::listen()?;
    let output = Output::open(args.output.clone(), form, args.keep);
    let job = Job { rows: input.into_rows(), source, raw, granularity: options.granularity, keep: args.keep };
    let outcome = match output {
        Ok(output) => job.run(predict, output, &mut interrupts, terminal).await,
        Err(error) => Err(error.into()),
    };
    tokio::select! {
        () = close => {}
        () = interrupts.next() => {}
    }
    outcome
}

/// What is classified, and how.
struct Job {
    rows: Rows,
    source: Source,
    raw: RawOptions,
    granularity: Granularity,
    keep: bool,
}

impl Job {
    /// Classifies everything, and says at the end of a file what it was.
    async fn run(
        self,
        predict: PredictSentimentBatchUseCase,
        output: Output,
        interrupts: &mut Interrupts,
        terminal: &Terminal,
    ) -> Result<(), Failure> {
        // Texts that are typed, and lines on a terminal or for another program, show the progress themselves.
        let progress = match self.source {
            Source::File(_) | Source::Pipe if output.is_file() => {
                Progress::show(terminal, self.source.bytes())
            }
            _ => Progress::hidden(terminal),
        };
        let (started, is_shown) = (progress.started(), progress.is_shown());
        let pipeline = Pipeline {
            rows: self.rows,
            classifier: Classifier { predict: Arc::new(predict), options: self.raw },
            output,
            progress,
            batch: if self.granularity == Granularity::Sentence { BATCH_OF_SENTENCES } else { BATCH },
            // A prediction that is stored is in the output, too.
            completes_batches: self.keep,
        };
        let run = interrupts.stop(|stop| pipeline.run(stop)).await;
        if !matches!(run, Run::Ended(_)) && !is_shown && io::stderr().is_terminal() {
            // Behind the `^C` that a terminal shows.
            eprintln!();
        }
        let summarizes = is_shown || self.source.is_file();
        report(run, summarizes, started.elapsed(), terminal)
    }
}

/// Says how it ended, with a summary of what was written where there is more than a reader sees at once.
fn report(
    run: Run<Result<Ended, BoxError>>,
    summarizes: bool,
    elapsed: Duration,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let (ended, is_interrupted) = match run {
        Run::Ended(ended) => (ended?, false),
        Run::Interrupted(ended) => (ended?, true),
        Run::InterruptedTwice => return Err(Failure::interrupted(PredictError::InterruptedTwice)),
    };
    let Ended { tally, failure } = ended;
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    if summarizes {
        eprint!("{}", tally.summary(elapsed, terminal.colors_messages()));
    }
    match tally.failed {
        _ if is_interrupted => Err(Failure::interrupted(PredictError::Interrupted { lines: tally.texts })),
        0 => Ok(()),
        failed => Err(PredictError::FailedTexts { failed }.into()),
    }
}

/// The form of the output: as it is asked for, by the extension of its file, or by who reads it.
fn form<P: Program>(args: &PredictArgs, terminal: &Terminal, input: &Input) -> Form {
    let by_extension = match extension(args.output.as_deref()) {
        Some("csv") => OutputFormat::Csv,
        None if args.output.is_none() && io::stdout().is_terminal() => OutputFormat::Text,
        _ => OutputFormat::Jsonl,
    };
    match args.format.unwrap_or(by_extension) {
        OutputFormat::Jsonl => Form::Jsonl(P::write_prediction),
        OutputFormat::Csv => Form::Csv(input.columns().to_vec()),
        OutputFormat::Text if args.output.is_some() => Form::Text(Lines { columns: None, color: false }),
        OutputFormat::Text => {
            Form::Text(Lines { columns: Terminal::output_columns(), color: terminal.colors_output() })
        }
    }
}

fn extension(path: Option<&Path>) -> Option<&str> {
    path?.extension()?.to_str()
}
