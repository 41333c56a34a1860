use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use domain::errors::DomainError;
use domain::value_objects::PredictionOptions;
use futures_util::{Stream, StreamExt};

use crate::action::log_action;
use crate::dtos::{PredictSentimentRequest, PredictSentimentResponse};
use crate::errors::ApplicationError;
use crate::ports::MlGateway;
use crate::use_cases::predict_sentiment::predict_line;
use crate::use_cases::prediction_pipeline::{PredictionPorts, RequestContext, choose_model};
use crate::use_cases::time_limits::LINE;

/// Classifies texts as they arrive and stores each prediction before it is returned.
pub struct StreamPredictionsUseCase {
    ports: Arc<PredictionPorts>,
}

/// One prediction or error a line, in the order of the lines.
pub type PredictionStream<E> = Pin<Box<dyn Stream<Item = Result<PredictSentimentResponse, E>> + Send>>;

/// The lines in work at a time; further lines are not read.
const IN_WORK: usize = 64;

impl StreamPredictionsUseCase {
    /// The use case over `ports`.
    pub fn new(ports: PredictionPorts) -> Self {
        Self { ports: Arc::new(ports) }
    }

    /// Returns the predictions of `lines` in their order, with at most 64 lines in work. A line that is an error
    /// is passed through in its place. All lines that name the same model are answered by the model that had the name
    /// when the first of them arrived. Lines wait while the rate of texts of their principal is used up. Idempotency
    /// keys are ignored.
    ///
    /// # Errors
    /// About the whole stream: none. Each line has its own, those of `PredictSentimentUseCase`, converted to the error
    /// type of the lines.
    pub async fn execute<E>(
        &self,
        lines: impl Stream<Item = Result<PredictSentimentRequest, E>> + Send + 'static,
    ) -> Result<PredictionStream<E>, ApplicationError>
    where
        E: From<ApplicationError> + Send + 'static,
    {
        log_action("StreamPredictionsUseCase.execute", async {
            let session =
                Arc::new(StreamSession { ports: Arc::clone(&self.ports), chosen: Mutex::default() });
            let predictions = lines
                .map(move |line| {
                    let session = Arc::clone(&session);
                    async move { Ok(session.predict_line(line?).await?) }
                })
                .buffered(IN_WORK);
            let predictions: PredictionStream<E> = Box::pin(predictions);
            Ok(predictions)
        })
        .await
    }
}

/// What the lines of one stream share.
struct StreamSession {
    ports: Arc<PredictionPorts>,
    /// The models chosen so far, by the name in the request.
    chosen: Mutex<HashMap<Option<String>, Arc<dyn MlGateway>>>,
}

impl StreamSession {
    async fn predict_line(
        &self,
        line: PredictSentimentRequest,
    ) -> Result<PredictSentimentResponse, ApplicationError> {
        log_action("StreamPredictionsUseCase.predict_line", async {
            let PredictSentimentRequest {
                tenant,
                item,
                model,
                options,
                principal,
                time_limit,
                traceparent,
                ..
            } = line;
            let options = PredictionOptions::parse(&options)?;
            let context = RequestContext::new(tenant, self.choose_once(model)?, options, principal)
                .with_deadline(time_limit.deadline_of_line(LINE))
                .in_trace(traceparent);
            predict_line(&self.ports, &context, item).await
        })
        .await
    }

    /// The model of this name, chosen once. An unknown name is not remembered: a model may be loaded under it later,
    /// and a client could send any number of names.
    fn choose_once(&self, name: Option<String>) -> Result<Arc<dyn MlGateway>, DomainError> {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = chosen.get(&name) {
            return Ok(Arc::clone(model));
        }
        let model = choose_model(self.ports.models.as_ref(), name.as_deref())?;
        chosen.insert(name, Arc::clone(&model));
        Ok(model)
    }
}
