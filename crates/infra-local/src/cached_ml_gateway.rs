//! The model behind a cache: looks first, reads what nobody has, and lets twins share one reading.

mod flights;
mod reading;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use application::ports::{Admission, CacheGateway, CacheKey, CachedOutput, MlError, MlGateway, ModelInfo};
use async_trait::async_trait;
use domain::value_objects::{InputText, ModelOutput, ReadOptions, TenantId};
use metrics::counter;
use sha2::{Digest, Sha256};

use crate::metric::{CACHE_HITS, CACHE_NAME, PREDICTION};

use flights::{Flights, Seat};
use reading::{Ask, Reading};

/// Any model behind any cache.
///
/// A text that the model has read is answered out of the cache, and texts that are the same at the same time are read
/// once: whoever comes while a reading is under way waits for that one. Its error goes to all who wait and is not kept.
/// Two errors are no answer for everybody, who then ask for themselves: a full queue for those who would have waited for
/// room, and the deadline of somebody who came before.
///
/// While no model is loaded, the cache is passed by. Models that share a cache share no entry.
pub struct CachedMlGateway {
    model: Arc<dyn MlGateway>,
    cache: Arc<dyn CacheGateway>,
    flights: Arc<Flights>,
    loading: u64,
    identity: Mutex<Identity>,
}

/// The number of the next model that is put behind a cache.
static NEXT_LOADING: AtomicU64 = AtomicU64::new(0);

/// The part of a key that all texts share, kept because keys are many and models are few.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    weights: Arc<str>,
    precision: Arc<str>,
}

/// One answer or error a text; the outer error is about all of them.
type Outputs = Result<Vec<Result<ModelOutput, MlError>>, MlError>;

impl CachedMlGateway {
    /// Puts `cache` before `model`.
    pub fn new(model: Arc<dyn MlGateway>, cache: Arc<dyn CacheGateway>) -> Self {
        let identity = Identity { weights: "".into(), precision: "".into() };
        let loading = NEXT_LOADING.fetch_add(1, Ordering::Relaxed);
        Self { model, cache, flights: Arc::default(), loading, identity: Mutex::new(identity) }
    }

    async fn read(
        &self,
        tenant: &TenantId,
        texts: &[&InputText],
        options: ReadOptions,
        mut ask: Ask,
    ) -> Outputs {
        let Some(info) = self.model.models().into_iter().next() else {
            return ask.of(self.model.as_ref(), tenant, texts, options).await;
        };
        let keys = self.keys(&info, texts, options);
        let alone = ask.is_alone();
        let found = self.cache.get_many(tenant, &keys).await;
        let mut answers: Vec<Option<Result<ModelOutput, MlError>>> =
            found.into_iter().map(|output| output.map(|output| Ok(answer(&info, output, true)))).collect();
        for round in 0_usize.. {
            let open: Vec<usize> = (0..texts.len()).filter(|at| answers[*at].is_none()).collect();
            if open.is_empty() {
                break;
            }
            let wanted = open.iter().map(|at| (&keys[*at], texts[*at]));
            let boarding = self.flights.board(tenant, alone, wanted, |keys, texts| Reading {
                model: Arc::clone(&self.model),
                cache: Arc::clone(&self.cache),
                tenant: tenant.clone(),
                keys,
                texts,
                options,
                ask,
            });
            // What is joined later began after this caller came, so that its deadline is not before the caller's own.
            let elders_may_be_late = round == 0;
            if let Some(own) = boarding.own {
                own.await.as_ref().as_ref().map_err(MlError::clone)?;
                // What was let in is read to its end.
                ask = Ask::Many(Admission::Wait);
            }
            for (at, seat) in open.into_iter().zip(boarding.seats) {
                let retries_late = elders_may_be_late && seat.joined;
                answers[at] = settle(&info, seat, ask, retries_late).await?;
            }
        }
        let answers: Vec<_> = answers.into_iter().flatten().collect();
        let hits = answers.iter().flatten().filter(|output| output.cached).count();
        counter!(CACHE_HITS, CACHE_NAME => PREDICTION).increment(hits as u64);
        Ok(answers)
    }

    fn keys(&self, info: &ModelInfo, texts: &[&InputText], options: ReadOptions) -> Vec<CacheKey> {
        let Identity { weights, precision } = self.identity(info);
        let key = |text: &&InputText| CacheKey {
            weights: Arc::clone(&weights),
            precision: Arc::clone(&precision),
            loading: self.loading,
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

#[async_trait]
impl MlGateway for CachedMlGateway {
    async fn predict(
        &self,
        tenant: &TenantId,
        text: &InputText,
        options: ReadOptions,
    ) -> Result<ModelOutput, MlError> {
        let mut outputs = self.read(tenant, &[text], options, Ask::One).await?;
        outputs.pop().unwrap_or_else(|| Err(reading::missing()))
    }

    async fn predict_batch(
        &self,
        tenant: &TenantId,
        texts: &[&InputText],
        options: ReadOptions,
        admission: Admission,
    ) -> Result<Vec<Result<ModelOutput, MlError>>, MlError> {
        self.read(tenant, texts, options, Ask::Many(admission)).await
    }

    fn models(&self) -> Vec<ModelInfo> {
        self.model.models()
    }
}

/// Waits for the reading that a text is in. None where the text has to be asked for once more.
async fn settle(
    info: &ModelInfo,
    seat: Seat,
    ask: Ask,
    retries_late: bool,
) -> Result<Option<Result<ModelOutput, MlError>>, MlError> {
    let outcome = seat.flight.await;
    let item = match outcome.as_ref() {
        Ok(items) => items.get(seat.place),
        Err(MlError::Saturated) if ask.waits() => return Ok(None),
        Err(MlError::Saturated) => return Err(MlError::Saturated),
        Err(MlError::DeadlineExceeded) if retries_late => return Ok(None),
        Err(error) => return Ok(Some(Err(error.clone()))),
    };
    Ok(Some(match item {
        Some(Ok(read)) => Ok(answer(info, read.output.clone(), read.cached || !seat.first)),
        Some(Err(MlError::DeadlineExceeded)) if retries_late => return Ok(None),
        Some(Err(error)) => Err(error.clone()),
        None => Err(reading::missing()),
    }))
}

/// An output in the name of the model that is loaded.
fn answer(info: &ModelInfo, output: CachedOutput, cached: bool) -> ModelOutput {
    let CachedOutput { windows, usage } = output;
    let (model, labels) = (Arc::clone(&info.model), Arc::clone(&info.labels));
    ModelOutput { windows, usage, model, labels, cached }
}
