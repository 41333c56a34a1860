use domain::value_objects::RawOptions;
use utoipa::ToSchema;

use crate::extractors::{ObjectReader, Shape, Shaped};
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
    pub(crate) const SHAPE: Shape = Shape::Object(&[
        ("top_k", Shape::Scalar),
        ("raw", Shape::Scalar),
        ("function", Shape::Scalar),
        ("granularity", Shape::Scalar),
        ("max_tokens", Shape::Scalar),
        ("overflow", Shape::Scalar),
    ]);

    /// Reads the member `options` of a body or a line.
    pub(crate) fn read(value: Shaped) -> Result<RawOptions, Problem> {
        let mut object = ObjectReader::within(value, "options")?;
        let asked = RawOptions {
            top_k: object.optional_integer("top_k")?,
            raw: object.optional_bool("raw")?,
            function: object.optional_string("function")?,
            granularity: object.optional_string("granularity")?,
            max_tokens: object.optional_integer("max_tokens")?,
            overflow: object.optional_string("overflow")?,
        };
        object.finish()?;
        Ok(asked)
    }
}
