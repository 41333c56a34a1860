use application::dtos::PredictSentimentResponse;
use serde::Serialize;
use utoipa::ToSchema;

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
pub(crate) struct BatchItemView {
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

impl FromIterator<BatchItemView> for BatchView {
    fn from_iter<I: IntoIterator<Item = BatchItemView>>(items: I) -> Self {
        let items: Vec<_> = items.into_iter().collect();
        let succeeded = items.iter().filter(|item| item.prediction.is_some()).count();
        Self { succeeded, failed: items.len() - succeeded, items }
    }
}

/// Presents the result of the item at `index` in the request `request_id`.
pub(crate) fn present_batch_item(
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
