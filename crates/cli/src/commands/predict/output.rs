use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use application::dtos::PredictSentimentResponse;
use application::errors::BoxError;
use domain::value_objects::{Confidence, Sentiment};
use serde_json::json;

use super::input::Row;
use super::lines::Lines;
use super::source::output_is_file;
use super::{Outcome, PredictError};
use crate::failure::output_error;
use crate::printable::{inert_csv, inert_json};

/// The output, written in whole lines. It shows ids only where predictions are stored under them.
pub(super) struct Output {
    writer: Box<dyn Write + Send>,
    /// The file that is written; none for standard output.
    path: Option<PathBuf>,
    form: Form,
    stored: bool,
    is_terminal: bool,
}

/// The form of the output.
pub(super) enum Form {
    /// A JSON object a line, by a function that appends a prediction as the API returns it, with its id or without.
    Jsonl(fn(&PredictSentimentResponse, bool, &mut Vec<u8>) -> serde_json::Result<()>),
    /// The columns of the input, then [`COLUMNS`].
    Csv(Vec<String>),
    /// For people.
    Text(Lines),
}

/// The columns of a prediction, after those of the input.
const COLUMNS: [&str; 9] =
    ["sentiment", "confidence", "negative", "neutral", "positive", "tokens", "windows", "model", "error"];

impl Output {
    /// Opens the file `path`, or standard output without one, and writes the header, if the form has one.
    ///
    /// # Errors
    /// A file that cannot be created, or a header that cannot be written.
    pub(super) fn open(path: Option<PathBuf>, form: Form, stored: bool) -> Result<Self, BoxError> {
        let writer: Box<dyn Write + Send> = match &path {
            Some(path) => {
                let file = File::create(path);
                Box::new(file.map_err(|source| PredictError::CreateOutput { path: path.clone(), source })?)
            }
            None => Box::new(io::stdout()),
        };
        let is_terminal = path.is_none() && io::stdout().is_terminal();
        let mut output = Self { writer, path, form, stored, is_terminal };
        if let Form::Csv(columns) = &output.form {
            let id = output.stored.then_some("id");
            let added = COLUMNS.into_iter().chain(id).map(|name| added_column(name, columns));
            let mut header = csv_writer();
            header.write_record(columns.iter().cloned().chain(added))?;
            output.write_all(header.into_inner().map_err(|error| error.to_string())?)?;
        }
        Ok(output)
    }

    /// Whether it is a file, so that nothing else shows how far the command is.
    pub(super) fn is_file(&self) -> bool {
        self.path.is_some() || output_is_file()
    }

    /// Writes the outcomes of `rows` at once, so that no line is ever written in part.
    ///
    /// # Errors
    /// Rows that cannot be written.
    pub(super) fn write<'b>(
        &mut self,
        rows: impl Iterator<Item = (&'b Row, &'b Outcome)>,
    ) -> Result<(), BoxError> {
        let lines = match &self.form {
            Form::Jsonl(write) => jsonl(rows, |prediction, lines| write(prediction, self.stored, lines))?,
            Form::Csv(columns) => csv(rows, columns.len(), self.stored)?,
            Form::Text(lines) => text(rows, *lines),
        };
        self.write_all(lines)
    }

    fn write_all(&mut self, mut lines: Vec<u8>) -> Result<(), BoxError> {
        if self.is_terminal && !matches!(self.form, Form::Text(_)) {
            let shown = String::from_utf8_lossy(&lines);
            let inert = match self.form {
                Form::Csv(_) => inert_csv(&shown),
                _ => inert_json(&shown),
            };
            lines = inert.into_owned().into_bytes();
        }
        let written = self.writer.write_all(&lines);
        match &self.path {
            None => written.map_err(output_error),
            Some(path) => {
                Ok(written.map_err(|source| PredictError::WriteOutput { path: path.clone(), source })?)
            }
        }
    }
}

/// Returns the name of a column after those of the input, which may have one of that name: many have an `id`.
fn added_column(name: &str, input: &[String]) -> String {
    let mut column = name.to_owned();
    while input.contains(&column) {
        column.insert_str(0, "prediction_");
    }
    column
}

fn jsonl<'b>(
    rows: impl Iterator<Item = (&'b Row, &'b Outcome)>,
    write: impl Fn(&PredictSentimentResponse, &mut Vec<u8>) -> serde_json::Result<()>,
) -> serde_json::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for (_, outcome) in rows {
        match outcome {
            Ok(prediction) => write(prediction, &mut lines)?,
            Err(problem) => serde_json::to_writer(&mut lines, &json!({ "error": problem }))?,
        }
        lines.push(b'\n');
    }
    Ok(lines)
}

fn csv<'b>(
    rows: impl Iterator<Item = (&'b Row, &'b Outcome)>,
    columns: usize,
    stored: bool,
) -> Result<Vec<u8>, BoxError> {
    let mut lines = csv_writer();
    for (row, outcome) in rows {
        let mut record = row.columns.clone();
        record.resize(columns, String::new());
        record.extend(as_columns(outcome));
        if stored {
            record.push(outcome.as_ref().map_or(String::new(), |stored| stored.id.to_string()));
        }
        lines.write_record(&record)?;
    }
    Ok(lines.into_inner().map_err(|error| error.to_string())?)
}

fn csv_writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().flexible(true).from_writer(Vec::new())
}

fn text<'b>(rows: impl Iterator<Item = (&'b Row, &'b Outcome)>, form: Lines) -> Vec<u8> {
    let mut lines = String::new();
    for (row, outcome) in rows {
        form.push(&mut lines, row.text().unwrap_or_default(), outcome);
    }
    lines.into_bytes()
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
        show(prediction.and_then(|p| p.confidence).map(Confidence::value).map(|value| value.to_string())),
        score(Sentiment::Negative),
        score(Sentiment::Neutral),
        score(Sentiment::Positive),
        show(prediction.map(|p| p.usage.tokens.to_string())),
        show(prediction.map(|p| p.usage.windows.to_string())),
        show(prediction.map(|p| p.model.name().to_owned())),
        error.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_named_apart_from_those_of_the_input() {
        let input = ["id", "model", "prediction_model"].map(str::to_owned);
        let named = ["sentiment", "id", "model"].map(|name| added_column(name, &input));
        assert_eq!(named, ["sentiment", "prediction_id", "prediction_prediction_model"]);
    }
}
