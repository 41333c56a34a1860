//! What the types of the settings declare about each key.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// Returns the JSON schema of `T`, with every type written out where it is used.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().into()
}

/// Checks the numbers in `value` against the ranges that `schema` declares for them.
///
/// # Errors
/// The first number outside its range, with its key below `path`.
pub(super) fn check_ranges(path: &str, schema: &Value, value: &Value) -> Result<(), String> {
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        check_ranges(&format!("{path}.{key}"), schema, &value[key])?;
    }
    let (least, most) = (&schema["minimum"], &schema["maximum"]);
    let Some(number) = value.as_f64() else { return Ok(()) };
    if least.as_f64().is_some_and(|least| number < least) || most.as_f64().is_some_and(|most| number > most) {
        let range =
            if most.is_null() { format!("at least {least}") } else { format!("from {least} to {most}") };
        return Err(format!("{path} must be {range}, not {value}"));
    }
    Ok(())
}
