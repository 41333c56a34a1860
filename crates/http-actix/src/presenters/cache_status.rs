use application::dtos::PredictSentimentResponse;

/// What the cache before the model did for an answer (RFC 9211). Whoever waited while the model read the same text for
/// another had a hit too: it read nothing more for him.
pub(crate) fn present_cache_status(answer: &PredictSentimentResponse) -> &'static str {
    if answer.cached { "undertone; hit" } else { "undertone; fwd=miss; stored" }
}
