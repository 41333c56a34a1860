//! The JSON in which rows hold metadata, labels and payloads. What is written is read back to the bit, although
//! PostgreSQL's `jsonb` drops the sign of zero and has no number that is not finite.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::events::{DIMENSION_PREFIX, DomainEvent};
use domain::value_objects::{
    Confidence, LabelScore, Metadata, MetadataValue, ModelRef, PredictionFacts, Sentiment, Timestamp, Usage,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A label as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredLabel<'l> {
    label: Cow<'l, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logit: Option<Value>,
    score: Value,
}

/// The scores that are stored by name.
const NAMED_SCORES: [(&str, f32); 4] =
    [("NaN", f32::NAN), ("Infinity", f32::INFINITY), ("-Infinity", f32::NEG_INFINITY), ("-0", -0.0)];

/// Other names for them, which earlier releases wrote to SQLite.
const EARLIER_NAMES: [(&str, f32); 3] =
    [("nan", f32::NAN), ("inf", f32::INFINITY), ("-inf", f32::NEG_INFINITY)];

/// The object of the entries of `metadata`.
pub(crate) fn write_metadata(metadata: &Metadata) -> String {
    object(metadata.entries().iter().map(|(key, value)| (key.clone(), write_value(value))))
}

/// The metadata that [`write_metadata`] wrote; none where `json` is anything else.
pub(crate) fn read_metadata(json: &str) -> Option<Metadata> {
    let stored: BTreeMap<String, Value> = serde_json::from_str(json).ok()?;
    let entries = stored.into_iter().map(|(key, value)| Some((key, read_value(value)?)));
    Metadata::try_new(entries.collect::<Option<_>>()?).ok()
}

/// The object of an event's fields beside its id, type, prediction and time.
pub fn write_payload(event: &DomainEvent) -> String {
    let fields = event.payload().into_iter();
    object(fields.map(|(name, value)| (name.into_owned(), value.as_ref().map_or(Value::Null, write_value))))
}

/// The facts in a payload that [`write_payload`] wrote; none where it has none, as in an earlier release.
pub(crate) fn read_facts(payload: &str) -> Option<PredictionFacts> {
    let fields: BTreeMap<Cow<'_, str>, Value> = serde_json::from_str(payload).ok()?;
    let count = |name: &str| u32::try_from(fields.get(name)?.as_u64()?).ok();
    let text = |name: &str| fields.get(name)?.as_str();
    let truth = |name: &str| fields.get(name)?.as_bool();
    let sentiment = match fields.get("sentiment")? {
        Value::Null => None,
        name => Some(Sentiment::parse("sentiment", name.as_str()?).ok()?),
    };
    let confidence = match fields.get("confidence")? {
        Value::Null => None,
        number => Some(Confidence::try_new("confidence", number.as_f64()? as f32).ok()?),
    };
    let dimensions = fields.iter().filter_map(|(name, value)| {
        Some((name.strip_prefix(DIMENSION_PREFIX)?.to_owned(), value.as_str()?.to_owned()))
    });
    Some(PredictionFacts {
        created_at: Timestamp::from_micros(fields.get("created_at_us")?.as_i64()?),
        model: ModelRef::new(text("model")?, text("revision")?),
        sentiment,
        confidence,
        usage: Usage { tokens: count("tokens")?, windows: count("windows")?, truncated: truth("truncated")? },
        cached: truth("cached")?,
        dimensions: dimensions.collect(),
    })
}

/// The array of `labels`, in their order.
pub(crate) fn write_labels(labels: &[LabelScore]) -> String {
    let stored = labels.iter().map(|label| StoredLabel {
        label: Cow::from(&label.label),
        logit: label.logit.map(write_score),
        score: write_score(label.score),
    });
    array(&stored.collect::<Vec<_>>())
}

/// The labels that [`write_labels`] wrote; none where `json` is anything else.
pub(crate) fn read_labels(json: &str) -> Option<Vec<LabelScore>> {
    let stored: Vec<StoredLabel<'_>> = serde_json::from_str(json).ok()?;
    let labels = stored.into_iter().map(|stored| {
        let logit = match &stored.logit {
            Some(logit) => Some(read_score(logit)?),
            None => None,
        };
        Some(LabelScore { label: stored.label.into_owned(), score: read_score(&stored.score)?, logit })
    });
    labels.collect()
}

/// `stored` as an array.
pub(crate) fn array(stored: &[impl Serialize]) -> String {
    // Strings and numbers cannot fail to be written; an empty array would be seen as what it is.
    serde_json::to_string(stored).unwrap_or_else(|_| "[]".to_owned())
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
        Value::String(name) => {
            let mut names = NAMED_SCORES.iter().chain(&EARLIER_NAMES);
            names.find(|(known, _)| known == name).map(|(_, score)| *score)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::*;

    fn read_back(score: f32) -> f32 {
        let label = "a \"label\" \u{1F600}".to_owned();
        let written = write_labels(&[LabelScore { label, score, logit: None }]);
        read_labels(&written).expect("what was written can be read").remove(0).score
    }

    #[test]
    fn every_kind_of_score_comes_back_to_the_bit() {
        let edges = [0.0, -0.0, 0.1, 1.0, 16_777_217.0, f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::EPSILON];
        let subnormal = f32::from_bits(1);
        let some_bits = (0..200_000_u32).map(|n| f32::from_bits(n.wrapping_mul(2_654_435_761)));
        let infinite = [f32::INFINITY, f32::NEG_INFINITY, subnormal];
        for score in some_bits.chain(edges).chain(infinite).filter(|score| !score.is_nan()) {
            assert_eq!(read_back(score).to_bits(), score.to_bits(), "{score}");
        }
        assert!(read_back(f32::NAN).is_nan());
    }

    #[test]
    fn scores_that_earlier_releases_wrote_can_be_read() {
        for (stored, score) in [
            ("\"inf\"", f32::INFINITY),
            ("\"-inf\"", f32::NEG_INFINITY),
            ("\"Infinity\"", f32::INFINITY),
            ("\"-Infinity\"", f32::NEG_INFINITY),
            ("\"-0\"", -0.0),
            ("-0.0", -0.0),
            ("0.10000000149011612", 0.1),
        ] {
            let labels = read_labels(&format!("[{{\"label\":\"a\",\"logit\":null,\"score\":{stored}}}]"));
            let expected = LabelScore { label: "a".to_owned(), score, logit: None };
            assert_eq!(labels, Some(vec![expected]), "{stored}");
        }
        for stored in ["NaN", "nan"] {
            let labels = read_labels(&format!("[{{\"label\":\"a\",\"score\":\"{stored}\"}}]"));
            assert!(labels.is_some_and(|labels| labels[0].score.is_nan()), "{stored}");
        }
    }

    #[test]
    fn metadata_has_the_kind_and_value_of_every_number() {
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
        let metadata = Metadata::try_new(entries.collect()).expect("metadata");
        assert_eq!(read_metadata(&write_metadata(&metadata)), Some(metadata));
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
    fn other_json_is_not_read() {
        for bad in ["", "null", "[]", "{\"a\":null}", "{\"a\":{}}", "{\"a\":[1]}"] {
            assert_eq!(read_metadata(bad), None, "{bad}");
        }
        for bad in ["", "{}", "[1]", "[{\"label\":\"a\"}]", "[{\"label\":\"a\",\"score\":\"b\"}]"] {
            assert_eq!(read_labels(bad), None, "{bad}");
        }
    }
}
