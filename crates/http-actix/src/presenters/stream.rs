use application::dtos::PredictSentimentResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::presenters::{PredictionView, present_prediction};
use crate::problem::{Problem, ProblemView};

/// The answer to one line of a stream: a prediction or a problem.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamLine {
    /// The line's place among those that are not blank, counted from 0.
    index: usize,
    /// The HTTP status that the line would have had alone.
    #[schema(minimum = 200, maximum = 599, example = 200)]
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    prediction: Option<PredictionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    problem: Option<ProblemView>,
}

/// The last line of a stream that came to its end.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamEnd {
    /// Always true.
    pub(crate) done: bool,
    /// The lines that were answered.
    pub(crate) ok: usize,
    /// The lines that were not.
    pub(crate) failed: usize,
}

/// The answer to the line at `index` of the request `request_id`.
pub(crate) fn present_line(
    index: usize,
    outcome: &Result<PredictSentimentResponse, Problem>,
    request_id: &str,
) -> StreamLine {
    match outcome {
        Ok(answer) => {
            StreamLine { index, status: 200, prediction: Some(present_prediction(answer)), problem: None }
        }
        Err(problem) => StreamLine {
            index,
            status: problem.code().status().as_u16(),
            prediction: None,
            problem: Some(problem.view(request_id)),
        },
    }
}
