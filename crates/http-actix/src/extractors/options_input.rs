use domain::value_objects::AskedOptions;
use serde_json::{Number, Value};
use utoipa::ToSchema;

use crate::extractors::{ObjectReader, wrong_type};
use crate::openapi::schemas;
use crate::problem::Problem;

/// What is asked of an answer beyond the usual.
#[derive(Debug, ToSchema)]
#[schema(as = PredictionOptions)]
#[expect(dead_code, reason = "the form alone is wanted: for the API's description")]
pub(crate) struct OptionsInput {
    /// How many of the `labels` are answered, the best first; more than there are is all. All are kept.
    #[schema(minimum = 1, example = 2)]
    top_k: Option<i64>,
    /// Whether each label comes with its `logit`: what the model itself said, the mean of its windows.
    raw: Option<bool>,
    /// What turns logits into scores, in place of the model's own. With `none` the labels' scores are the logits:
    /// `confidence` is null, `scores` is empty, and the sentiment is that of the highest.
    #[schema(schema_with = schemas::score_function)]
    function: Option<String>,
    /// With `sentence` the answer has `sentences`, and is `mixed` where strong ones disagree. Not together with the
    /// function `none` or the overflow `truncate`.
    #[schema(schema_with = schemas::granularity)]
    granularity: Option<String>,
    /// The most tokens of the text, special tokens not counted; `overflow` says what happens beyond them.
    #[schema(minimum = 1, maximum = 1_000_000, example = 128)]
    max_tokens: Option<i64>,
    /// What happens to a text of more than `max_tokens`, without which it is not allowed: it is read whole in windows
    /// of at most so many tokens (`window`, the default), its first tokens alone are read (`truncate`), or it is
    /// refused (`reject`).
    #[schema(schema_with = schemas::overflow)]
    overflow: Option<String>,
}

impl OptionsInput {
    /// Reads the member `options` of a body or a line.
    pub(crate) fn read(value: Value) -> Result<AskedOptions, Problem> {
        let mut object = ObjectReader::within(value, "options")?;
        let asked = AskedOptions {
            top_k: read_integer(&mut object, "top_k")?,
            raw: object.optional_bool("raw")?,
            function: object.optional_string("function")?,
            granularity: object.optional_string("granularity")?,
            max_tokens: read_integer(&mut object, "max_tokens")?,
            overflow: object.optional_string("overflow")?,
        };
        object.finish()?;
        Ok(asked)
    }
}

fn read_integer(object: &mut ObjectReader, name: &str) -> Result<Option<i64>, Problem> {
    let Some(value) = object.optional(name) else { return Ok(None) };
    let integer = value.as_number().and_then(whole);
    integer.map(Some).ok_or_else(|| wrong_type(Some(&format!("options.{name}")), "a whole number", &value))
}

/// A whole number however it is written; one beyond 64 bits is as good as the last within them, for no option takes
/// either.
fn whole(number: &Number) -> Option<i64> {
    let float = number.as_f64()?;
    number.as_i64().or_else(|| (float.fract() == 0.0).then_some(float as i64))
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_whole_however_they_are_written() {
        let read = |text: &str| whole(&serde_json::from_str(text).expect("a number"));
        for (text, expected) in [
            ("2", Some(2)),
            ("2.0", Some(2)),
            ("-3", Some(-3)),
            ("1e2", Some(100)),
            ("1e300", Some(i64::MAX)),
            ("18446744073709551615", Some(i64::MAX)),
            ("-1e300", Some(i64::MIN)),
            ("0.5", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
