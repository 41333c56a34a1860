use std::collections::HashMap;
use std::pin::Pin;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use domain::errors::DomainError;
use domain::value_objects::{PredictionOptions, TenantId};
use futures_util::{Stream, StreamExt};

use crate::action::log_action;
use crate::dtos::{PredictLine, PredictSentimentResponse, StreamPredictionsRequest};
use crate::errors::ApplicationError;
use crate::ports::{Admission, MlError, MlGateway};
use crate::use_cases::PredictPorts;
use crate::use_cases::inquiry::Inquiry;

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
    /// through as it is, in its place. All lines that name the same model are answered by the one that had the name
    /// when the first of them came.
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
            let (ports, tenant) = (Arc::clone(&self.ports), request.tenant);
            let stream = Arc::new(LineStream { ports, tenant, chosen: Mutex::default() });
            let answers = lines
                .map(move |line| {
                    let stream = Arc::clone(&stream);
                    async move { Ok(stream.answer(line?).await?) }
                })
                .buffered(IN_WORK);
            let answers: PredictionStream<E> = Box::pin(answers);
            Ok(answers)
        })
        .await
    }
}

/// What the lines of one stream share.
struct LineStream {
    ports: Arc<PredictPorts>,
    tenant: TenantId,
    /// The models that were asked for so far, by the name that was given.
    chosen: Mutex<HashMap<Option<String>, Arc<dyn MlGateway>>>,
}

impl LineStream {
    async fn answer(&self, line: PredictLine) -> Result<PredictSentimentResponse, ApplicationError> {
        log_action("StreamPredictionsUseCase.answer", async {
            let ports = &self.ports;
            let options = PredictionOptions::parse(&line.options)?;
            let inquiry = Inquiry { tenant: self.tenant.clone(), model: self.choose(line.model)?, options };
            let Inquiry { tenant, model, options } = &inquiry;
            let item = ports.check(line.item, options).await?;
            let mut outputs =
                model.predict_batch(tenant, &[&item.text], options.read, Admission::Wait).await?;
            let missing = || MlError::inference_failed("the model returned no output");
            let output = outputs.pop().unwrap_or_else(|| Err(missing()));
            let judgement = inquiry.judge_one(&item, output).await?;
            let prediction = ports.make(item, judgement);
            ports.keep(tenant, slice::from_ref(&prediction)).await?;
            Ok(PredictSentimentResponse::from(&prediction))
        })
        .await
    }

    /// The model of this name, chosen once. A name that no model has is not remembered: there may be one later, and
    /// callers could name any number.
    fn choose(&self, name: Option<String>) -> Result<Arc<dyn MlGateway>, DomainError> {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = chosen.get(&name) {
            return Ok(Arc::clone(model));
        }
        let model = self.ports.choose(name.as_deref())?;
        chosen.insert(name, Arc::clone(&model));
        Ok(model)
    }
}
