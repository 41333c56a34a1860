use std::collections::BTreeMap;

use application::dtos::{PredictItem, PredictLine};
use application::errors::ApplicationError;
use application::use_cases::PredictSentimentBatchUseCase;
use domain::errors::{DomainError, Rule};
use domain::value_objects::{AskedOptions, MetadataValue};
use serde_json::{Number, Value};
use utoipa::ToSchema;

use crate::extractors::{ObjectReader, OptionsInput, wrong_type};
use crate::openapi::schemas;
use crate::problem::{Problem, ProblemCode};

/// One text to judge, and what is asked of the answer.
#[derive(Debug, ToSchema)]
#[schema(as = PredictionInput)]
pub(crate) struct PredictionInput {
    /// The text: 1 to 10,000 characters unless the service is configured otherwise, not blank, without U+0000.
    /// It is kept as it is.
    #[schema(schema_with = schemas::text)]
    text: String,
    /// Your own id for the text: 1 to 128 printable characters, not necessarily unique.
    #[schema(rename = "ref", schema_with = schemas::nullable_reference)]
    reference: Option<String>,
    /// Your own facts about the text: a flat object of at most 16 keys (1 to 64 characters each) and 4 KiB in all.
    #[schema(schema_with = schemas::nullable_metadata, required = false)]
    metadata: BTreeMap<String, MetadataValue>,
    /// The name of the model that is to answer, as `GET /api/v1/models` tells it; without it the default one does.
    #[schema(example = "sentiment-minilm-l6")]
    model: Option<String>,
    #[schema(value_type = Option<OptionsInput>)]
    options: AskedOptions,
}

/// One text of a batch; the model and what is asked of its answer stand beside the items.
#[derive(Debug, ToSchema)]
#[schema(as = BatchItemInput)]
pub(crate) struct BatchItemInput {
    /// The text, as in `PredictionInput`.
    #[schema(schema_with = schemas::text)]
    text: String,
    /// Your own id for the text, as in `PredictionInput`.
    #[schema(rename = "ref", schema_with = schemas::nullable_reference)]
    reference: Option<String>,
    /// Your own facts about the text, as in `PredictionInput`.
    #[schema(schema_with = schemas::nullable_metadata, required = false)]
    metadata: BTreeMap<String, MetadataValue>,
}

/// Many texts to judge.
#[derive(Debug, ToSchema)]
#[schema(as = BatchInput)]
pub(crate) struct BatchInput {
    /// 1 to 1,000 texts. One that is not allowed fails alone.
    #[schema(value_type = Vec<BatchItemInput>, min_items = 1, max_items = 1000)]
    pub(crate) items: Vec<Value>,
    /// The name of the model that is to answer all of them; without it the default one does.
    #[schema(example = "sentiment-minilm-l6")]
    pub(crate) model: Option<String>,
    /// What is asked of each answer.
    #[schema(value_type = Option<OptionsInput>)]
    pub(crate) options: AskedOptions,
}

impl PredictionInput {
    /// Reads a body or a stream's line.
    pub(crate) fn read(value: Value) -> Result<Self, Problem> {
        let mut object = ObjectReader::new(value, None)?;
        let BatchItemInput { text, reference, metadata } = BatchItemInput::take(&mut object)?;
        let model = object.optional_string("model")?;
        let options = read_options(&mut object)?;
        object.finish()?;
        Ok(Self { text, reference, metadata, model, options })
    }
}

impl From<PredictionInput> for PredictLine {
    fn from(input: PredictionInput) -> Self {
        let PredictionInput { text, reference, metadata, model, options } = input;
        Self { item: PredictItem { text, reference, metadata }, model, options }
    }
}

impl BatchItemInput {
    /// Reads an item of a batch.
    pub(crate) fn read(value: Value) -> Result<Self, Problem> {
        let mut object = ObjectReader::new(value, None)?;
        let input = Self::take(&mut object)?;
        object.finish()?;
        Ok(input)
    }

    fn take(object: &mut ObjectReader) -> Result<Self, Problem> {
        Ok(Self {
            text: object.string("text")?,
            reference: object.optional_string("ref")?,
            metadata: object.optional("metadata").map_or_else(|| Ok(BTreeMap::new()), read_metadata)?,
        })
    }
}

impl From<BatchItemInput> for PredictItem {
    fn from(input: BatchItemInput) -> Self {
        Self { text: input.text, reference: input.reference, metadata: input.metadata }
    }
}

impl BatchInput {
    /// Reads a batch's body; its items are read one by one later, so that each fails alone.
    pub(crate) fn read(value: Value) -> Result<Self, Problem> {
        let mut object = ObjectReader::new(value, None)?;
        let items = object.array("items")?;
        let model = object.optional_string("model")?;
        let options = read_options(&mut object)?;
        object.finish()?;
        let max = PredictSentimentBatchUseCase::MAX_ITEMS;
        match items.len() {
            0 => Err(Problem::new(ProblemCode::Blank).about("items", "must not be empty")),
            actual if actual > max => {
                Err(DomainError::violation("items", Rule::TooMany { max, actual }).into())
            }
            _ => Ok(Self { items, model, options }),
        }
    }
}

fn read_options(object: &mut ObjectReader) -> Result<AskedOptions, Problem> {
    object.optional("options").map_or_else(|| Ok(AskedOptions::default()), OptionsInput::read)
}

fn read_metadata(value: Value) -> Result<BTreeMap<String, MetadataValue>, Problem> {
    let Value::Object(members) = value else {
        return Err(wrong_type(Some("metadata"), "an object", &value));
    };
    members
        .into_iter()
        .map(|(key, value)| {
            let value = read_metadata_value(&key, value)?;
            Ok((key, value))
        })
        .collect()
}

fn read_metadata_value(key: &str, value: Value) -> Result<MetadataValue, Problem> {
    match value {
        Value::String(text) => Ok(MetadataValue::Text(text)),
        Value::Bool(value) => Ok(MetadataValue::Bool(value)),
        Value::Number(number) => Ok(read_number(key, &number)?),
        other => Err(wrong_type(Some(&format!("metadata.{key}")), "a string, a number or a boolean", &other)),
    }
}

/// 2^63. Whole numbers from here on reach us rounded to the next double, or not at all.
const WHOLE_NUMBERS_END: f64 = 9_223_372_036_854_775_808.0;

/// A number as it was sent, or none: what a signed 64-bit integer cannot hold would come back altered.
fn read_number(key: &str, number: &Number) -> Result<MetadataValue, ApplicationError> {
    let field = || format!("metadata.{key}");
    if let Some(integer) = number.as_i64() {
        return Ok(MetadataValue::Integer(integer));
    }
    match number.as_f64() {
        Some(float) if float.abs() < WHOLE_NUMBERS_END => Ok(MetadataValue::number(field, float)?),
        _ => {
            let rule = Rule::OutOfRange { allowed: "above -2^63 and below 2^63".into() };
            Err(DomainError::violation(field(), rule).into())
        }
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_through_unaltered_or_not_at_all() {
        let read = |text: &str| {
            let number: Number = serde_json::from_str(text).expect("a number");
            read_number("n", &number).ok()
        };
        assert_eq!(read("9223372036854775807"), Some(MetadataValue::Integer(i64::MAX)));
        assert_eq!(read("-9223372036854775808"), Some(MetadataValue::Integer(i64::MIN)));
        assert_eq!(read("2.0"), Some(MetadataValue::Integer(2)));
        assert_eq!(read("0.5"), Some(MetadataValue::Float(0.5)));
        for altered in ["9223372036854775808", "18446744073709551617", "-9223372036854775809", "1e300"] {
            assert_eq!(read(altered), None, "{altered}");
        }
    }
}
