use domain::value_objects::{Metadata, MetadataValue};
use serde::{Serialize, Serializer};

/// The metadata of a text, as the client sent it: a flat JSON object.
#[derive(Debug)]
pub(crate) struct MetadataView(Metadata);

/// The same without a copy.
pub(crate) struct BorrowedMetadata<'m>(pub(crate) &'m Metadata);

/// Presents the metadata of a text.
pub(crate) fn present_metadata(metadata: &Metadata) -> MetadataView {
    MetadataView(metadata.clone())
}

impl Serialize for MetadataView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BorrowedMetadata(&self.0).serialize(serializer)
    }
}

impl Serialize for BorrowedMetadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.entries().iter().map(|(key, value)| (key, ValueView(value))))
    }
}

struct ValueView<'m>(&'m MetadataValue);

impl Serialize for ValueView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            MetadataValue::Text(text) => serializer.serialize_str(text),
            MetadataValue::Integer(number) => serializer.serialize_i64(*number),
            MetadataValue::Float(number) => serializer.serialize_f64(*number),
            MetadataValue::Bool(value) => serializer.serialize_bool(*value),
        }
    }
}
