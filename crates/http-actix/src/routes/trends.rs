use crate::controllers::trends;
use crate::routes::Endpoint;

/// The routes over the counts of predictions.
pub(super) fn trends() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/api/v1/analytics/trends").get(trends::show),
        Endpoint::at("/api/v1/analytics/breakdown").get(trends::break_down),
    ]
}
