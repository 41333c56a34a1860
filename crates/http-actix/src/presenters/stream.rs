use application::dtos::PredictSentimentResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extractors::Unfinished;
use crate::presenters::{PredictionView, present_prediction};
use crate::problem::{Problem, ProblemView};

/// The result of one line of a stream: a prediction or a problem.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamLine {
    /// The line's position among the lines that are not blank, counted from 0.
    index: usize,
    /// The HTTP status that the line would have as a request of its own.
    #[schema(minimum = 200, maximum = 599, example = 200)]
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    prediction: Option<PredictionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    problem: Option<ProblemView>,
}

/// The last line of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamEnd {
    /// Whether every line was read; if not, the lines after the first `ok` + `failed` may be sent again.
    done: bool,
    /// Why not every line was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<StreamEndReason>,
    /// The number of lines with a prediction.
    ok: usize,
    /// The number of lines with a problem.
    failed: usize,
}

/// Why the service ended a stream before the last line of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StreamEndReason {
    /// The service is shutting down; another replica may process the rest.
    ShuttingDown,
    /// The next line did not arrive in time.
    RequestTimeout,
    /// The key or token of the caller has ended or was revoked, or its tenant was disabled.
    Unauthenticated,
    /// The store that knows the keys does not respond.
    Unavailable,
}

/// The number of lines of a stream with a prediction, and with a problem.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LineCounts {
    pub(crate) ok: usize,
    pub(crate) failed: usize,
}

/// Presents the last line of a stream; none if the connection broke, because the client cannot read it.
pub(crate) fn present_end(counts: LineCounts, unfinished: Option<Unfinished>) -> Option<StreamEnd> {
    let reason = match unfinished {
        None => None,
        Some(Unfinished::ShuttingDown) => Some(StreamEndReason::ShuttingDown),
        Some(Unfinished::CallerRefused) => Some(StreamEndReason::Unauthenticated),
        Some(Unfinished::Unavailable) => Some(StreamEndReason::Unavailable),
        Some(Unfinished::TimedOut) => Some(StreamEndReason::RequestTimeout),
        Some(Unfinished::Broken) => return None,
    };
    Some(StreamEnd { done: reason.is_none(), reason, ok: counts.ok, failed: counts.failed })
}

/// Presents the result of the line at `index` in the request `request_id`.
pub(crate) fn present_line(
    index: usize,
    outcome: &Result<PredictSentimentResponse, Problem>,
    request_id: &str,
) -> StreamLine {
    match outcome {
        Ok(prediction) => {
            StreamLine { index, status: 200, prediction: Some(present_prediction(prediction)), problem: None }
        }
        Err(problem) => StreamLine {
            index,
            status: problem.code().status().as_u16(),
            prediction: None,
            problem: Some(problem.view(request_id)),
        },
    }
}
