use std::slice;

use domain::value_objects::PredictionOptions;

use crate::action::log_action;
use crate::dtos::{PredictSentimentRequest, PredictSentimentResponse};
use crate::errors::ApplicationError;
use crate::use_cases::PredictPorts;

/// Judges one text and keeps the answer.
pub struct PredictSentimentUseCase {
    ports: PredictPorts,
}

impl PredictSentimentUseCase {
    /// The use case over `ports`.
    pub fn new(ports: PredictPorts) -> Self {
        Self { ports }
    }

    /// The answer, which is kept when this returns.
    ///
    /// # Errors
    /// `Invalid`, `Saturated`, `DeadlineExceeded`, `InferenceFailed`, `Unavailable`.
    pub async fn execute(
        &self,
        request: PredictSentimentRequest,
    ) -> Result<PredictSentimentResponse, ApplicationError> {
        log_action("PredictSentimentUseCase.execute", async {
            let (ports, tenant) = (&self.ports, &request.tenant);
            let options = PredictionOptions::parse(&request.options)?;
            let item = ports.check(request.item, &options)?;
            let output = ports.ml.predict(tenant, &item.text, options.read).await;
            let judgement = ports.judge_one(tenant, &item, output, &options).await?;
            let prediction = ports.make(item, judgement);
            ports.keep(tenant, slice::from_ref(&prediction)).await?;
            Ok(PredictSentimentResponse::from(&prediction))
        })
        .await
    }
}
