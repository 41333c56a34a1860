use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::use_cases::time_limits::ANALYSIS;

use crate::access::{Authorized, PredictionsRead};
use crate::controllers::respond_within;
use crate::extractors::terms_request;
use crate::openapi::TermsParameters;
use crate::presenters::{TermsView, present_terms};
use crate::state::ApiState;

/// Find distinguishing terms
///
/// The words, and pairs of words, that are more or less frequent in texts of a sentiment than in those of the other
/// sentiments, or than before: by their log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn
/// 2008). A text with a word many times counts once. At most 25,000 texts of each side are read, a uniform sample where
/// there are more.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/terms",
    operation_id = "rank_terms",
    tag = "analytics",
    params(TermsParameters),
    responses((status = 200, description = "The terms, the most distinct first", body = TermsView))
)]
pub(crate) async fn terms(
    authorized: Authorized<PredictionsRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("AnalyticsController.terms", async {
        let query = terms_request(&request, authorized.tenant())?;
        let ranked = state.use_cases.rank_terms.execute(query).await?;
        Ok(HttpResponse::Ok().json(present_terms(ranked)))
    });
    respond_within(&request, ANALYSIS, Box::pin(action)).await
}
