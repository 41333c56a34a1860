use std::borrow::Cow;
use std::collections::BTreeMap;

use application::ports::{LabelsSpec, ModelSpec};
use domain::errors::{DomainError, Rule};
use utoipa::openapi::schema::ObjectBuilder;

use crate::extractors::json::parse_json;
use crate::extractors::{Members, ObjectReader, Shape, Shaped, wrong_type};
use crate::openapi::schemas::{
    labels_mapping, nullable_integer, nullable_number, nullable_string, request_object, string, with_example,
};
use crate::problem::Problem;

/// The shape of a model spec.
pub(super) const MODEL_SPEC: Shape = Shape::Object(&[
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

/// The most labels that a table of labels may have.
const MAX_LABELS: usize = 1_000;

/// Parses the body of a request to load a model.
pub(crate) fn parse_model_spec(json: &[u8]) -> Result<ModelSpec, Problem> {
    let mut object = ObjectReader::new(parse_json(json, MODEL_SPEC)?, None)?;
    let spec = ModelSpec {
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

/// The schema `ModelInput`.
pub(crate) fn model_spec_schema() -> ObjectBuilder {
    let count = |description| nullable_integer(description).minimum(Some(1));
    let path = string(
        "A Hugging Face folder that the service can read, the name of a folder under its `models/`, or \
         `org/name[@revision]` on the hub.",
    );
    let precision = nullable_string("The precision: `auto`, `f32`, `int8`, `f16` or `bf16`.");
    let device = nullable_string("The device: `auto`, `cpu` or `cuda:N`.");
    let window = count("The most tokens of a window, not counting special tokens.");
    let overlap = nullable_integer("The tokens that a window shares with the previous one.").minimum(Some(0));
    let max_wait = nullable_number(
        "Accepted and without effect: the deadline of its request decides how long a text waits in the queue.",
    );
    request_object("A model to load and its settings: the keys of a model's section, with the same defaults.")
        .property("path", with_example(path, "models/reviews-de"))
        .required("path")
        .property("precision", with_example(precision, "int8"))
        .property("device", with_example(device, "cpu"))
        .property("window", with_example(window, 254))
        .property("overlap", with_example(overlap, 32))
        .property("labels", labels_mapping())
        .property("threads", count("The number of batches that are computed at once on a CPU."))
        .property("max_batch_tokens", count("The most tokens that are computed together."))
        .property("max_queue_tokens", count("The most tokens that wait in the queue."))
        .property("max_queue_items", count("The most texts that wait in the queue."))
        .property("max_wait", max_wait.minimum(Some(0.1)).maximum(Some(86_400)))
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
