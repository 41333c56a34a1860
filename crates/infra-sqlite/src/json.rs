//! The JSON that rows keep: metadata, labels, payloads. What is written is read back to the bit.

use std::collections::BTreeMap;

use domain::events::DomainEvent;
use domain::value_objects::{LabelScore, Metadata, MetadataValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A label as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredLabel {
    label: String,
    score: Value,
    #[serde(default)]
    logit: Option<Value>,
}

/// The object of the entries of `metadata`.
pub(crate) fn write_metadata(metadata: &Metadata) -> String {
    let entries = metadata.entries().iter();
    object(entries.map(|(key, value)| (key.clone(), write_value(value))))
}

/// The metadata that [`write_metadata`] wrote; none where it was something else.
pub(crate) fn read_metadata(json: &str) -> Option<Metadata> {
    let stored: BTreeMap<String, Value> = serde_json::from_str(json).ok()?;
    let entries = stored.into_iter().map(|(key, value)| Some((key, read_value(value)?)));
    Metadata::try_new(entries.collect::<Option<_>>()?).ok()
}

/// The object of what `event` says beside its id, type, prediction and time.
pub(crate) fn write_payload(event: &DomainEvent) -> String {
    let fields = event.payload().into_iter();
    object(fields.map(|(name, value)| (name.to_owned(), value.as_ref().map_or(Value::Null, write_value))))
}

/// The array of `labels`, in their order.
pub(crate) fn write_labels(labels: &[LabelScore]) -> String {
    let stored = labels.iter().map(|label| {
        let mut fields = Map::with_capacity(2);
        fields.insert("label".to_owned(), Value::from(label.label.as_str()));
        fields.insert("score".to_owned(), write_score(label.score));
        if let Some(logit) = label.logit {
            fields.insert("logit".to_owned(), write_score(logit));
        }
        Value::Object(fields)
    });
    Value::Array(stored.collect()).to_string()
}

/// The labels that [`write_labels`] wrote; none where it was something else.
pub(crate) fn read_labels(json: &str) -> Option<Vec<LabelScore>> {
    let stored: Vec<StoredLabel> = serde_json::from_str(json).ok()?;
    let labels = stored.into_iter().map(|stored| {
        let logit = match &stored.logit {
            Some(logit) => Some(read_score(logit)?),
            None => None,
        };
        Some(LabelScore { label: stored.label, score: read_score(&stored.score)?, logit })
    });
    labels.collect()
}

fn object(fields: impl Iterator<Item = (String, Value)>) -> String {
    Value::Object(fields.collect()).to_string()
}

fn write_value(value: &MetadataValue) -> Value {
    match value {
        MetadataValue::Text(text) => Value::from(text.as_str()),
        MetadataValue::Integer(number) => Value::from(*number),
        MetadataValue::Float(number) => Value::from(*number),
        MetadataValue::Bool(value) => Value::from(*value),
    }
}

fn read_value(value: Value) -> Option<MetadataValue> {
    match value {
        Value::String(text) => Some(MetadataValue::Text(text)),
        Value::Bool(value) => Some(MetadataValue::Bool(value)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(MetadataValue::Integer(whole)),
            None => MetadataValue::number(String::new, number.as_f64()?).ok(),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A score as the f64 of the same value, whose decimal digits give that f64 back, or by its name: a regression
/// may yield what JSON has no number for.
fn write_score(score: f32) -> Value {
    if score.is_nan() {
        Value::from("nan")
    } else if score.is_infinite() {
        Value::from(if score > 0.0 { "inf" } else { "-inf" })
    } else {
        Value::from(f64::from(score))
    }
}

fn read_score(score: &Value) -> Option<f32> {
    match score {
        Value::Number(number) => Some(number.as_f64()? as f32),
        Value::String(name) => match name.as_str() {
            "nan" => Some(f32::NAN),
            "inf" => Some(f32::INFINITY),
            "-inf" => Some(f32::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn label(score: f32) -> LabelScore {
        LabelScore { label: "a \"label\" \u{1F600}".to_owned(), score, logit: None }
    }

    fn read_back(score: f32) -> f32 {
        let written = write_labels(&[label(score)]);
        read_labels(&written).unwrap().remove(0).score
    }

    #[test]
    fn every_kind_of_score_comes_back_to_the_bit() {
        let edges = [0.1, 1.0, -0.0, 16_777_217.0, f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::EPSILON];
        let subnormal = f32::from_bits(1);
        let some_bits = (0..200_000_u32).map(|n| f32::from_bits(n.wrapping_mul(2_654_435_761)));
        let infinite = [f32::INFINITY, f32::NEG_INFINITY, subnormal];
        for score in some_bits.chain(edges).chain(infinite).filter(|score| !score.is_nan()) {
            assert_eq!(read_back(score).to_bits(), score.to_bits(), "{score}");
        }
        assert!(read_back(f32::NAN).is_nan());
    }

    #[test]
    fn metadata_keeps_the_kind_and_value_of_every_number() {
        let values = [
            MetadataValue::Integer(i64::MAX),
            MetadataValue::Integer(i64::MIN),
            MetadataValue::Integer(0),
            MetadataValue::Float(0.1),
            MetadataValue::Float(f64::MIN_POSITIVE),
            MetadataValue::Float(f64::MAX),
            MetadataValue::Float(9_223_372_036_854_775_808.0),
            MetadataValue::Float(-1e300),
            MetadataValue::Bool(true),
            MetadataValue::Text("1".to_owned()),
            MetadataValue::Text("\u{7f}\u{2028}\\\"".to_owned()),
        ];
        let entries = values.into_iter().enumerate().map(|(n, value)| (format!("k{n}"), value));
        let metadata = Metadata::try_new(entries.collect()).unwrap();
        assert_eq!(read_metadata(&write_metadata(&metadata)), Some(metadata));
    }

    #[test]
    fn what_nobody_should_have_written_is_told_apart() {
        for bad in ["", "null", "[]", "{\"a\":null}", "{\"a\":{}}", "{\"a\":[1]}"] {
            assert_eq!(read_metadata(bad), None, "{bad}");
        }
        for bad in ["", "{}", "[1]", "[{\"label\":\"a\"}]", "[{\"label\":\"a\",\"score\":\"b\"}]"] {
            assert_eq!(read_labels(bad), None, "{bad}");
        }
    }
}
