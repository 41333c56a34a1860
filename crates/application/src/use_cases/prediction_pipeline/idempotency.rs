use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use domain::value_objects::TenantId;
use futures_util::FutureExt;

use crate::dtos::{IdempotentRequest, PredictSentimentResponse};
use crate::errors::ApplicationError;
use crate::ports::{ClaimOutcome, IdempotencyClaim, StoredAnswer, StoredItem};
use crate::use_cases::prediction_pipeline::PredictionPorts;
use crate::use_cases::time_limits::SINGLE;

/// Whether a request is answered for the first time.
pub(in crate::use_cases) enum Claimed {
    /// It is; under a claim where it has an idempotency key.
    First(Option<IdempotencyClaim>),
    /// It was answered before.
    Before(StoredAnswer),
}

/// Claims the key of the request, if it has one, for `lease`, which should end at the deadline: later nothing of the
/// request is stored.
///
/// # Errors
/// `IdempotencyInProgress`, `IdempotencyKeyReused`, `Unavailable`.
pub(in crate::use_cases) async fn claim(
    ports: &PredictionPorts,
    tenant: &TenantId,
    request: Option<&IdempotentRequest>,
    lease: Duration,
) -> Result<Claimed, ApplicationError> {
    let (Some(request), Some(ports)) = (request, &ports.idempotency) else { return Ok(Claimed::First(None)) };
    match ports.claims.claim(tenant, &request.key, &request.digest, lease).await? {
        ClaimOutcome::Claimed(claim) => Ok(Claimed::First(Some(claim))),
        ClaimOutcome::Answered(answer) => Ok(Claimed::Before(answer)),
        ClaimOutcome::InProgress => Err(ApplicationError::IdempotencyInProgress),
        ClaimOutcome::Reused => Err(ApplicationError::IdempotencyKeyReused),
    }
}

/// Runs `work`, which answers the request of `claim`, and releases the claim if it fails or panics. The client may then
/// send the request again at once: nothing is stored, or the commit may still succeed, and then completes the claim
/// before it is released.
pub(in crate::use_cases) async fn under_claim<T>(
    ports: &PredictionPorts,
    tenant: &TenantId,
    claim: Option<&IdempotencyClaim>,
    work: impl Future<Output = Result<T, ApplicationError>>,
) -> Result<T, ApplicationError> {
    let Some(claim) = claim else { return work.await };
    // Unwind safe: no state of the work is used after a panic.
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    if !matches!(outcome, Ok(Ok(_))) {
        release(ports, tenant, claim).await;
    }
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Returns the answer to a request that cannot be served, if it was answered before: by another replica, or before a
/// model was unloaded or a setting changed.
///
/// # Errors
/// `error`, where it was not; `IdempotencyInProgress`, `IdempotencyKeyReused`, `Unavailable`.
pub(in crate::use_cases) async fn answered_before(
    ports: &PredictionPorts,
    tenant: &TenantId,
    request: Option<&IdempotentRequest>,
    error: ApplicationError,
) -> Result<StoredAnswer, ApplicationError> {
    match claim(ports, tenant, request, SINGLE).await? {
        Claimed::Before(answer) => Ok(answer),
        Claimed::First(None) => Err(error),
        Claimed::First(Some(claim)) => {
            release(ports, tenant, &claim).await;
            Err(error)
        }
    }
}

async fn release(ports: &PredictionPorts, tenant: &TenantId, claim: &IdempotencyClaim) {
    if let Some(ports) = &ports.idempotency
        && let Err(error) = ports.claims.release(tenant, claim).await
    {
        // The lease ends by itself.
        tracing::debug!(%error, "an idempotency key was not released");
    }
}

/// Returns the items of an answer again.
///
/// # Errors
/// About the whole answer: `Unavailable`, `Corrupt`. An item: `Gone`, `FailedBefore`, `Corrupt`.
pub(in crate::use_cases) async fn replay(
    ports: &PredictionPorts,
    tenant: &TenantId,
    answer: StoredAnswer,
) -> Result<Vec<Result<PredictSentimentResponse, ApplicationError>>, ApplicationError> {
    let Some(ports) = &ports.idempotency else { return Ok(Vec::new()) };
    let id_of = |item: &StoredItem| match item {
        StoredItem::Prediction(id) => Some(*id),
        StoredItem::Failure(_) => None,
    };
    let ids: Vec<_> = answer.items.iter().filter_map(id_of).collect();
    let mut found = ports.predictions.find_many(tenant, &ids).await?.into_iter();
    let items = answer.items.into_iter().map(|item| match item {
        StoredItem::Prediction(id) => {
            let gone = || ApplicationError::Gone { entity: "prediction", id: id.to_string() };
            let record = found.next().transpose()?.flatten();
            record.map(|record| record.prediction).ok_or_else(gone)
        }
        StoredItem::Failure(failure) => Err(ApplicationError::FailedBefore(failure)),
    });
    Ok(items.collect())
}
