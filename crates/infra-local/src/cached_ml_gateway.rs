//! A cache in front of a model: returns cached outputs and computes the others, concurrent identical texts once.

mod computation;
mod single_flight;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use application::ports::{
    Admission, CacheGateway, CacheKey, CachedOutput, Deadline, MlError, MlGateway, ModelInfo, Queueing,
};
use async_trait::async_trait;
use domain::value_objects::{InputText, ModelOutput, ReadOptions, TenantId};
use metrics::counter;
use sha2::{Digest, Sha256};
use tokio::time::timeout_at;

use crate::metric::{CACHE_HITS, CACHE_NAME, PREDICTION};

use computation::Computation;
use single_flight::{SingleFlight, Slot};

/// A model behind a cache.
///
/// A cached text is not computed again, and identical texts that arrive at the same time are computed once: later calls
/// wait for the first one's output. Errors are not cached. An error goes to every call that waits, with two exceptions,
/// after which a call computes the text itself: a full queue, for calls that would have waited for room, and the
/// deadline of another call.
///
/// A computation has the deadline of the call that began it. A call ends at its own instant, whatever it waits for. A
/// call whose deadline runs from the entry into the queue waits for the computation of another call as long as that
/// call does: the text would enter the queue later if it were computed once more.
///
/// While no model is loaded, the cache is bypassed. Models that share a cache share no entry.
pub struct CachedMlGateway {
    model: Arc<dyn MlGateway>,
    cache: Arc<dyn CacheGateway>,
    in_flight: Arc<SingleFlight>,
    generation: u64,
    identity: Mutex<Identity>,
}

/// The generation of the next gateway, so that no two share a cache entry.
static NEXT_GENERATION: AtomicU64 = AtomicU64::new(0);

/// The part of a cache key that all texts share.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    weights: Arc<str>,
    precision: Arc<str>,
}

/// One output or error for each text.
type Outputs = Vec<Result<ModelOutput, MlError>>;

impl CachedMlGateway {
    /// Puts `cache` in front of `model`.
    pub fn new(model: Arc<dyn MlGateway>, cache: Arc<dyn CacheGateway>) -> Self {
        let identity = Identity { weights: "".into(), precision: "".into() };
        let generation = NEXT_GENERATION.fetch_add(1, Ordering::Relaxed);
        Self { model, cache, in_flight: Arc::default(), generation, identity: Mutex::new(identity) }
    }

    /// Returns the outputs of `call`, cached or computed.
    async fn outputs(&self, call: &Call<'_>) -> Result<Outputs, MlError> {
        let cached = self.cache.get_many(call.tenant, &call.keys).await.into_iter();
        let mut outputs: Vec<_> =
            cached.map(|output| output.map(|output| Ok(model_output(call.info, output, true)))).collect();
        self.fill(call, &mut outputs).await?;
        Ok(outputs.into_iter().flatten().collect())
    }

    /// Computes the texts whose `outputs` are missing, or waits for the calls that are computing them, until none is
    /// missing.
    async fn fill(
        &self,
        call: &Call<'_>,
        outputs: &mut [Option<Result<ModelOutput, MlError>>],
    ) -> Result<(), MlError> {
        let is_single = call.queueing.admission == Admission::Single;
        let mut queueing = call.queueing;
        loop {
            let missing: Vec<usize> = (0..outputs.len()).filter(|at| outputs[*at].is_none()).collect();
            if missing.is_empty() {
                return Ok(());
            }
            let texts = missing.iter().map(|at| (&call.keys[*at], call.texts[*at]));
            let joined = self.in_flight.join(call.tenant, is_single, texts, |keys, texts| Computation {
                model: Arc::clone(&self.model),
                cache: Arc::clone(&self.cache),
                tenant: call.tenant.clone(),
                keys,
                texts,
                options: call.options,
                queueing,
            });
            if let Some(own) = joined.own {
                own.await.as_ref().as_ref().map_err(MlError::clone)?;
                // A request that was admitted once is computed to its end.
                queueing.admission = Admission::BulkNext;
            }
            for (at, slot) in missing.into_iter().zip(joined.slots) {
                outputs[at] = wait_for(call.info, slot, queueing.admission).await?;
            }
        }
    }

    fn keys(&self, info: &ModelInfo, texts: &[&InputText], options: ReadOptions) -> Vec<CacheKey> {
        let Identity { weights, precision } = self.identity(info);
        let key = |text: &&InputText| CacheKey {
            weights: Arc::clone(&weights),
            precision: Arc::clone(&precision),
            generation: self.generation,
            text: Sha256::digest(text.as_str()).into(),
            options,
        };
        texts.iter().map(key).collect()
    }

    fn identity(&self, info: &ModelInfo) -> Identity {
        let mut known = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        if (&*known.weights, &*known.precision) != (info.sha256.as_str(), info.precision.as_str()) {
            let (weights, precision) = (info.sha256.as_str().into(), info.precision.as_str().into());
            *known = Identity { weights, precision };
        }
        known.clone()
    }
}

/// One call of `classify`.
struct Call<'a> {
    info: &'a ModelInfo,
    tenant: &'a TenantId,
    texts: &'a [&'a InputText],
    keys: Vec<CacheKey>,
    options: ReadOptions,
    queueing: Queueing,
}

#[async_trait]
impl MlGateway for CachedMlGateway {
    async fn classify(
        &self,
        tenant: &TenantId,
        texts: &[&InputText],
        options: ReadOptions,
        queueing: Queueing,
    ) -> Result<Outputs, MlError> {
        let Some(info) = self.model.info() else {
            return self.model.classify(tenant, texts, options, queueing).await;
        };
        let info = info.as_ref();
        let call = Call { info, tenant, texts, keys: self.keys(info, texts, options), options, queueing };
        let outputs = until(queueing.deadline, self.outputs(&call)).await?;
        let hits = outputs.iter().flatten().filter(|output| output.cached).count();
        counter!(CACHE_HITS, CACHE_NAME => PREDICTION).increment(hits as u64);
        Ok(outputs)
    }

    fn tokens_per_second(&self) -> Option<f64> {
        self.model.tokens_per_second()
    }

    fn info(&self) -> Option<Arc<ModelInfo>> {
        self.model.info()
    }
}

/// Awaits `work`, and drops it at the instant of `deadline`, where it has one.
async fn until<T>(deadline: Deadline, work: impl Future<Output = Result<T, MlError>>) -> Result<T, MlError> {
    let Some(instant) = deadline.instant() else { return work.await };
    if deadline.has_passed() {
        return Err(MlError::DeadlineExceeded);
    }
    timeout_at(instant.into(), work).await.unwrap_or(Err(MlError::DeadlineExceeded))
}

/// Waits for the output of one text. None where the text has to be computed once more.
async fn wait_for(
    info: &ModelInfo,
    slot: Slot,
    admission: Admission,
) -> Result<Option<Result<ModelOutput, MlError>>, MlError> {
    let outcome = slot.in_flight.await;
    // The deadline of another call, which may be earlier than that of this one.
    let retries_late = slot.joined;
    let item = match outcome.as_ref() {
        Ok(items) => items.get(slot.index),
        Err(MlError::Saturated) if admission == Admission::BulkNext => return Ok(None),
        Err(MlError::Saturated) => return Err(MlError::Saturated),
        Err(MlError::DeadlineExceeded) if retries_late => return Ok(None),
        Err(error) => return Ok(Some(Err(error.clone()))),
    };
    Ok(Some(match item {
        Some(Ok(computed)) => Ok(model_output(info, computed.output.clone(), computed.cached || !slot.first)),
        Some(Err(MlError::DeadlineExceeded)) if retries_late => return Ok(None),
        Some(Err(error)) => Err(error.clone()),
        None => Err(MlError::inference_failed("the model returned too few outputs")),
    }))
}

/// The output in the name of the loaded model.
fn model_output(info: &ModelInfo, output: CachedOutput, cached: bool) -> ModelOutput {
    let CachedOutput { windows, usage } = output;
    let (model, labels) = (Arc::clone(&info.model), Arc::clone(&info.labels));
    ModelOutput { windows, usage, model, labels, cached }
}
