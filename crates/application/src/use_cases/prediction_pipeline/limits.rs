use std::num::NonZeroU32;

use crate::errors::ApplicationError;
use crate::use_cases::prediction_pipeline::{PredictionPorts, RequestContext};

/// Counts `texts` against the limits of the request's principal.
///
/// # Errors
/// `LimitExceeded`; `Invalid` where so many texts are never allowed at once.
pub(in crate::use_cases) async fn take_texts(
    ports: &PredictionPorts,
    context: &RequestContext,
    texts: usize,
) -> Result<(), ApplicationError> {
    let Some(texts) = u32::try_from(texts).ok().and_then(NonZeroU32::new) else { return Ok(()) };
    let taken = ports.limiter.take_texts(&context.principal, texts).await;
    taken.map_err(|error| ApplicationError::of_limit(error, texts.get()))
}

/// Waits until the limits of the request's principal allow one more text.
///
/// # Errors
/// `LimitExceeded` by the quota of the day.
pub(in crate::use_cases) async fn wait_for_text(
    ports: &PredictionPorts,
    context: &RequestContext,
) -> Result<(), ApplicationError> {
    let waited = ports.limiter.wait_for_text(&context.principal).await;
    waited.map_err(|error| ApplicationError::of_limit(error, 1))
}
