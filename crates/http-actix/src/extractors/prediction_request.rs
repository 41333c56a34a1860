use application::dtos::PredictSentimentRequest;
use domain::value_objects::TenantId;
use utoipa::openapi::schema::ObjectBuilder;

use crate::extractors::json::parse_json;
use crate::extractors::options::{OPTIONS, take_options};
use crate::extractors::predict_item::{METADATA, take_item, with_item};
use crate::extractors::{ObjectReader, Shape};
use crate::openapi::schemas;
use crate::problem::Problem;

/// The shape of a request for one prediction.
pub(super) const PREDICTION: Shape = Shape::Object(&[
    ("text", Shape::Scalar),
    ("ref", Shape::Scalar),
    ("metadata", METADATA),
    ("model", Shape::Scalar),
    ("options", OPTIONS),
]);

/// Parses the body of a request for one prediction, or a line of a stream.
pub(crate) fn parse_prediction(json: &[u8], tenant: TenantId) -> Result<PredictSentimentRequest, Problem> {
    let mut object = ObjectReader::new(parse_json(json, PREDICTION)?, None)?;
    let item = take_item(&mut object)?;
    let model = object.optional_string("model")?;
    let options = take_options(&mut object)?;
    object.finish()?;
    Ok(PredictSentimentRequest { tenant, item, model, options, ..PredictSentimentRequest::default() })
}

/// The schema `PredictionInput`, with a text of at most `max_text_chars` characters.
pub(crate) fn prediction_schema(max_text_chars: usize) -> ObjectBuilder {
    let schema = schemas::request_object("A text to classify, and the options of its prediction.");
    with_item(schema, max_text_chars)
        .property(
            "model",
            schemas::nullable_model_name(
                "The name of the model, as in `GET /api/v1/models`; the default model if absent.",
            ),
        )
        .property("options", schemas::nullable_options(""))
}
