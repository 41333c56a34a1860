use domain::entities::Prediction;
use domain::errors::{DomainError, Rule};
use domain::value_objects::PredictionOptions;

use crate::action::{log_action, log_failed_items};
use crate::dtos::{
    PredictItem, PredictSentimentBatchRequest, PredictSentimentBatchResponse, PredictSentimentResponse,
};
use crate::errors::ApplicationError;
use crate::ports::{Admission, IdempotencyClaim, MlError, StoredAnswer, StoredItem};
use crate::use_cases::prediction_pipeline::{
    Claimed, Classification, PredictionPorts, RequestContext, ValidItem, answered_before, claim, classify,
    create_prediction, missing_output, replay, store, take_texts, under_claim, validate,
};
use crate::use_cases::time_limits;

/// Classifies many texts and stores the predictions in one unit of work; an invalid item fails alone.
pub struct PredictSentimentBatchUseCase {
    ports: PredictionPorts,
}

impl PredictSentimentBatchUseCase {
    /// The most items of a batch.
    pub const MAX_ITEMS: usize = 1_000;
    /// The most sentences of all items together, if they are classified separately.
    pub const MAX_SENTENCES: usize = 10_000;

    /// The use case over `ports`.
    pub fn new(ports: PredictionPorts) -> Self {
        Self { ports }
    }

    /// Returns one prediction or error an item, once the predictions are stored, or again where the request was
    /// answered before. An item that failed then is not tried again.
    ///
    /// # Errors
    /// About the whole batch: `Invalid` (more than 1,000 items or 10,000 sentences, invalid options, an unknown model),
    /// `LimitExceeded`, `Saturated` (decided before the first item), `DeadlineExceeded`, `Unavailable`; with an
    /// idempotency key also `IdempotencyInProgress`, `IdempotencyKeyReused`, and `Conflict` where the lease of the key
    /// ended meanwhile.
    pub async fn execute(
        &self,
        request: PredictSentimentBatchRequest,
    ) -> Result<PredictSentimentBatchResponse, ApplicationError> {
        log_action("PredictSentimentBatchUseCase.execute", async {
            let (tenant, idempotency) = (request.tenant.clone(), request.idempotency.clone());
            let answer = match self.prepare(request).await {
                Ok((context, items)) => {
                    let lease = context.remaining();
                    match claim(&self.ports, &tenant, idempotency.as_ref(), lease).await? {
                        Claimed::First(claim) => {
                            let work = self.predict_all(&context, items, claim.as_ref());
                            let items = under_claim(&self.ports, &tenant, claim.as_ref(), work).await?;
                            return Ok(PredictSentimentBatchResponse { items, replayed: false });
                        }
                        Claimed::Before(answer) => answer,
                    }
                }
                Err(error) => answered_before(&self.ports, &tenant, idempotency.as_ref(), error).await?,
            };
            let items = replay(&self.ports, &tenant, answer).await?;
            log_failed_items(
                "PredictSentimentBatchUseCase.execute",
                items.iter().filter_map(|item| item.as_ref().err()),
            );
            Ok(PredictSentimentBatchResponse { items, replayed: true })
        })
        .await
    }

    /// Chooses the model, validates the items and sets the deadline.
    async fn prepare(
        &self,
        request: PredictSentimentBatchRequest,
    ) -> Result<(RequestContext, Vec<Result<ValidItem, ApplicationError>>), ApplicationError> {
        let PredictSentimentBatchRequest {
            tenant,
            items,
            model,
            options,
            principal,
            time_limit,
            traceparent,
            ..
        } = request;
        if items.len() > Self::MAX_ITEMS {
            let rule = Rule::TooMany { max: Self::MAX_ITEMS, actual: items.len() };
            return Err(DomainError::violation("items", rule).into());
        }
        let models = self.ports.models.as_ref();
        let context = RequestContext::resolve(models, tenant, model.as_deref(), &options, principal)?
            .in_trace(traceparent);
        let items = self.validate_all(items, &context.options).await?;
        let allowed = time_limits::batch(items.iter().flatten(), context.model.tokens_per_second());
        Ok((context.with_deadline(time_limit.deadline(allowed)), items))
    }

    /// Classifies and stores the valid items together, as the answer to the request of `claim`.
    async fn predict_all(
        &self,
        context: &RequestContext,
        items: Vec<Result<ValidItem, ApplicationError>>,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<Vec<Result<PredictSentimentResponse, ApplicationError>>, ApplicationError> {
        let valid: Vec<&ValidItem> = items.iter().flatten().collect();
        take_texts(&self.ports, context, valid.len()).await?;
        let classified = classify(context, &valid, Admission::BulkStart).await?;
        // The deadline is that of the whole batch.
        if classified.iter().any(|item| matches!(item, Err(MlError::DeadlineExceeded))) {
            return Err(ApplicationError::DeadlineExceeded);
        }
        let (items, predictions) = self.create_all(items, classified);
        let failures = items.iter().filter_map(|item| item.as_ref().err());
        log_failed_items("PredictSentimentBatchUseCase.execute", failures);
        let answer = claim.map(|claim| (claim.clone(), stored_answer(&items)));
        store(&self.ports, context, &predictions, answer).await?;
        Ok(items)
    }

    /// Validates each item separately, and the number of all sentences.
    async fn validate_all(
        &self,
        items: Vec<PredictItem>,
        options: &PredictionOptions,
    ) -> Result<Vec<Result<ValidItem, ApplicationError>>, DomainError> {
        let mut validated = Vec::with_capacity(items.len());
        let mut sentences = 0;
        for item in items {
            let item = validate(&self.ports, item, options).await;
            sentences += item.as_ref().map_or(0, |item| item.sentences.len());
            // Checked after each item: the sentences of a large batch would take a gigabyte.
            if sentences > Self::MAX_SENTENCES {
                let rule = Rule::TooManySentences { max: Self::MAX_SENTENCES, actual: sentences };
                return Err(DomainError::violation("items", rule));
            }
            validated.push(item.map_err(ApplicationError::from));
        }
        Ok(validated)
    }

    /// Makes the predictions of the valid items, which the classifications follow in order. Returns the responses by
    /// item, and the predictions to store.
    fn create_all(
        &self,
        items: Vec<Result<ValidItem, ApplicationError>>,
        classified: Vec<Result<Classification, MlError>>,
    ) -> (Vec<Result<PredictSentimentResponse, ApplicationError>>, Vec<Prediction>) {
        let mut classified = classified.into_iter();
        let mut predictions = Vec::with_capacity(items.len());
        let responses = items
            .into_iter()
            .map(|item| {
                let item = item?;
                let classification = classified.next().ok_or_else(missing_output)??;
                let prediction = create_prediction(&self.ports, item, classification);
                let response = PredictSentimentResponse::from(&prediction);
                predictions.push(prediction);
                Ok(response)
            })
            .collect();
        (responses, predictions)
    }
}

fn stored_answer(items: &[Result<PredictSentimentResponse, ApplicationError>]) -> StoredAnswer {
    let stored = |item: &Result<PredictSentimentResponse, ApplicationError>| match item {
        Ok(prediction) => StoredItem::Prediction(prediction.id),
        Err(error) => StoredItem::Failure(error.to_item_failure()),
    };
    StoredAnswer { items: items.iter().map(stored).collect() }
}
