use application::dtos::PredictSentimentResponse;

/// Returns the `Cache-Status` (RFC 9211) of the cache in front of the model. A request that waited for the computation
/// of another one counts as a hit too.
pub(crate) fn present_cache_status(prediction: &PredictSentimentResponse) -> &'static str {
    if prediction.cached { "undertone; hit" } else { "undertone; fwd=miss; stored" }
}
