#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

use proptest::prelude::*;
use serde_json::{Deserializer, Value};

use super::*;

const OBJECT: Shape = Shape::Object(&[
    ("leaf", Shape::Scalar),
    ("table", Shape::Table(2)),
    ("list", Shape::Array { element: &Shape::Scalar, most: 2 }),
]);

fn read(text: &[u8], shape: Shape) -> Result<Shaped, String> {
    let mut deserializer = Deserializer::from_slice(text);
    let value = shape.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| error.to_string())
}

fn object(text: &str) -> Members {
    match read(text.as_bytes(), OBJECT).expect("JSON") {
        Shaped::Object(members) => members,
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_and_elements_beyond_the_limit_are_counted_and_not_stored() {
    let Some(Shaped::Object(table)) = object(r#"{"table":{"b":1,"a":2,"b":3,"c":4,"c":5}}"#).remove("table")
    else {
        panic!("no table")
    };
    assert_eq!(table.count(), 4);
    let entries: Vec<_> = table.into_iter().collect();
    assert_eq!(
        entries,
        [("a".into(), Shaped::Number(2.into())), ("b".into(), Shaped::Number(3.into()))],
        "alphabetical, and the last of repeated names counts"
    );
    for (text, stored) in [("[]", 0), ("[1,2]", 2), ("[1,2,[3,{}],\"4\"]", 0)] {
        let mut members = object(&format!("{{\"list\":{text}}}"));
        let Some(Shaped::Array(list)) = members.remove("list") else { panic!("no array") };
        assert_eq!(list.stored.len(), stored, "{text}");
        let all: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(Some(list.count), all.as_array().map(Vec::len));
    }
    assert_eq!(
        object(r#"{"leaf":[[1],2]}"#).get("leaf"),
        Some(&Shaped::Array(Elements { stored: vec![], count: 2 }))
    );
    assert_eq!(object(r#"{"leaf":{"a":{"b":1}}}"#).get("leaf"), Some(&Shaped::Object(Members::default())));
}

#[test]
fn the_first_unknown_name_is_stored_and_the_last_value_counts() {
    let members = object(r#"{"z":1,"leaf":1,"b":{"a":1},"leaf":"x","c":1}"#);
    assert_eq!(members.unknown(), Some("b"));
    assert_eq!(members.get("leaf").and_then(Shaped::as_str), Some("x"));
    let long = "é".repeat(10_000);
    let unknown = object(&format!("{{\"{long}\":1}}")).unknown().expect("unknown").to_owned();
    assert!(unknown.len() <= UNKNOWN_NAME_BYTES && long.starts_with(&unknown));
}

#[test]
fn malformed_json_is_refused_where_it_is_stored_and_where_it_is_skipped() {
    for bad in [
        r#""\ud83d""#,
        r#""\u12""#,
        "1e999",
        "-1e999",
        "01",
        "nul",
        "[1,]",
        "{\"a\"}",
        "\"\u{1}\"",
        "\u{feff}1",
        "",
    ] {
        for place in ["leaf", "table", "list", "unknown"] {
            for text in [format!("{{\"{place}\":{bad}}}"), format!("{{\"{place}\":[{{\"a\":{bad}}}]}}")] {
                assert!(read(text.as_bytes(), OBJECT).is_err(), "{text}");
            }
        }
    }
    assert!(read(b"{\"unknown\":\"\xff\"}", OBJECT).is_err());
    assert!(read(b"{\"unknown\":[{\"\xff\":1}]}", OBJECT).is_err());
}

#[test]
fn depth_is_bounded_as_for_whole_values() {
    for depth in [50, 126, 127, 128, 129, 10_000] {
        let text = format!("{{\"unknown\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let all = serde_json::from_str::<Value>(&text);
        assert_eq!(read(text.as_bytes(), OBJECT).is_ok(), all.is_ok(), "{depth}");
    }
}

/// JSON, and text that is nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| Value::String(text).to_string()),
        any::<u16>().prop_map(|unit| format!("\"\\u{unit:04x}\"")),
        "[0-9eE.+-]{1,8}",
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        let name = prop_oneof!["leaf|table|list|other", any::<String>()];
        let name = name.prop_map(|name| Value::String(name).to_string());
        let member = (name, inner.clone()).prop_map(|(name, value)| format!("{name}:{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(member, 0..6).prop_map(|all| format!("{{{}}}", all.join(", "))),
        ]
    })
}

proptest! {
    #[test]
    fn a_shape_accepts_and_stores_the_same_as_the_parser_of_whole_values(
        text in nearly_json(),
        cut in any::<prop::sample::Index>(),
    ) {
        for text in [text.as_bytes(), &text.as_bytes()[..cut.index(text.len() + 1)]] {
            let all = serde_json::from_slice::<Value>(text).map_err(|error| error.to_string());
            let shaped = read(text, OBJECT);
            prop_assert_eq!(shaped.as_ref().err(), all.as_ref().err());
            let scalar = match (&shaped, &all) {
                (Ok(Shaped::Object(members)), Ok(Value::Object(all))) => {
                    prop_assert_eq!(members.get("leaf").is_some(), all.contains_key("leaf"));
                    (members.get("leaf").cloned(), all.get("leaf").cloned())
                }
                (Ok(shaped), Ok(all)) => (Some(shaped.clone()), Some(all.clone())),
                _ => (None, None),
            };
            if let (Some(Shaped::Number(number)), Some(all)) = &scalar {
                prop_assert_eq!(&Value::Number(number.clone()), all);
            }
            if let (Some(Shaped::String(text)), Some(all)) = &scalar {
                prop_assert_eq!(Some(text.as_str()), all.as_str());
            }
        }
    }
}
