use std::slice;

use crate::action::log_action;
use crate::dtos::{PredictItem, PredictSentimentRequest, PredictSentimentResponse};
use crate::errors::ApplicationError;
use crate::ports::Admission;
use crate::use_cases::prediction_pipeline::{
    PredictionPorts, RequestContext, classify, create_prediction, missing_output, store, validate,
};

/// Classifies one text and stores the prediction.
pub struct PredictSentimentUseCase {
    ports: PredictionPorts,
}

impl PredictSentimentUseCase {
    /// The use case over `ports`.
    pub fn new(ports: PredictionPorts) -> Self {
        Self { ports }
    }

    /// Returns the prediction once it is stored.
    ///
    /// # Errors
    /// `Invalid` (an unknown model included), `Saturated`, `DeadlineExceeded`, `InferenceFailed`, `Unavailable`.
    pub async fn execute(
        &self,
        request: PredictSentimentRequest,
    ) -> Result<PredictSentimentResponse, ApplicationError> {
        log_action("PredictSentimentUseCase.execute", async {
            let PredictSentimentRequest { tenant, item, model, options } = request;
            let models = self.ports.models.as_ref();
            let context = RequestContext::resolve(models, tenant, model.as_deref(), &options)?;
            predict_one(&self.ports, &context, item, Admission::Single).await
        })
        .await
    }
}

/// Validates, classifies and stores one item: a request of its own or a line of a stream.
pub(super) async fn predict_one(
    ports: &PredictionPorts,
    context: &RequestContext,
    item: PredictItem,
    admission: Admission,
) -> Result<PredictSentimentResponse, ApplicationError> {
    let item = validate(ports, item, &context.options).await?;
    let classification = classify(context, &[&item], admission).await?.pop().ok_or_else(missing_output)??;
    let prediction = create_prediction(ports, item, classification);
    store(ports, &context.tenant, slice::from_ref(&prediction)).await?;
    Ok(PredictSentimentResponse::from(&prediction))
}
