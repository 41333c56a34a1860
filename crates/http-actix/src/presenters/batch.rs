use application::dtos::PredictSentimentResponse;
use application::errors::ApplicationError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extractors::BatchEntry;
use crate::presenters::{PredictionView, present_prediction};
use crate::problem::{Problem, ProblemView};

/// The results of a batch, in the order of its items.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Batch)]
pub(crate) struct BatchView {
    /// One result for each item.
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<BatchItemView>,
    /// The number of items with a prediction.
    succeeded: usize,
    /// The number of items with a problem.
    failed: usize,
}

/// The result of one item of a batch: a prediction or a problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchItem)]
struct BatchItemView {
    /// The item's position, counted from 0.
    index: usize,
    /// Your own id for the item's text, if it could be read.
    #[serde(rename = "ref")]
    #[schema(required = true, example = "review-17")]
    reference: Option<String>,
    /// The HTTP status that the item would have as a request of its own.
    #[schema(minimum = 200, maximum = 599, example = 200)]
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    prediction: Option<PredictionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    problem: Option<ProblemView>,
}

/// Presents the results of the request `request_id`: the problem of each entry that was refused, and for each of the
/// others the next of the `outcomes`.
pub(crate) fn present_batch(
    entries: Vec<BatchEntry>,
    outcomes: Vec<Result<PredictSentimentResponse, ApplicationError>>,
    request_id: &str,
) -> BatchView {
    let mut outcomes = outcomes.into_iter().map(|outcome| outcome.map_err(Problem::from));
    let items = entries.into_iter().enumerate().filter_map(|(index, BatchEntry { reference, refusal })| {
        let outcome = refusal.map_or_else(|| outcomes.next(), |problem| Some(Err(problem)))?;
        Some(present_item(index, reference, &outcome, request_id))
    });
    let items: Vec<_> = items.collect();
    let succeeded = items.iter().filter(|item| item.prediction.is_some()).count();
    BatchView { succeeded, failed: items.len() - succeeded, items }
}

fn present_item(
    index: usize,
    reference: Option<String>,
    outcome: &Result<PredictSentimentResponse, Problem>,
    request_id: &str,
) -> BatchItemView {
    let status = outcome.as_ref().map_or_else(|problem| problem.code().status().as_u16(), |_| 200);
    BatchItemView {
        index,
        reference,
        status,
        prediction: outcome.as_ref().ok().map(present_prediction),
        problem: outcome.as_ref().err().map(|problem| problem.view(request_id)),
    }
}
