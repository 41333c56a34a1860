use domain::value_objects::{PredictionOptions, RawOptions};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::extractors::{ObjectReader, Shape};
use crate::openapi::schemas::{self, with_example};
use crate::problem::Problem;

/// The shape of the member `options`.
pub(super) const OPTIONS: Shape = Shape::Object(&[
    ("top_k", Shape::Scalar),
    ("raw", Shape::Scalar),
    ("function", Shape::Scalar),
    ("granularity", Shape::Scalar),
    ("max_tokens", Shape::Scalar),
    ("overflow", Shape::Scalar),
]);

/// Takes the member `options` of a request.
pub(super) fn take_options(request: &mut ObjectReader) -> Result<RawOptions, Problem> {
    let Some(options) = request.optional("options") else { return Ok(RawOptions::default()) };
    let mut object = ObjectReader::within(options, "options")?;
    let options = RawOptions {
        top_k: object.optional_integer("top_k")?,
        raw: object.optional_bool("raw")?,
        function: object.optional_string("function")?,
        granularity: object.optional_string("granularity")?,
        max_tokens: object.optional_integer("max_tokens")?,
        overflow: object.optional_string("overflow")?,
    };
    object.finish()?;
    Ok(options)
}

/// The schema `PredictionOptions`.
pub(crate) fn options_schema() -> ObjectBuilder {
    let top_k = schemas::nullable_integer("The most `labels` that are returned, best first. All are stored.");
    let raw = "Whether each label has its `logit`: the model's raw output, the mean over the windows.";
    let max_tokens = schemas::nullable_integer(
        "The most tokens of the text, not counting special tokens; `overflow` says what happens to a longer text.",
    );
    let max_tokens = max_tokens.minimum(Some(1)).maximum(Some(PredictionOptions::MAX_TOKENS));
    schemas::request_object("The options of a prediction.")
        .property("top_k", with_example(top_k.minimum(Some(1)), 2))
        .property("raw", schemas::nullable(Type::Boolean).description(Some(raw)))
        .property("function", schemas::score_function())
        .property("granularity", schemas::granularity())
        .property("max_tokens", with_example(max_tokens, 128))
        .property("overflow", schemas::overflow())
}
