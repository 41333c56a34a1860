//! The adapter of the port: tokenizes a text on the caller's side, cuts it into windows, queues them, and assembles the
//! output.

mod pending;
mod start;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use application::errors::BoxError;
use application::ports::{Admission, Deadline, MlError, MlGateway, ModelInfo, ModelLifecycle, Queueing};
use async_trait::async_trait;
use domain::value_objects::{InputText, ModelOutput, ReadOptions, TenantId};
use tokio_util::sync::CancellationToken;

use crate::engine_health::{EngineHealth, PROBE_TIME};
use crate::inference_error::{InferenceError, NotAvailable};
use crate::job::{Class, Job};
use crate::loader::ModelFrontEnd;
use crate::metric;
use crate::queue::{Queue, Refused, class_of};
use crate::tokenizer::TextTokenizer;
use crate::windowing::Cut;

use pending::{Pending, before};

pub(crate) use start::start;

/// A model on threads of its own behind a bounded queue.
///
/// It can be called at once: until the model is loaded, calls fail with [`Unavailable`](MlError::Unavailable), there is
/// no info, and the health check fails.
pub struct LocalMlGateway {
    queue: Arc<Queue>,
    model: Arc<OnceLock<ModelFrontEnd>>,
    health: Arc<EngineHealth>,
    /// Ends the loading.
    cancel: CancellationToken,
    worker: Mutex<Option<JoinHandle<()>>>,
}

/// The bytes that are tokenized between two turns of the runtime's other tasks: a text of more is tokenized on a
/// blocking thread, and a batch lets the other tasks run after so many.
const INLINE_BYTES: usize = 4_096;

impl LocalMlGateway {
    fn served(&self) -> Result<&ModelFrontEnd, NotAvailable> {
        if self.queue.is_stopped() {
            return Err(NotAvailable::Stopped);
        }
        self.model.get().ok_or(NotAvailable::Loading)
    }

    fn refuse_when_full(&self, queueing: Queueing) -> Result<(), MlError> {
        if self.queue.is_full(queueing) { Err(saturated()) } else { Ok(()) }
    }

    /// Cuts `text` into windows and adds it to the queue; a bulk text may wait in the backlog first.
    async fn submit(
        &self,
        served: &ModelFrontEnd,
        text: &InputText,
        options: ReadOptions,
        Queueing { admission, deadline }: Queueing,
    ) -> Result<Pending, MlError> {
        if deadline.has_passed() {
            return Err(MlError::DeadlineExceeded);
        }
        let mut started = tokio::time::Instant::now();
        let mut ids = tokenize(&served.tokenizer, text).await?;
        let Cut { tokens, windowing } = served.windowing.cut(ids.len(), options)?;
        let truncated = tokens < ids.len();
        ids.truncate(tokens);
        let spans = windowing.spans(tokens);
        let window_tokens = spans.iter().map(|span| span.len() as u32).collect();
        let (job, reply) = Job::new(ids, spans, served.tokenizer.specials().len(), class_of(admission));
        let queueing = Queueing { admission, deadline };
        let mut queued = self.queue.enter(Arc::new(job), queueing).map_err(refused)?;
        let instant = deadline.instant().map(tokio::time::Instant::from_std);
        if let Some(entered) = queued.entered.take() {
            // The inner result is an error if the queue was stopped; then the reply is the error too.
            let _ = before(instant, entered).await?;
            started = tokio::time::Instant::now();
        }
        let deadline = match deadline {
            Deadline::Never | Deadline::At(_) => instant,
            Deadline::AfterQueueing(longest) => started.checked_add(longest),
        };
        Ok(Pending { _queued: queued, reply, deadline, tokens: tokens as u32, window_tokens, truncated })
    }

    /// Sends an empty text to the engine, whose worker records the outcome.
    async fn probe(&self, served: &ModelFrontEnd) {
        let (spans, specials) = (served.windowing.spans(0), served.tokenizer.specials().len());
        let (job, reply) = Job::new(Vec::new(), spans, specials, Class::Single);
        if let Ok(_queued) = self.queue.enter(Arc::new(job), Admission::Single.into()) {
            // Without a reply in time nothing is recorded.
            let _ = tokio::time::timeout(PROBE_TIME, reply).await;
        }
    }
}

#[async_trait]
impl MlGateway for LocalMlGateway {
    /// Texts enter the queue one after another as they fit, so that a batch may be larger than the queue. With
    /// [`Admission::BulkStart`] only the first text can be refused: a batch that has started is computed to its end.
    #[tracing::instrument(name = "ml.classify", level = "debug", skip_all, fields(texts = texts.len()))]
    async fn classify(
        &self,
        _tenant: &TenantId,
        texts: &[&InputText],
        options: ReadOptions,
        mut queueing: Queueing,
    ) -> Result<Vec<Result<ModelOutput, MlError>>, MlError> {
        let served = self.served()?;
        if queueing.deadline.has_passed() {
            return Err(MlError::DeadlineExceeded);
        }
        self.refuse_when_full(queueing)?;
        let mut entered = Vec::with_capacity(texts.len());
        let mut inline_bytes = 0;
        for text in texts {
            inline_bytes += text.as_str().len();
            if inline_bytes > INLINE_BYTES && !entered.is_empty() {
                inline_bytes = text.as_str().len();
                tokio::task::yield_now().await;
            }
            let pending = match self.submit(served, text, options, queueing).await {
                Err(error @ MlError::Saturated) => return Err(error),
                pending => pending,
            };
            if pending.is_ok() && queueing.admission == Admission::BulkStart {
                queueing.admission = Admission::BulkNext;
            }
            entered.push(pending);
        }
        let mut outputs = Vec::with_capacity(entered.len());
        for pending in entered {
            outputs.push(match pending {
                Ok(pending) => pending.output(&served.info).await,
                Err(error) => Err(error),
            });
        }
        Ok(outputs)
    }

    fn tokens_per_second(&self) -> Option<f64> {
        self.queue.tokens_per_second()
    }

    fn info(&self) -> Option<Arc<ModelInfo>> {
        self.served().ok().map(|served| Arc::clone(&served.info))
    }
}

#[async_trait]
impl ModelLifecycle for LocalMlGateway {
    /// Fails until the model is loaded, after it has stopped, and while its engine fails. A failing engine is probed by
    /// each check: a load balancer sends no texts to a service that is not ready, so no other batch would show that the
    /// engine works again.
    async fn check(&self) -> Result<(), BoxError> {
        let served = self.served()?;
        if self.health.check().is_err() {
            self.probe(served).await;
        }
        Ok(self.health.check()?)
    }

    /// Waits for the batches in the engine, or for the loading, to end; a download ends at once.
    async fn stop(&self) {
        self.queue.stop();
        self.cancel.cancel();
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(worker) = worker {
            // A failed join changes nothing: the worker catches its panics, and the queue is stopped.
            let _ = tokio::task::spawn_blocking(|| worker.join()).await;
        }
    }
}

impl Drop for LocalMlGateway {
    /// Lets the worker end, without waiting for it. The worker must own the model last, since it returns the freed
    /// memory to the operating system.
    fn drop(&mut self) {
        self.model = Arc::default();
        self.queue.stop();
        self.cancel.cancel();
    }
}

async fn tokenize(tokenizer: &Arc<TextTokenizer>, text: &InputText) -> Result<Vec<u32>, MlError> {
    let started = Instant::now();
    let text = text.as_str();
    let ids = if text.len() > INLINE_BYTES {
        let (tokenizer, text) = (Arc::clone(tokenizer), text.to_owned());
        let encoded = tokio::task::spawn_blocking(move || tokenizer.encode(&text)).await;
        encoded.unwrap_or(Err(InferenceError::TokenizerStopped))
    } else {
        tokenizer.encode(text)
    };
    metrics::histogram!(metric::TOKENIZE_SECONDS).record(started.elapsed());
    ids.map_err(|error| {
        metrics::counter!(metric::INFERENCE_FAILED).increment(1);
        MlError::inference_failed(error)
    })
}

fn refused(refused: Refused) -> MlError {
    match refused {
        Refused::Full => saturated(),
        Refused::Stopped => NotAvailable::Stopped.into(),
    }
}

fn saturated() -> MlError {
    metrics::counter!(metric::SATURATED).increment(1);
    MlError::Saturated
}

#[cfg(test)]
mod tests;
