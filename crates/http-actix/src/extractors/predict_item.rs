use std::borrow::Cow;
use std::collections::BTreeMap;

use application::dtos::PredictItem;
use domain::errors::{DomainError, Rule};
use domain::value_objects::{Metadata, MetadataValue};
use serde_json::Number;
use utoipa::openapi::schema::ObjectBuilder;

use crate::extractors::{Members, ObjectReader, Shape, Shaped, wrong_type};
use crate::openapi::schemas;
use crate::problem::Problem;

/// The shape of an item of a batch.
pub(super) const ITEM: Shape =
    Shape::Object(&[("text", Shape::Scalar), ("ref", Shape::Scalar), ("metadata", METADATA)]);

/// The shape of the member `metadata`.
pub(super) const METADATA: Shape = Shape::Table(Metadata::MAX_KEYS);

/// Reads an item of a batch.
pub(super) fn read_item(value: Shaped) -> Result<PredictItem, Problem> {
    let mut object = ObjectReader::new(value, None)?;
    let item = take_item(&mut object)?;
    object.finish()?;
    Ok(item)
}

/// Takes the members of an item.
pub(super) fn take_item(object: &mut ObjectReader) -> Result<PredictItem, Problem> {
    Ok(PredictItem {
        text: object.string("text")?,
        reference: object.optional_string("ref")?,
        metadata: object.optional("metadata").map_or_else(|| Ok(BTreeMap::new()), read_metadata)?,
    })
}

/// The schema `BatchItemInput`, with a text of at most `max_text_chars` characters.
pub(crate) fn item_schema(max_text_chars: usize) -> ObjectBuilder {
    let description = "One text of a batch; the model and the options are those of the batch.";
    with_item(schemas::request_object(description), max_text_chars)
}

/// Adds the members of an item to a schema.
pub(super) fn with_item(schema: ObjectBuilder, max_text_chars: usize) -> ObjectBuilder {
    schema
        .property("text", schemas::text(max_text_chars))
        .required("text")
        .property("ref", schemas::nullable_reference())
        .property("metadata", schemas::nullable_metadata())
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

/// Checks the domain's rule here, because the domain would count the stored members only.
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
    // Every JSON number has a nearest double.
    let nearest = number.as_f64().unwrap_or(f64::NAN);
    MetadataValue::exact_number(|| format!("metadata.{key}"), number.as_i64(), nearest)
}
