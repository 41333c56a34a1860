//! JSON objects in which no name stands twice. Of a repeated name one reader takes the first value and another the
//! last, so that a token could mean one thing to the identity provider and another here.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Parses an object that repeats no name, at any depth.
pub(crate) fn parse_object(json: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(json) {
        Ok(Strict(Value::Object(object))) => Some(object),
        Ok(_) | Err(_) => None,
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, _>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_read_as_they_are() {
        let object = json!({ "a": [1, -2, 0.5, null, true], "b": { "c": "d", "": {} }, "ä": [] });
        assert_eq!(parse_object(object.to_string().as_bytes()).map(Value::Object), Some(object));
    }

    #[test]
    fn repeated_names_and_other_values_are_refused() {
        for json in [
            r#"{ "a": 1, "a": 1 }"#,
            r#"{ "a": 1, "\u0061": 2 }"#,
            r#"{ "a": { "b": 1, "b": 2 } }"#,
            r#"{ "a": [{ "b": 1, "b": 2 }] }"#,
            "[]",
            "\"a\"",
            "{} {}",
            "",
            "{",
        ] {
            assert_eq!(parse_object(json.as_bytes()), None, "{json}");
        }
        assert_eq!(parse_object("{\"a\":".repeat(5_000).as_bytes()), None, "nested too deeply");
        assert_eq!(parse_object(b"{ \"a\": \"\xff\" }"), None, "not UTF-8");
    }
}
