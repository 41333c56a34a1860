use std::io::{BufWriter, Write};

use application::dtos::PredictSentimentResponse;
use application::errors::BoxError;
use domain::value_objects::Sentiment;
use serde_json::{Value, json};

use super::input::Row;
use super::{Outcome, OutputFormat};
use crate::program::Program;

/// The output, written one row at a time. It shows ids only where predictions are stored under them.
pub(super) enum Output {
    Jsonl { writer: BufWriter<Box<dyn Write>>, stored: bool },
    Csv { writer: Box<csv::Writer<Box<dyn Write>>>, columns: usize, stored: bool },
}

/// The columns of a prediction, after those of the input.
const COLUMNS: [&str; 9] =
    ["sentiment", "confidence", "negative", "neutral", "positive", "tokens", "windows", "model", "error"];

impl Output {
    /// Opens the output and writes its header, if the format has one.
    ///
    /// # Errors
    /// A header that cannot be written.
    pub(super) fn open(
        writer: Box<dyn Write>,
        format: OutputFormat,
        columns: &[String],
        stored: bool,
    ) -> Result<Self, BoxError> {
        if format == OutputFormat::Jsonl {
            return Ok(Self::Jsonl { writer: BufWriter::new(writer), stored });
        }
        let mut writer = Box::new(csv::WriterBuilder::new().flexible(true).from_writer(writer));
        let id = stored.then_some("id");
        writer.write_record(columns.iter().map(String::as_str).chain(COLUMNS).chain(id))?;
        Ok(Self::Csv { writer, columns: columns.len(), stored })
    }

    /// Writes the outcome of one row.
    ///
    /// # Errors
    /// A row that cannot be written.
    pub(super) fn write<P: Program>(&mut self, row: &Row, outcome: &Outcome) -> Result<(), BoxError> {
        match self {
            Self::Jsonl { writer, stored } => {
                serde_json::to_writer(&mut *writer, &as_json::<P>(outcome, *stored)?)?;
                writer.write_all(b"\n")?;
            }
            Self::Csv { writer, columns, stored } => {
                let mut record = row.columns.clone();
                record.resize(*columns, String::new());
                record.extend(as_columns(outcome));
                if *stored {
                    record.push(outcome.as_ref().map_or(String::new(), |stored| stored.id.to_string()));
                }
                writer.write_record(&record)?;
            }
        }
        Ok(())
    }

    /// Writes what is still buffered.
    ///
    /// # Errors
    /// Rows that cannot be written.
    pub(super) fn finish(self) -> Result<(), BoxError> {
        match self {
            Self::Jsonl { mut writer, .. } => Ok(writer.flush()?),
            Self::Csv { mut writer, .. } => Ok(writer.flush()?),
        }
    }
}

/// The prediction as the API returns it, without its id unless it is stored.
fn as_json<P: Program>(outcome: &Outcome, stored: bool) -> Result<Value, BoxError> {
    let mut value = match outcome {
        Ok(prediction) => P::prediction_json(prediction)?,
        Err(problem) => json!({ "error": problem }),
    };
    if let Some(fields) = value.as_object_mut().filter(|_| !stored) {
        fields.remove("id");
    }
    Ok(value)
}

fn as_columns(outcome: &Outcome) -> [String; 9] {
    let (prediction, error): (Option<&PredictSentimentResponse>, &str) = match outcome {
        Ok(prediction) => (Some(prediction), ""),
        Err(problem) => (None, problem),
    };
    let show = |value: Option<String>| value.unwrap_or_default();
    let score =
        |sentiment| show(prediction.and_then(|p| p.scores.of(sentiment)).map(|score| score.to_string()));
    [
        show(prediction.and_then(|p| p.sentiment).map(|sentiment| sentiment.to_string())),
        show(prediction.and_then(|p| p.confidence).map(|confidence| confidence.value().to_string())),
        score(Sentiment::Negative),
        score(Sentiment::Neutral),
        score(Sentiment::Positive),
        show(prediction.map(|p| p.usage.tokens.to_string())),
        show(prediction.map(|p| p.usage.windows.to_string())),
        show(prediction.map(|p| p.model.name().to_owned())),
        error.to_owned(),
    ]
}
