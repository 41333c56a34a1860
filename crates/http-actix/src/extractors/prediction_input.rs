use std::borrow::Cow;
use std::collections::BTreeMap;

use application::dtos::{PredictItem, PredictSentimentRequest};
use application::use_cases::PredictSentimentBatchUseCase;
use domain::errors::{DomainError, Rule};
use domain::value_objects::{Metadata, MetadataValue, RawOptions, TenantId};
use serde_json::Number;
use utoipa::ToSchema;

use crate::extractors::{FromJson, Members, ObjectReader, OptionsInput, Shape, Shaped, wrong_type};
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
    options: RawOptions,
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
    pub(crate) items: Vec<Shaped>,
    /// The name of the model that is to answer all of them; without it the default one does.
    #[schema(example = "sentiment-minilm-l6")]
    pub(crate) model: Option<String>,
    /// What is asked of each answer.
    #[schema(value_type = Option<OptionsInput>)]
    pub(crate) options: RawOptions,
}

/// The caller's own facts about a text.
const METADATA: Shape = Shape::Table(Metadata::MAX_KEYS);

impl FromJson for PredictionInput {
    const SHAPE: Shape = Shape::Object(&[
        ("text", Shape::Scalar),
        ("ref", Shape::Scalar),
        ("metadata", METADATA),
        ("model", Shape::Scalar),
        ("options", OptionsInput::SHAPE),
    ]);

    fn read(value: Shaped) -> Result<Self, Problem> {
        let mut object = ObjectReader::new(value, None)?;
        let BatchItemInput { text, reference, metadata } = BatchItemInput::take(&mut object)?;
        let model = object.optional_string("model")?;
        let options = read_options(&mut object)?;
        object.finish()?;
        Ok(Self { text, reference, metadata, model, options })
    }
}

impl PredictionInput {
    /// The request of `tenant`.
    pub(crate) fn into_request(self, tenant: TenantId) -> PredictSentimentRequest {
        let Self { text, reference, metadata, model, options } = self;
        PredictSentimentRequest { tenant, item: PredictItem { text, reference, metadata }, model, options }
    }
}

impl BatchItemInput {
    const SHAPE: Shape =
        Shape::Object(&[("text", Shape::Scalar), ("ref", Shape::Scalar), ("metadata", METADATA)]);

    /// Reads an item of a batch.
    pub(crate) fn read(value: Shaped) -> Result<Self, Problem> {
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

impl FromJson for BatchInput {
    const SHAPE: Shape = Shape::Object(&[
        (
            "items",
            Shape::Array { element: &BatchItemInput::SHAPE, most: PredictSentimentBatchUseCase::MAX_ITEMS },
        ),
        ("model", Shape::Scalar),
        ("options", OptionsInput::SHAPE),
    ]);

    /// The items are taken apart one by one later, so that each fails alone.
    fn read(value: Shaped) -> Result<Self, Problem> {
        let mut object = ObjectReader::new(value, None)?;
        let items = object.array("items")?;
        let model = object.optional_string("model")?;
        let options = read_options(&mut object)?;
        object.finish()?;
        let max = PredictSentimentBatchUseCase::MAX_ITEMS;
        match items.count {
            0 => Err(Problem::new(ProblemCode::Blank).about("items", "must not be empty")),
            actual if actual > max => {
                Err(DomainError::violation("items", Rule::TooMany { max, actual }).into())
            }
            _ => Ok(Self { items: items.stored, model, options }),
        }
    }
}

fn read_options(object: &mut ObjectReader) -> Result<RawOptions, Problem> {
    object.optional("options").map_or_else(|| Ok(RawOptions::default()), OptionsInput::read)
}

fn read_metadata(value: Shaped) -> Result<BTreeMap<String, MetadataValue>, Problem> {
    let Shaped::Object(members) = value else {
        return Err(wrong_type(Some("metadata"), "an object", &value));
    };
    refuse_excess(&members)?;
    let entry = |(key, value): (Cow<'static, str>, Shaped)| {
        let value = read_metadata_value(&key, value)?;
        Ok((key.into_owned(), value))
    };
    members.into_iter().map(entry).collect()
}

/// The rule is the domain's, which would count what was stored.
fn refuse_excess(members: &Members) -> Result<(), DomainError> {
    let (max, actual) = (Metadata::MAX_KEYS, members.count());
    if actual > max {
        return Err(DomainError::violation("metadata", Rule::TooMany { max, actual }));
    }
    Ok(())
}

fn read_metadata_value(key: &str, value: Shaped) -> Result<MetadataValue, Problem> {
    match value {
        Shaped::String(text) => Ok(MetadataValue::Text(text)),
        Shaped::Bool(value) => Ok(MetadataValue::Bool(value)),
        Shaped::Number(number) => Ok(read_number(key, &number)?),
        other => Err(wrong_type(Some(&format!("metadata.{key}")), "a string, a number or a boolean", &other)),
    }
}

fn read_number(key: &str, number: &Number) -> Result<MetadataValue, DomainError> {
    // A JSON number that was read always has a double next to it.
    let nearest = number.as_f64().unwrap_or(f64::NAN);
    MetadataValue::unaltered_number(|| format!("metadata.{key}"), number.as_i64(), nearest)
}
