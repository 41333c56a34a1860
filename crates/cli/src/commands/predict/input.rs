use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use application::dtos::PredictItem;
use domain::value_objects::MetadataValue;
use serde::Deserialize;
use serde_json::Value;

use super::InputFormat;

/// One row of the input.
pub(super) struct Row {
    /// The text with its reference and metadata, or why the row cannot be read.
    pub(super) item: Result<PredictItem, String>,
    /// The row's columns, where the input has columns.
    pub(super) columns: Vec<String>,
    /// The bytes of the input up to this row, approximately.
    pub(super) offset: u64,
}

/// The rows of the input, read as they are needed.
pub(super) struct Input {
    columns: Vec<String>,
    rows: Rows,
}

/// The rows of an input in order; an error is the last of them.
pub(super) type Rows = Box<dyn Iterator<Item = Result<Row, InputError>> + Send>;

/// The bytes that are read from the input at a time.
const READ_AT_ONCE: usize = 64 << 10;

/// Why the input cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("cannot read the CSV header")]
    Header(#[source] csv::Error),
    #[error("the CSV has no column {column:?}; it has {existing}")]
    NoTextColumn { column: String, existing: String },
    #[error("cannot read the CSV")]
    Csv(#[source] csv::Error),
    #[error("cannot read the input")]
    Lines(#[source] io::Error),
}

impl Row {
    /// The text; none if the row cannot be read.
    pub(super) fn text(&self) -> Option<&str> {
        Some(self.item.as_ref().ok()?.text.as_str())
    }

    /// The bytes of its texts in memory.
    pub(super) fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(String::len).sum();
        columns + self.text().map_or(0, str::len)
    }
}

impl Input {
    /// The input of texts that are given.
    pub(super) fn of(texts: &[String]) -> Self {
        let row = |text: &String| {
            let item = PredictItem { text: text.clone(), ..PredictItem::default() };
            Ok(Row { item: Ok(item), columns: Vec::new(), offset: 0 })
        };
        Self { columns: Vec::new(), rows: Box::new(texts.iter().map(row).collect::<Vec<_>>().into_iter()) }
    }

    /// Opens the input and reads its header, if the format has one.
    ///
    /// # Errors
    /// A header that cannot be read or lacks the text's column.
    pub(super) fn open(
        reader: Box<dyn Read + Send>,
        format: InputFormat,
        text_column: &str,
    ) -> Result<Self, InputError> {
        match format {
            InputFormat::Csv => Self::csv(reader, text_column),
            InputFormat::Text => {
                Ok(Self::lines(reader, |line| Ok(PredictItem { text: line, ..PredictItem::default() })))
            }
            InputFormat::Jsonl => Ok(Self::lines(reader, |line| parse_json(&line))),
        }
    }

    /// The names of the input's columns, in order.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows, which are read as they are taken.
    pub(super) fn into_rows(self) -> Rows {
        self.rows
    }

    fn csv(reader: Box<dyn Read + Send>, text_column: &str) -> Result<Self, InputError> {
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).buffer_capacity(READ_AT_ONCE).from_reader(reader);
        let header = reader.headers().map_err(InputError::Header)?;
        let columns: Vec<String> = header.iter().map(str::to_owned).collect();
        let index_of = |name: &str| columns.iter().position(|column| column == name);
        let text = index_of(text_column).ok_or_else(|| InputError::NoTextColumn {
            column: text_column.to_owned(),
            existing: columns.join(", "),
        })?;
        let reference = index_of("ref");
        let rows = reader.into_records().map(move |record| {
            let record = record.map_err(InputError::Csv)?;
            let columns: Vec<String> = record.iter().map(str::to_owned).collect();
            let reference = reference.and_then(|index| columns.get(index)).filter(|value| !value.is_empty());
            let item = match columns.get(text) {
                Some(text) => Ok(PredictItem {
                    text: text.clone(),
                    reference: reference.cloned(),
                    metadata: BTreeMap::new(),
                }),
                None => Err("the row has no text column".to_owned()),
            };
            Ok(Row { item, columns, offset: record.position().map_or(0, csv::Position::byte) })
        });
        Ok(Self { columns, rows: Box::new(rows) })
    }

    /// One row for each line that is not blank.
    fn lines(
        reader: Box<dyn Read + Send>,
        parse: impl Fn(String) -> Result<PredictItem, String> + Send + 'static,
    ) -> Self {
        let mut offset = 0;
        let lines = BufReader::with_capacity(READ_AT_ONCE, reader).split(b'\n').map(move |line| {
            let line = line.map_err(InputError::Lines)?;
            offset += line.len() as u64 + 1;
            let item = match String::from_utf8(line) {
                Ok(line) => {
                    let line = line.strip_suffix('\r').map(str::to_owned).unwrap_or(line);
                    if line.trim().is_empty() {
                        return Ok(None);
                    }
                    parse(line)
                }
                Err(_) => Err("the line is not UTF-8".to_owned()),
            };
            Ok(Some(Row { item, columns: Vec::new(), offset }))
        });
        Self { columns: Vec::new(), rows: Box::new(lines.filter_map(Result::transpose)) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
}

fn parse_json(line: &str) -> Result<PredictItem, String> {
    let Line { text, reference, metadata } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let metadata = metadata.into_iter().map(|(key, value)| Ok((key.clone(), metadata_value(&key, value)?)));
    Ok(PredictItem { text, reference, metadata: metadata.collect::<Result<_, String>>()? })
}

fn metadata_value(key: &str, value: Value) -> Result<MetadataValue, String> {
    match value {
        Value::String(text) => Ok(MetadataValue::Text(text)),
        Value::Bool(value) => Ok(MetadataValue::Bool(value)),
        Value::Number(number) => {
            // `None` only with the feature `arbitrary_precision` of serde_json.
            let nearest = number.as_f64().unwrap_or(f64::NAN);
            MetadataValue::exact_number(|| format!("metadata.{key}"), number.as_i64(), nearest)
                .map_err(|error| error.to_string())
        }
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(format!("metadata.{key} must be a string, a number or a bool"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, format: InputFormat) -> Vec<Row> {
        let reader = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let rows = Input::open(reader, format, "text").expect("opens").into_rows();
        rows.collect::<Result<_, _>>().expect("reads")
    }

    fn texts(rows: &[Row]) -> Vec<Result<&str, ()>> {
        rows.iter().map(|row| row.item.as_ref().map(|item| item.text.as_str()).map_err(|_| ())).collect()
    }

    #[test]
    fn blank_lines_of_a_text_file_are_skipped() {
        assert_eq!(texts(&rows("one\r\n\n  two \n", InputFormat::Text)), [Ok("one"), Ok("  two ")]);
    }

    #[test]
    fn a_row_says_how_much_of_the_input_was_read() {
        let offsets = |text, format| rows(text, format).iter().map(|row| row.offset).collect::<Vec<_>>();
        assert_eq!(offsets("one\n\ntwo\n", InputFormat::Text), [4, 9]);
        assert_eq!(offsets("text\none\ntwo\n", InputFormat::Csv), [5, 9]);
    }

    #[test]
    fn csv_rows_have_their_text_reference_and_all_columns() {
        let rows = rows("n,text,ref\n1,\"a, b\",x\n2,c,\n3\n", InputFormat::Csv);
        assert_eq!(texts(&rows), [Ok("a, b"), Ok("c"), Err(())]);
        assert_eq!(rows[0].columns, ["1", "a, b", "x"]);
        assert_eq!(rows[0].item.as_ref().expect("good").reference.as_deref(), Some("x"));
    }

    #[test]
    fn a_bad_json_line_fails_alone() {
        let rows = rows("{\"text\":\"a\",\"metadata\":{\"n\":1}}\n{\"txt\":1}\n", InputFormat::Jsonl);
        assert_eq!(texts(&rows), [Ok("a"), Err(())]);
    }

    #[test]
    fn metadata_numbers_that_would_be_altered_fail_their_row() {
        for (number, accepted) in [
            ("9223372036854775807", true),
            ("-9223372036854775808", true),
            ("0.5", true),
            ("9223372036854775808", false),
            ("-9223372036854775809", false),
            ("18446744073709551617", false),
            ("1e300", false),
        ] {
            let line = format!("{{\"text\":\"a\",\"metadata\":{{\"n\":{number}}}}}");
            let rows = rows(&line, InputFormat::Jsonl);
            assert_eq!(rows[0].item.is_ok(), accepted, "{number}");
            if let Err(problem) = &rows[0].item {
                assert!(problem.contains("metadata.n"), "{problem}");
            }
        }
    }

    #[test]
    fn a_csv_without_the_text_column_is_refused_with_the_columns_it_has() {
        let reader = Box::new(std::io::Cursor::new(b"a,b\n".to_vec()));
        let error = Input::open(reader, InputFormat::Csv, "text").err().expect("refused").to_string();
        assert!(error.contains("a, b"), "{error}");
    }
}
