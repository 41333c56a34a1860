use std::slice;

use crate::action::log_action;
use crate::dtos::{Answer, PredictItem, PredictSentimentRequest, PredictSentimentResponse};
use crate::errors::ApplicationError;
use crate::ports::{Admission, IdempotencyClaim, StoredAnswer, StoredItem};
use crate::use_cases::prediction_pipeline::{
    Claimed, PredictionPorts, RequestContext, ValidItem, answered_before, claim, classify, create_prediction,
    missing_output, replay, store, take_texts, under_claim, validate, wait_for_text,
};
use crate::use_cases::time_limits::SINGLE;

/// Classifies one text and stores the prediction.
pub struct PredictSentimentUseCase {
    ports: PredictionPorts,
}

impl PredictSentimentUseCase {
    /// The use case over `ports`.
    pub fn new(ports: PredictionPorts) -> Self {
        Self { ports }
    }

    /// Returns the prediction once it is stored, or again where the request was answered before.
    ///
    /// # Errors
    /// `Invalid` (an unknown model included), `LimitExceeded`, `Saturated`, `DeadlineExceeded`, `InferenceFailed`,
    /// `Unavailable`; with an idempotency key also `IdempotencyInProgress`, `IdempotencyKeyReused`, `Gone`, and
    /// `Conflict` where the lease of the key ended meanwhile.
    pub async fn execute(
        &self,
        request: PredictSentimentRequest,
    ) -> Result<Answer<PredictSentimentResponse>, ApplicationError> {
        log_action("PredictSentimentUseCase.execute", async {
            let (tenant, idempotency) = (request.tenant.clone(), request.idempotency.clone());
            let answer = match self.prepare(request).await {
                Ok((context, item)) => {
                    let lease = context.remaining();
                    match claim(&self.ports, &tenant, idempotency.as_ref(), lease).await? {
                        Claimed::First(claim) => {
                            let work = self.predict(&context, item, claim.as_ref());
                            let response = under_claim(&self.ports, &tenant, claim.as_ref(), work).await?;
                            return Ok(Answer { response, replayed: false });
                        }
                        Claimed::Before(answer) => answer,
                    }
                }
                Err(error) => answered_before(&self.ports, &tenant, idempotency.as_ref(), error).await?,
            };
            let item = replay(&self.ports, &tenant, answer).await?.pop();
            let response = item.ok_or_else(missing_output)??;
            Ok(Answer { response, replayed: true })
        })
        .await
    }

    /// Chooses the model and validates the item.
    async fn prepare(
        &self,
        request: PredictSentimentRequest,
    ) -> Result<(RequestContext, ValidItem), ApplicationError> {
        let PredictSentimentRequest {
            tenant, item, model, options, principal, time_limit, traceparent, ..
        } = request;
        let models = self.ports.models.as_ref();
        let context = RequestContext::resolve(models, tenant, model.as_deref(), &options, principal)?
            .with_deadline(time_limit.deadline(SINGLE))
            .in_trace(traceparent);
        let item = validate(&self.ports, item, &context.options).await?;
        Ok((context, item))
    }

    async fn predict(
        &self,
        context: &RequestContext,
        item: ValidItem,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<PredictSentimentResponse, ApplicationError> {
        take_texts(&self.ports, context, 1).await?;
        predict_valid(&self.ports, context, item, Admission::Single, claim).await
    }
}

/// Validates, classifies and stores one line of a stream, when the limits allow it.
pub(super) async fn predict_line(
    ports: &PredictionPorts,
    context: &RequestContext,
    item: PredictItem,
) -> Result<PredictSentimentResponse, ApplicationError> {
    let item = validate(ports, item, &context.options).await?;
    wait_for_text(ports, context).await?;
    predict_valid(ports, context, item, Admission::BulkNext, None).await
}

/// Classifies and stores one item, as the answer to the request of `claim`.
async fn predict_valid(
    ports: &PredictionPorts,
    context: &RequestContext,
    item: ValidItem,
    admission: Admission,
    claim: Option<&IdempotencyClaim>,
) -> Result<PredictSentimentResponse, ApplicationError> {
    let classification = classify(context, &[&item], admission).await?.pop().ok_or_else(missing_output)??;
    let prediction = create_prediction(ports, item, classification);
    let answer = |claim: &IdempotencyClaim| {
        (claim.clone(), StoredAnswer { items: vec![StoredItem::Prediction(prediction.id())] })
    };
    store(ports, context, slice::from_ref(&prediction), claim.map(answer)).await?;
    Ok(PredictSentimentResponse::from(&prediction))
}
