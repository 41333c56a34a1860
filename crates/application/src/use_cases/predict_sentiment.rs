use std::slice;

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
            let item = self.ports.check(request.item)?;
            let output = self.ports.ml.predict(&request.tenant, &item.text).await?;
            let prediction = self.ports.make(item, &output);
            self.ports.keep(&request.tenant, slice::from_ref(&prediction)).await?;
            Ok(PredictSentimentResponse::from(&prediction))
        })
        .await
    }
}
