use crate::controllers::analytics;
use crate::routes::Endpoint;

/// Returns the endpoints of what the stored predictions show together.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::at("/api/v1/analytics/terms").get(analytics::terms)]
}
