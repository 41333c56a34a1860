//! What the types of the settings declare about each key.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// Returns the JSON schema of `T` without references.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().into()
}

/// Checks the numbers in `value` against the ranges that `schema` declares for them.
///
/// # Errors
/// The first number outside its range, with its key, which begins with `path`.
pub(super) fn check_ranges(path: &str, schema: &Value, value: &Value) -> Result<(), String> {
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        check_ranges(&path, schema, &value[key])?;
    }
    let (Some(least), Some(most)) = (schema["minimum"].as_f64(), schema["maximum"].as_f64()) else {
        return Ok(());
    };
    // JSON has no NaN, so that one is `null` here, as an optional key without a value is.
    let is_optional = schema["type"].is_array();
    if value.as_f64().map_or(is_optional && value.is_null(), |number| (least..=most).contains(&number)) {
        return Ok(());
    }
    let (least, most) = (&schema["minimum"], &schema["maximum"]);
    Err(format!("{path} must be from {least} to {most}, not {value}"))
}
