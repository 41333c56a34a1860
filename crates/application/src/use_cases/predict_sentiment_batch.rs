use domain::entities::Prediction;
use domain::errors::{DomainError, Rule};
use domain::value_objects::PredictionOptions;

use crate::action::{log_action, log_failed_items};
use crate::dtos::{
    PredictItem, PredictSentimentBatchRequest, PredictSentimentBatchResponse, PredictSentimentResponse,
};
use crate::errors::ApplicationError;
use crate::ports::{Admission, MlError};
use crate::use_cases::prediction_pipeline::{
    Classification, PredictionPorts, RequestContext, ValidItem, classify, create_prediction, missing_output,
    store, validate,
};

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

    /// Returns one prediction or error an item, once the predictions are stored.
    ///
    /// # Errors
    /// About the whole batch: `Invalid` (more than 1,000 items or 10,000 sentences, invalid options, an unknown model),
    /// `Saturated` (decided before the first item), `Unavailable`.
    pub async fn execute(
        &self,
        request: PredictSentimentBatchRequest,
    ) -> Result<PredictSentimentBatchResponse, ApplicationError> {
        log_action("PredictSentimentBatchUseCase.execute", async {
            let PredictSentimentBatchRequest { tenant, items, model, options } = request;
            if items.len() > Self::MAX_ITEMS {
                let rule = Rule::TooMany { max: Self::MAX_ITEMS, actual: items.len() };
                return Err(DomainError::violation("items", rule).into());
            }
            let models = self.ports.models.as_ref();
            let context = RequestContext::resolve(models, tenant, model.as_deref(), &options)?;
            let items = self.validate_all(items, &context.options).await?;
            let valid: Vec<&ValidItem> = items.iter().flatten().collect();
            let classified = classify(&context, &valid, Admission::BulkStart).await?;
            let (items, predictions) = self.create_all(items, classified);
            let failures = items.iter().filter_map(|item| item.as_ref().err());
            log_failed_items("PredictSentimentBatchUseCase.execute", failures);
            store(&self.ports, &context.tenant, &predictions).await?;
            Ok(PredictSentimentBatchResponse { items })
        })
        .await
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
