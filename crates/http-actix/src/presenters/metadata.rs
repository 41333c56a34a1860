use domain::value_objects::{Metadata, MetadataValue};
use serde_json::{Map, Value};

/// Presents the metadata of a text, as the client sent it.
pub(crate) fn present_metadata(metadata: &Metadata) -> Map<String, Value> {
    metadata.entries().iter().map(|(key, value)| (key.clone(), present_value(value))).collect()
}

fn present_value(value: &MetadataValue) -> Value {
    match value {
        MetadataValue::Text(text) => Value::from(text.as_str()),
        MetadataValue::Integer(number) => Value::from(*number),
        MetadataValue::Float(number) => Value::from(*number),
        MetadataValue::Bool(value) => Value::from(*value),
    }
}
