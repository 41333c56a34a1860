//! The JSON that rows keep: metadata, labels, payloads. `jsonb` keeps every digit of a number, but neither the sign
//! of zero nor a number that is none; what is written here is read back to the bit all the same.

use std::collections::BTreeMap;

use domain::events::DomainEvent;
use domain::value_objects::{LabelScore, Metadata, MetadataValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A label as it is kept.
#[derive(Serialize)]
struct WrittenLabel<'l> {
    label: &'l str,
    score: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    logit: Option<Value>,
}

/// A label as it is read.
#[derive(Deserialize)]
struct ReadLabel {
    label: String,
    score: Value,
    logit: Option<Value>,
}

/// The scores for which `jsonb` has no number, by their names.
const NAMED_SCORES: [(&str, f32); 4] =
    [("NaN", f32::NAN), ("Infinity", f32::INFINITY), ("-Infinity", f32::NEG_INFINITY), ("-0", -0.0)];

/// The object of the entries of `metadata`.
pub(crate) fn write_metadata(metadata: &Metadata) -> String {
    object(metadata.entries().iter().map(|(key, value)| (key.clone(), write_value(value))))
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
    let written: Vec<WrittenLabel<'_>> = labels
        .iter()
        .map(|label| WrittenLabel {
            label: &label.label,
            score: write_score(label.score),
            logit: label.logit.map(write_score),
        })
        .collect();
    // Strings and numbers cannot fail to be written; an empty array would be seen as what it is.
    serde_json::to_string(&written).unwrap_or_else(|_| "[]".to_owned())
}

/// The labels that [`write_labels`] wrote; none where it was something else.
pub(crate) fn read_labels(json: &str) -> Option<Vec<LabelScore>> {
    let read: Vec<ReadLabel> = serde_json::from_str(json).ok()?;
    read.into_iter()
        .map(|read| {
            let logit = match &read.logit {
                Some(logit) => Some(read_score(logit)?),
                None => None,
            };
            Some(LabelScore { label: read.label, score: read_score(&read.score)?, logit })
        })
        .collect()
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

/// A score as the f64 of the same value, whose decimal digits give that f64 back, or by its name.
fn write_score(score: f32) -> Value {
    let same = |named: f32| named.to_bits() == score.to_bits() || (named.is_nan() && score.is_nan());
    match NAMED_SCORES.iter().find(|(_, named)| same(*named)) {
        Some((name, _)) => Value::from(*name),
        None => Value::from(f64::from(score)),
    }
}

fn read_score(score: &Value) -> Option<f32> {
    match score {
        Value::Number(number) => Some(number.as_f64()? as f32),
        Value::String(name) => NAMED_SCORES.iter().find(|(known, _)| known == name).map(|(_, score)| *score),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(score: f32) -> f32 {
        let written =
            write_labels(&[LabelScore { label: "a \"label\" \u{1F600}".to_owned(), score, logit: None }]);
        read_labels(&written).expect("what was written can be read").remove(0).score
    }

    #[test]
    fn every_kind_of_score_comes_back_to_the_bit() {
        let edges = [0.0, -0.0, 1.0, f32::from_bits(1), f32::MAX, f32::INFINITY, f32::NEG_INFINITY];
        let some_bits = (0..200_000_u32).map(|n| f32::from_bits(n.wrapping_mul(2_654_435_761)));
        for score in some_bits.chain(edges).filter(|score| !score.is_nan()) {
            assert_eq!(read_back(score).to_bits(), score.to_bits(), "{score}");
        }
        assert!(read_back(f32::NAN).is_nan());
    }

    #[test]
    fn a_number_is_read_in_the_form_that_jsonb_gives_it() {
        let digits = format!("{{\"k\":1{}}}", "0".repeat(300));
        let read = read_metadata(&digits).expect("a number of 301 digits");
        assert_eq!(read.entries()["k"], MetadataValue::Float(1e300));
        let read = read_metadata("{\"k\": 2.0}").expect("a number");
        assert_eq!(read.entries()["k"], MetadataValue::Integer(2));
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
