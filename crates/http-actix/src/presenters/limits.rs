use domain::value_objects::{Limits, Rate};
use serde::Serialize;
use utoipa::ToSchema;

/// What a tenant or a caller may use; null for what is not limited.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub(crate) struct LimitsView {
    /// The rate of requests.
    #[schema(required = true)]
    requests: Option<RateView>,
    /// The rate of texts.
    #[schema(required = true)]
    texts: Option<RateView>,
    /// The most requests at the same time.
    #[schema(required = true)]
    concurrent: Option<u32>,
    /// The most texts of a day (UTC).
    #[schema(required = true)]
    texts_per_day: Option<u64>,
}

/// A rate: so many in each second on average, and up to `burst` at once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rate)]
struct RateView {
    /// The average of a second.
    #[schema(example = 10)]
    per_second: u32,
    /// The most at once.
    #[schema(example = 20)]
    burst: u32,
}

/// Presents limits; none where nothing is limited.
pub(crate) fn present_limits(limits: &Limits) -> Option<LimitsView> {
    let rate = |rate: Rate| RateView { per_second: rate.per_second.get(), burst: rate.burst.get() };
    (!limits.is_unlimited()).then(|| LimitsView {
        requests: limits.requests.map(rate),
        texts: limits.texts.map(rate),
        concurrent: limits.concurrent.map(Into::into),
        texts_per_day: limits.texts_per_day.map(Into::into),
    })
}
