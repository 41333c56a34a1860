use domain::value_objects::{PredictionId, TenantId, TraceParent};

use crate::dtos::{Actor, PredictionRecord, TimeLimit};
use crate::ports::PredictionFilter;

/// Read one prediction.
#[derive(Debug, Clone)]
pub struct GetPredictionRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// Its id.
    pub id: PredictionId,
}

/// Delete one prediction.
#[derive(Debug, Clone)]
pub struct DeletePredictionRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// Its id.
    pub id: PredictionId,
    /// Who deletes it.
    pub actor: Actor,
    /// How long the request may take.
    pub time_limit: TimeLimit,
    /// The trace that the request belongs to.
    pub traceparent: Option<TraceParent>,
}

/// List predictions, newest first.
#[derive(Debug, Clone)]
pub struct ListPredictionsRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The conditions.
    pub filter: PredictionFilter,
    /// The page's length, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// One page of predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPredictionsResponse {
    /// The predictions, ids descending.
    pub items: Vec<PredictionRecord>,
    /// Where the next page begins; none on the last.
    pub next_cursor: Option<String>,
}
