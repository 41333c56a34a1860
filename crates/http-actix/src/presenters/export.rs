use std::fmt::Write;
use std::io;

use application::dtos::{ExportForm, ExportFormat, ExportPart, PredictionRecord};
use domain::value_objects::{Confidence, Reference, Sentiment};
use serde::Serialize;
use utoipa::ToSchema;

use crate::presenters::csv_cells::neutralize;
use crate::presenters::{BorrowedMetadata, present_record, write_timestamp};

/// The last line of an export in JSONL; without it the export is incomplete.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportEnd {
    /// Always true.
    done: bool,
    /// The number of lines before this one.
    rows: u64,
}

/// The bytes of an export's body that may be in memory: of a page that is being sent, and of another that is prepared.
pub(crate) const EXPORT_PAGE_BYTES: usize = 4 << 20;

/// The columns of an export in CSV.
const COLUMNS: [&str; 18] = [
    "id",
    "created_at",
    "ref",
    "sentiment",
    "confidence",
    "score_negative",
    "score_neutral",
    "score_positive",
    "label",
    "label_score",
    "model",
    "revision",
    "tokens",
    "windows",
    "truncated",
    "cached",
    "metadata",
    "text",
];

/// Appends a part of an export to `out`, as `GET /api/v1/predictions/export` sends it.
///
/// # Errors
/// A value that has no JSON.
pub fn write_export(form: ExportForm, part: ExportPart<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    match (form.format, part) {
        (ExportFormat::Csv, ExportPart::Start) => {
            let mut lines = csv::Writer::from_writer(out);
            lines.write_record(COLUMNS)?;
            lines.flush()
        }
        (ExportFormat::Csv, ExportPart::Rows(rows)) => {
            let mut lines = CsvLines::new(form.neutralize, out);
            rows.iter().try_for_each(|row| lines.write(row))?;
            lines.writer.flush()
        }
        (ExportFormat::Jsonl, ExportPart::Rows(rows)) => {
            rows.iter().try_for_each(|row| line(&present_record(row), out))
        }
        (ExportFormat::Jsonl, ExportPart::End { rows }) => line(&ExportEnd { done: true, rows }, out),
        (ExportFormat::Jsonl, ExportPart::Start) | (ExportFormat::Csv, ExportPart::End { .. }) => Ok(()),
    }
}

fn line(value: &impl Serialize, out: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.push(b'\n');
    Ok(())
}

/// Writes rows as lines of CSV.
struct CsvLines<'o> {
    writer: csv::Writer<&'o mut Vec<u8>>,
    neutralize: bool,
    /// The text of one cell that is not a string.
    cell: String,
    /// The JSON of one cell.
    json: Vec<u8>,
}

impl<'o> CsvLines<'o> {
    fn new(neutralize: bool, out: &'o mut Vec<u8>) -> Self {
        Self { writer: csv::Writer::from_writer(out), neutralize, cell: String::new(), json: Vec::new() }
    }

    fn write(&mut self, row: &PredictionRecord) -> io::Result<()> {
        let PredictionRecord { prediction, text } = row;
        self.shown(prediction.id)?;
        self.cell.clear();
        write_timestamp(prediction.created_at, &mut self.cell);
        self.writer.write_field(&self.cell)?;
        self.string(prediction.reference.as_ref().map(Reference::as_str))?;
        self.string(prediction.sentiment.map(Sentiment::as_str))?;
        self.number(prediction.confidence.map(Confidence::value))?;
        self.number(prediction.scores.negative)?;
        self.number(prediction.scores.neutral)?;
        self.number(prediction.scores.positive)?;
        let best = prediction.labels.first();
        self.string(best.map(|best| best.label.as_str()))?;
        self.number(best.map(|best| best.score))?;
        self.string(Some(prediction.model.name()))?;
        self.string(Some(prediction.model.revision()))?;
        self.shown(prediction.usage.tokens)?;
        self.shown(prediction.usage.windows)?;
        self.shown(prediction.usage.truncated)?;
        self.shown(prediction.cached)?;
        self.json.clear();
        serde_json::to_writer(&mut self.json, &BorrowedMetadata(&prediction.metadata))?;
        self.writer.write_field(&self.json)?;
        self.string(text.as_deref())?;
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn shown(&mut self, value: impl std::fmt::Display) -> io::Result<()> {
        self.cell.clear();
        // A string takes everything.
        let _ = write!(self.cell, "{value}");
        Ok(self.writer.write_field(&self.cell)?)
    }

    /// Writes a number with the fewest digits that give it back; nothing for one that JSON has no form of.
    fn number(&mut self, number: Option<f32>) -> io::Result<()> {
        self.cell.clear();
        if let Some(number) = number.filter(|number| number.is_finite()) {
            let _ = write!(self.cell, "{number:?}");
        }
        Ok(self.writer.write_field(&self.cell)?)
    }

    fn string(&mut self, text: Option<&str>) -> io::Result<()> {
        let text = text.unwrap_or_default();
        if self.neutralize {
            return Ok(self.writer.write_field(neutralize(text).as_ref())?);
        }
        Ok(self.writer.write_field(text)?)
    }
}
