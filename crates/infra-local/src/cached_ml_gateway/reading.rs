use std::sync::Arc;

use application::ports::{Admission, CacheGateway, CacheKey, CachedOutput, MlError, MlGateway};
use domain::value_objects::{InputText, ModelOutput, ReadOptions, TenantId};
use metrics::counter;

use crate::cached_ml_gateway::Outputs;
use crate::metric::{CACHE_MISSES, CACHE_NAME, PREDICTION};

/// How a caller asks the model.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask {
    /// `predict`.
    One,
    /// `predict_batch`.
    Many(Admission),
}

impl Ask {
    /// Asks `model` for `texts`.
    pub(super) async fn of(
        self,
        model: &dyn MlGateway,
        tenant: &TenantId,
        texts: &[&InputText],
        options: ReadOptions,
    ) -> Outputs {
        match (self, texts) {
            (Self::One, [text]) => Ok(vec![Ok(model.predict(tenant, text, options).await?)]),
            (Self::One, _) => model.predict_batch(tenant, texts, options, Admission::Refuse).await,
            (Self::Many(admission), _) => model.predict_batch(tenant, texts, options, admission).await,
        }
    }

    /// Whether it is a request for one text.
    pub(super) fn is_alone(self) -> bool {
        matches!(self, Self::One)
    }

    /// Whether the caller waits for room where the queue is full.
    pub(super) fn waits(self) -> bool {
        matches!(self, Self::Many(Admission::Wait))
    }
}

/// Texts that are to be read together. It owns all it needs: whoever waits for it may carry it on.
pub(super) struct Reading {
    pub(super) model: Arc<dyn MlGateway>,
    pub(super) cache: Arc<dyn CacheGateway>,
    pub(super) tenant: TenantId,
    pub(super) keys: Vec<CacheKey>,
    pub(super) texts: Vec<InputText>,
    pub(super) options: ReadOptions,
    pub(super) ask: Ask,
}

/// What came of one text.
pub(super) struct Read {
    pub(super) output: CachedOutput,
    /// Whether it came from the cache after all.
    pub(super) cached: bool,
}

/// What came of each text, in their order; the outer error is about all of them.
pub(super) type Outcome = Result<Vec<Result<Read, MlError>>, MlError>;

impl Reading {
    /// Reads the texts and keeps what came of them.
    pub(super) async fn run(self) -> Outcome {
        // Between the caller's look and this one another reading of the same text may have ended.
        let found = self.cache.get_many(&self.tenant, &self.keys).await;
        let missing: Vec<&InputText> = self.texts.iter().zip(&found).filter_map(absent).collect();
        let mut outputs = Vec::new();
        if !missing.is_empty() {
            counter!(CACHE_MISSES, CACHE_NAME => PREDICTION).increment(missing.len() as u64);
            outputs = self.ask.of(self.model.as_ref(), &self.tenant, &missing, self.options).await?;
        }
        let mut outputs = outputs.into_iter();
        let mut fresh = Vec::new();
        let mut items = Vec::with_capacity(found.len());
        for (key, found) in self.keys.into_iter().zip(found) {
            items.push(match found {
                Some(output) => Ok(Read { output, cached: true }),
                None => outputs.next().unwrap_or_else(|| Err(self::missing())).map(|output| {
                    let ModelOutput { windows, usage, cached, .. } = output;
                    let output = CachedOutput { windows, usage };
                    if is_usable(&output) {
                        fresh.push((key, output.clone()));
                    }
                    Read { output, cached }
                }),
            });
        }
        self.cache.put_many(&self.tenant, fresh).await;
        Ok(items)
    }
}

fn absent<'a>((text, found): (&'a InputText, &Option<CachedOutput>)) -> Option<&'a InputText> {
    found.is_none().then_some(text)
}

/// Whether the next caller may have it too: no number that is none.
fn is_usable(output: &CachedOutput) -> bool {
    output.windows.iter().all(|window| window.logits.iter().all(|logit| logit.is_finite()))
}

/// The error of a text that the model left out.
pub(super) fn missing() -> MlError {
    MlError::inference_failed("the model returned too few outputs")
}
