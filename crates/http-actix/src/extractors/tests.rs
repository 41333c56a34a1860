#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;

use domain::value_objects::TenantId;
use serde_json::{Value, json};
use utoipa::openapi::schema::ObjectBuilder;

use super::batch_request::BATCH;
use super::model_spec::MODEL_SPEC;
use super::options::OPTIONS;
use super::predict_item::ITEM;
use super::prediction_request::PREDICTION;
use super::*;
use crate::problem::Problem;

/// An object of a request: the name of its schema, its shape, its schema, and what its parser refuses.
type Request = (&'static str, Shape, fn() -> ObjectBuilder, fn(&Value) -> Result<(), Problem>);

const REQUESTS: [Request; 5] = [
    ("PredictionInput", PREDICTION, || prediction_schema(10), refuse_prediction),
    ("PredictionOptions", OPTIONS, options_schema, refuse_options),
    ("BatchInput", BATCH, batch_schema, |body| {
        parse_batch(body.to_string().as_bytes(), TenantId::default()).map(drop)
    }),
    ("BatchItemInput", ITEM, || item_schema(10), refuse_item),
    ("ModelInput", MODEL_SPEC, model_spec_schema, |body| {
        parse_model_spec(body.to_string().as_bytes()).map(drop)
    }),
];

fn refuse_prediction(body: &Value) -> Result<(), Problem> {
    parse_prediction(body.to_string().as_bytes(), TenantId::default()).map(drop)
}

fn refuse_options(options: &Value) -> Result<(), Problem> {
    refuse_prediction(&json!({"text": "a", "options": options}))
}

fn refuse_item(item: &Value) -> Result<(), Problem> {
    let body = json!({"items": [item]}).to_string();
    let (_, entries) = parse_batch(body.as_bytes(), TenantId::default())?;
    entries.into_iter().next().and_then(|entry| entry.refusal).map_or(Ok(()), Err)
}

#[test]
fn the_schemas_of_requests_agree_with_their_parsers() {
    for (name, shape, schema, refuse) in REQUESTS {
        let schema = serde_json::to_value(schema().build()).expect("a schema");
        let properties = schema["properties"].as_object().expect("properties");
        let Shape::Object(members) = shape else { panic!("{name} is no object") };
        let members: BTreeSet<_> = members.iter().map(|(member, _)| *member).collect();
        assert_eq!(properties.keys().map(String::as_str).collect::<BTreeSet<_>>(), members, "{name}");

        let code = |body: &Value| refuse(body).err().map(|problem| problem.code().code());
        let required: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
        let required: Vec<_> = required.into_iter().filter_map(Value::as_str).collect();
        let minimal: Value = required.iter().map(|member| (*member, example(&properties[*member]))).collect();
        assert_eq!(code(&minimal), None, "{name}");
        for (member, property) in properties {
            let with = |value: Value| {
                let mut body = minimal.clone();
                body[member] = value;
                code(&body)
            };
            assert_eq!(with(example(property)), None, "{name}.{member}");
            let null = with(Value::Null);
            assert_eq!(null, (!is_nullable(property)).then_some("wrong_type"), "{name}.{member}");
            let other = if property["type"] == "array" { json!({}) } else { json!([]) };
            assert_eq!(with(other), Some("wrong_type"), "{name}.{member}");
            let mut without = minimal.clone();
            without.as_object_mut().expect("an object").remove(member);
            let missing = required.contains(&member.as_str()).then_some("missing_field");
            assert_eq!(code(&without), missing, "{name}.{member}");
        }
    }
}

/// A value that the schema of a member allows.
fn example(schema: &Value) -> Value {
    let given = [&schema["example"], &schema["examples"][0], &schema["enum"][0], &schema["minimum"]];
    let given = given.into_iter().find(|value| !value.is_null());
    given.cloned().unwrap_or_else(|| match schema["type"].as_str().or(schema["type"][0].as_str()) {
        Some("boolean") => json!(true),
        Some("array") => json!([{"text": "a"}]),
        _ if schema["anyOf"].is_array() => example(&schema["anyOf"][0]),
        _ => json!({}),
    })
}

fn is_nullable(schema: &Value) -> bool {
    let kinds = [&schema["type"], &schema["anyOf"], &schema["oneOf"]].into_iter().filter_map(Value::as_array);
    kinds.flatten().any(|kind| kind == "null" || kind["type"] == "null")
}
