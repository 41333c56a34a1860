use std::pin::Pin;
use std::slice;
use std::sync::Arc;

use domain::value_objects::{PredictionOptions, TenantId};
use futures_util::{Stream, StreamExt};

use crate::action::log_action;
use crate::dtos::{PredictLine, PredictSentimentResponse, StreamPredictionsRequest};
use crate::errors::ApplicationError;
use crate::ports::{Admission, MlError};
use crate::use_cases::PredictPorts;

/// Judges texts as they come and keeps every answer before it is given.
pub struct StreamPredictionsUseCase {
    ports: Arc<PredictPorts>,
}

/// One answer or error a line, in the order of the lines.
pub type PredictionStream<E> = Pin<Box<dyn Stream<Item = Result<PredictSentimentResponse, E>> + Send>>;

/// The lines in work at a time; beyond them reading waits.
const IN_WORK: usize = 64;

impl StreamPredictionsUseCase {
    /// The use case over `ports`.
    pub fn new(ports: PredictPorts) -> Self {
        Self { ports: Arc::new(ports) }
    }

    /// The answers to `lines`, in their order, at most 64 in work. A line that is an error already passes
    /// through as it is, in its place.
    ///
    /// # Errors
    /// About the whole stream: none today. Each line has its own, those of `PredictSentimentUseCase`, turned
    /// into the lines' kind of error.
    pub async fn execute<E>(
        &self,
        request: StreamPredictionsRequest,
        lines: impl Stream<Item = Result<PredictLine, E>> + Send + 'static,
    ) -> Result<PredictionStream<E>, ApplicationError>
    where
        E: From<ApplicationError> + Send + 'static,
    {
        log_action("StreamPredictionsUseCase.execute", async {
            let ports = Arc::clone(&self.ports);
            let tenant = Arc::new(request.tenant);
            let answers = lines
                .map(move |line| {
                    let (ports, tenant) = (Arc::clone(&ports), Arc::clone(&tenant));
                    async move { Ok(answer(&ports, &tenant, line?).await?) }
                })
                .buffered(IN_WORK);
            let answers: PredictionStream<E> = Box::pin(answers);
            Ok(answers)
        })
        .await
    }
}

async fn answer(
    ports: &PredictPorts,
    tenant: &TenantId,
    line: PredictLine,
) -> Result<PredictSentimentResponse, ApplicationError> {
    log_action("StreamPredictionsUseCase.answer", async {
        let options = PredictionOptions::parse(&line.options)?;
        let item = ports.check(line.item, &options)?;
        let mut outputs =
            ports.ml.predict_batch(tenant, &[&item.text], options.read, Admission::Wait).await?;
        let missing = || MlError::InferenceFailed { reason: "the model gave no answer".into() };
        let output = outputs.pop().unwrap_or_else(|| Err(missing()));
        let judgement = ports.judge_one(tenant, &item, output, &options).await?;
        let prediction = ports.make(item, judgement);
        ports.keep(tenant, slice::from_ref(&prediction)).await?;
        Ok(PredictSentimentResponse::from(&prediction))
    })
    .await
}
