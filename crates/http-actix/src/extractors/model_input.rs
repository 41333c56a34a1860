use std::borrow::Cow;
use std::collections::BTreeMap;

use application::ports::{LabelsSpec, ModelSpec};
use domain::errors::{DomainError, Rule};
use utoipa::ToSchema;

use crate::extractors::{FromJson, Members, ObjectReader, Shape, Shaped, wrong_type};
use crate::openapi::schemas;
use crate::problem::Problem;

/// Which model is to be loaded, and how it is to be run: the keys of a model's section in the configuration, with the
/// same defaults.
#[derive(Debug, ToSchema)]
#[schema(as = ModelInput)]
#[expect(dead_code, reason = "the form alone is wanted: for the API's description")]
pub(crate) struct ModelInput {
    /// A Hugging Face folder that the service can read, or the name of one under its `models/`.
    #[schema(example = "models/reviews-de")]
    path: String,
    /// The arithmetic: `auto`, `f32`, `int8`, `f16` or `bf16`.
    #[schema(example = "int8")]
    precision: Option<String>,
    /// Where it runs: `auto`, `cpu` or `cuda:N`.
    #[schema(example = "cpu")]
    device: Option<String>,
    /// The longest stretch that is read at once, in tokens without special ones.
    #[schema(minimum = 1, example = 254)]
    window: Option<i64>,
    /// What two neighbouring windows of a long text share, in tokens.
    #[schema(minimum = 0, example = 32)]
    overlap: Option<i64>,
    /// How labels become sentiments: `auto` (by their names), `raw` (not at all), or a sentiment for each label named.
    #[schema(schema_with = schemas::labels_mapping)]
    labels: Option<String>,
    /// How many batches are computed at once on a CPU.
    #[schema(minimum = 1)]
    threads: Option<i64>,
    /// The most tokens that are computed together.
    #[schema(minimum = 1)]
    max_batch_tokens: Option<i64>,
    /// The most tokens that may wait.
    #[schema(minimum = 1)]
    max_queue_tokens: Option<i64>,
    /// The most texts that may wait.
    #[schema(minimum = 1)]
    max_queue_items: Option<i64>,
    /// The longest that a text may wait, in seconds.
    #[schema(minimum = 0.1, maximum = 86400)]
    max_wait: Option<f64>,
}

/// The most labels that a model's table may name.
const MAX_LABELS: usize = 1_000;

impl FromJson for ModelSpec {
    const SHAPE: Shape = Shape::Object(&[
        ("path", Shape::Scalar),
        ("precision", Shape::Scalar),
        ("device", Shape::Scalar),
        ("window", Shape::Scalar),
        ("overlap", Shape::Scalar),
        ("labels", Shape::Table(MAX_LABELS)),
        ("threads", Shape::Scalar),
        ("max_batch_tokens", Shape::Scalar),
        ("max_queue_tokens", Shape::Scalar),
        ("max_queue_items", Shape::Scalar),
        ("max_wait", Shape::Scalar),
    ]);

    fn read(value: Shaped) -> Result<Self, Problem> {
        let mut object = ObjectReader::new(value, None)?;
        let spec = Self {
            path: object.string("path")?,
            precision: object.optional_string("precision")?,
            device: object.optional_string("device")?,
            window: object.optional_integer("window")?,
            overlap: object.optional_integer("overlap")?,
            labels: object.optional("labels").map(read_labels).transpose()?,
            threads: object.optional_integer("threads")?,
            max_batch_tokens: object.optional_integer("max_batch_tokens")?,
            max_queue_tokens: object.optional_integer("max_queue_tokens")?,
            max_queue_items: object.optional_integer("max_queue_items")?,
            max_wait: object.optional_number("max_wait")?,
        };
        object.finish()?;
        Ok(spec)
    }
}

fn read_labels(value: Shaped) -> Result<LabelsSpec, Problem> {
    match value {
        Shaped::String(rule) => Ok(LabelsSpec::Rule(rule)),
        Shaped::Object(table) => Ok(LabelsSpec::Table(read_table(table)?)),
        other => Err(wrong_type(Some("labels"), "a string or an object", &other)),
    }
}

fn read_table(table: Members) -> Result<BTreeMap<String, String>, Problem> {
    if table.count() > MAX_LABELS {
        let rule = Rule::TooMany { max: MAX_LABELS, actual: table.count() };
        return Err(DomainError::violation("labels", rule).into());
    }
    let entry = |(label, value): (Cow<'static, str>, Shaped)| match value {
        Shaped::String(sentiment) => Ok((label.into_owned(), sentiment)),
        other => Err(wrong_type(Some(&format!("labels.{label}")), "a string", &other)),
    };
    table.into_iter().map(entry).collect()
}
