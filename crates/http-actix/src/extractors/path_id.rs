use actix_web::HttpRequest;
use domain::value_objects::PredictionId;

use crate::problem::Problem;

/// Returns the path's `{id}`.
///
/// # Errors
/// `malformed` where it is not a UUID.
pub(crate) fn prediction_id(request: &HttpRequest) -> Result<PredictionId, Problem> {
    Ok(PredictionId::parse("id", request.match_info().get("id").unwrap_or_default())?)
}
