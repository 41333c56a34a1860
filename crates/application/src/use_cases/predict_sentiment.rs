use std::slice;

use crate::action::log_action;
use crate::dtos::{PredictSentimentRequest, PredictSentimentResponse};
use crate::errors::ApplicationError;
use crate::use_cases::PredictPorts;
use crate::use_cases::inquiry::Inquiry;

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
    /// `Invalid` (an unknown model included), `Saturated`, `DeadlineExceeded`, `InferenceFailed`, `Unavailable`.
    pub async fn execute(
        &self,
        request: PredictSentimentRequest,
    ) -> Result<PredictSentimentResponse, ApplicationError> {
        log_action("PredictSentimentUseCase.execute", async {
            let ports = &self.ports;
            let inquiry = ports.inquire(request.tenant, request.model.as_deref(), &request.options)?;
            let Inquiry { tenant, model, options } = &inquiry;
            let item = ports.check(request.item, options).await?;
            let output = model.predict(tenant, &item.text, options.read).await;
            let judgement = inquiry.judge_one(&item, output).await?;
            let prediction = ports.make(item, judgement);
            ports.keep(tenant, slice::from_ref(&prediction)).await?;
            Ok(PredictSentimentResponse::from(&prediction))
        })
        .await
    }
}
