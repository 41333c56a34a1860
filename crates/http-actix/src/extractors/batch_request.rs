use application::dtos::{PredictItem, PredictSentimentBatchRequest};
use application::use_cases::PredictSentimentBatchUseCase;
use domain::errors::{DomainError, Rule};
use domain::value_objects::{Reference, TenantId};
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder};

use crate::extractors::json::parse_json;
use crate::extractors::options::{OPTIONS, take_options};
use crate::extractors::predict_item::{ITEM, read_item};
use crate::extractors::{Elements, ObjectReader, Shape, Shaped};
use crate::openapi::schemas;
use crate::problem::{Problem, ProblemCode};

/// The most items of a batch.
const MAX_ITEMS: usize = PredictSentimentBatchUseCase::MAX_ITEMS;

/// The shape of a request for a batch.
pub(super) const BATCH: Shape = Shape::Object(&[
    ("items", Shape::Array { element: &ITEM, most: MAX_ITEMS }),
    ("model", Shape::Scalar),
    ("options", OPTIONS),
]);

/// One entry of a batch's `items`.
#[derive(Debug)]
pub(crate) struct BatchEntry {
    /// The client's own id for the text, if it is valid.
    pub(crate) reference: Option<String>,
    /// Why the entry is not an item; none for an entry that is the next item of the request.
    pub(crate) refusal: Option<Problem>,
}

/// Parses the body of a request for a batch. The request has the items of the entries without a refusal, in their
/// order, so that each of the others fails alone.
pub(crate) fn parse_batch(
    json: &[u8],
    tenant: TenantId,
) -> Result<(PredictSentimentBatchRequest, Vec<BatchEntry>), Problem> {
    let mut object = ObjectReader::new(parse_json(json, BATCH)?, None)?;
    let elements = object.array("items")?;
    let model = object.optional_string("model")?;
    let options = take_options(&mut object)?;
    object.finish()?;
    check_count(&elements)?;
    let mut items = Vec::with_capacity(elements.stored.len());
    let entries = elements.stored.into_iter().map(|value| read_entry(value, &mut items)).collect();
    let rest = PredictSentimentBatchRequest::default();
    Ok((PredictSentimentBatchRequest { tenant, items, model, options, ..rest }, entries))
}

fn check_count(elements: &Elements) -> Result<(), Problem> {
    match elements.count {
        0 => Err(Problem::new(ProblemCode::Blank).about("items", "must not be empty")),
        actual if actual > MAX_ITEMS => {
            Err(DomainError::violation("items", Rule::TooMany { max: MAX_ITEMS, actual }).into())
        }
        _ => Ok(()),
    }
}

/// Reads an entry, and adds its item to `items` if it is one.
fn read_entry(value: Shaped, items: &mut Vec<PredictItem>) -> BatchEntry {
    let reference = value.get("ref").and_then(Shaped::as_str);
    let reference = reference.filter(|text| Reference::parse(*text).is_ok()).map(str::to_owned);
    let refusal = read_item(value).map(|item| items.push(item)).err();
    BatchEntry { reference, refusal }
}

/// The schema `BatchInput`.
pub(crate) fn batch_schema() -> ObjectBuilder {
    let items = ArrayBuilder::new()
        .items(Ref::from_schema_name("BatchItemInput"))
        .description(Some("1 to 1,000 texts. A text that is not allowed fails alone."))
        .min_items(Some(1))
        .max_items(Some(MAX_ITEMS));
    let model = "The name of the model for all texts; the default model if absent.";
    schemas::request_object("Texts to classify.")
        .property("items", items)
        .required("items")
        .property("model", schemas::nullable_model_name(model))
        .property("options", schemas::nullable_options("The options of each prediction."))
}
