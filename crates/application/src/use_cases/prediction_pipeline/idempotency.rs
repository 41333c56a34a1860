use crate::dtos::{IdempotentRequest, PredictSentimentResponse};
use crate::errors::ApplicationError;
use crate::ports::{ClaimOutcome, IdempotencyClaim, StoredAnswer, StoredItem};
use crate::use_cases::prediction_pipeline::{PredictionPorts, RequestContext};
use crate::use_cases::time_limits::LONGEST_BATCH;

/// Whether a request is answered for the first time.
pub(in crate::use_cases) enum Claimed {
    /// It is; under a claim where it has an idempotency key.
    First(Option<IdempotencyClaim>),
    /// It was answered before.
    Before(StoredAnswer),
}

/// Claims the key of the request, if it has one, until the deadline: later nothing of the request is stored.
///
/// # Errors
/// `IdempotencyInProgress`, `IdempotencyKeyReused`, `Unavailable`.
pub(in crate::use_cases) async fn claim(
    ports: &PredictionPorts,
    context: &RequestContext,
    request: Option<&IdempotentRequest>,
) -> Result<Claimed, ApplicationError> {
    let (Some(request), Some(ports)) = (request, &ports.idempotency) else { return Ok(Claimed::First(None)) };
    let lease = context.deadline.remaining().unwrap_or(LONGEST_BATCH);
    match ports.claims.claim(&context.tenant, &request.key, &request.digest, lease).await? {
        ClaimOutcome::Claimed(claim) => Ok(Claimed::First(Some(claim))),
        ClaimOutcome::Answered(answer) => Ok(Claimed::Before(answer)),
        ClaimOutcome::InProgress => Err(ApplicationError::IdempotencyInProgress),
        ClaimOutcome::Reused => Err(ApplicationError::IdempotencyKeyReused),
    }
}

/// Returns `outcome`, that of the request of `claim`. After a failure the client may send the request again at once:
/// nothing is stored, or the commit may still succeed, and then completes the claim before it is released.
pub(in crate::use_cases) async fn release_after_failure<T>(
    ports: &PredictionPorts,
    context: &RequestContext,
    claim: Option<&IdempotencyClaim>,
    outcome: Result<T, ApplicationError>,
) -> Result<T, ApplicationError> {
    if let (Err(_), Some(claim), Some(ports)) = (&outcome, claim, &ports.idempotency)
        && let Err(error) = ports.claims.release(&context.tenant, claim).await
    {
        // The lease ends by itself.
        tracing::debug!(%error, "an idempotency key was not released");
    }
    outcome
}

/// Returns the items of an answer again.
///
/// # Errors
/// About the whole answer: `Unavailable`, `Corrupt`. An item: `Gone`, `FailedBefore`.
pub(in crate::use_cases) async fn replay(
    ports: &PredictionPorts,
    context: &RequestContext,
    answer: StoredAnswer,
) -> Result<Vec<Result<PredictSentimentResponse, ApplicationError>>, ApplicationError> {
    let Some(ports) = &ports.idempotency else { return Ok(Vec::new()) };
    let id_of = |item: &StoredItem| match item {
        StoredItem::Prediction(id) => Some(*id),
        StoredItem::Failure(_) => None,
    };
    let ids: Vec<_> = answer.items.iter().filter_map(id_of).collect();
    let mut found = ports.predictions.find_many(&context.tenant, &ids).await?.into_iter();
    let items = answer.items.into_iter().map(|item| match item {
        StoredItem::Prediction(id) => {
            let gone = || ApplicationError::Gone { entity: "prediction", id: id.to_string() };
            found.next().flatten().map(|record| record.prediction).ok_or_else(gone)
        }
        StoredItem::Failure(failure) => Err(ApplicationError::FailedBefore(failure)),
    });
    Ok(items.collect())
}
