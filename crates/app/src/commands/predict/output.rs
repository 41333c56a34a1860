use std::io::{BufWriter, Write};

use application::dtos::PredictSentimentResponse;
use domain::value_objects::Sentiment;
use serde_json::{Value, json};

use super::input::Row;
use super::{Answer, OutputFormat};

/// Where the answers go, a row at a time.
pub(super) enum Output {
    Jsonl { writer: BufWriter<Box<dyn Write>>, kept: bool },
    Csv { writer: Box<csv::Writer<Box<dyn Write>>>, columns: usize, kept: bool },
}

/// The columns of an answer, behind those of the input.
const COLUMNS: [&str; 9] =
    ["sentiment", "confidence", "negative", "neutral", "positive", "tokens", "windows", "model", "error"];

impl Output {
    /// Begins with the header, where the form has one. Ids are shown where answers are kept under them.
    ///
    /// # Errors
    /// Where the header cannot be written.
    pub(super) fn open(
        writer: Box<dyn Write>,
        format: OutputFormat,
        columns: &[String],
        kept: bool,
    ) -> anyhow::Result<Self> {
        if format == OutputFormat::Jsonl {
            return Ok(Self::Jsonl { writer: BufWriter::new(writer), kept });
        }
        let mut writer = Box::new(csv::WriterBuilder::new().flexible(true).from_writer(writer));
        let id = kept.then_some("id");
        writer.write_record(columns.iter().map(String::as_str).chain(COLUMNS).chain(id))?;
        Ok(Self::Csv { writer, columns: columns.len(), kept })
    }

    /// Writes one answer.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn write(&mut self, row: &Row, answer: &Answer) -> anyhow::Result<()> {
        match self {
            Self::Jsonl { writer, kept } => {
                serde_json::to_writer(&mut *writer, &as_json(answer, *kept)?)?;
                writer.write_all(b"\n")?;
            }
            Self::Csv { writer, columns, kept } => {
                let mut record = row.columns.clone();
                record.resize(*columns, String::new());
                record.extend(as_columns(answer));
                record
                    .extend(kept.then(|| answer.as_ref().map_or(String::new(), |good| good.id.to_string())));
                writer.write_record(&record)?;
            }
        }
        Ok(())
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Jsonl { mut writer, .. } => Ok(writer.flush()?),
            Self::Csv { mut writer, .. } => Ok(writer.flush()?),
        }
    }
}

/// The answer as the API gives it, without an id where nothing is kept under it.
fn as_json(answer: &Answer, kept: bool) -> anyhow::Result<Value> {
    let mut value = match answer {
        Ok(answer) => serde_json::to_value(http_actix::prediction_json(answer))?,
        Err(problem) => json!({ "error": problem }),
    };
    if let Some(fields) = value.as_object_mut().filter(|_| !kept) {
        fields.remove("id");
    }
    Ok(value)
}

fn as_columns(answer: &Answer) -> [String; 9] {
    let (answer, error): (Option<&PredictSentimentResponse>, &str) = match answer {
        Ok(answer) => (Some(answer), ""),
        Err(problem) => (None, problem),
    };
    let show = |value: Option<String>| value.unwrap_or_default();
    let score = |sentiment| show(answer.and_then(|a| a.scores.of(sentiment)).map(|score| score.to_string()));
    [
        show(answer.and_then(|a| a.sentiment).map(|sentiment| sentiment.to_string())),
        show(answer.and_then(|a| a.confidence).map(|confidence| confidence.value().to_string())),
        score(Sentiment::Negative),
        score(Sentiment::Neutral),
        score(Sentiment::Positive),
        show(answer.map(|a| a.usage.tokens.to_string())),
        show(answer.map(|a| a.usage.windows.to_string())),
        show(answer.map(|a| a.model.name().to_owned())),
        error.to_owned(),
    ]
}
