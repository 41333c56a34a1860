use std::sync::Arc;

use application::ports::{CacheGateway, CacheKey, CachedOutput, MlError, MlGateway, Queueing};
use domain::value_objects::{InputText, ModelOutput, ReadOptions, TenantId};
use metrics::counter;

use crate::metric::{CACHE_MISSES, CACHE_NAME, PREDICTION};

/// Texts to be classified together. It owns all it needs, so that any of the calls that wait for it can poll it.
pub(super) struct Computation {
    pub(super) model: Arc<dyn MlGateway>,
    pub(super) cache: Arc<dyn CacheGateway>,
    pub(super) tenant: TenantId,
    pub(super) keys: Vec<CacheKey>,
    pub(super) texts: Vec<InputText>,
    pub(super) options: ReadOptions,
    pub(super) queueing: Queueing,
}

/// The output of one text.
pub(super) struct Computed {
    pub(super) output: CachedOutput,
    /// Whether it came from the cache.
    pub(super) cached: bool,
}

/// One output or error for each text, in their order; the outer error concerns all of them.
pub(super) type Outcome = Result<Vec<Result<Computed, MlError>>, MlError>;

impl Computation {
    /// Classifies the texts and caches their outputs.
    pub(super) async fn run(self) -> Outcome {
        // Another computation of the same text may have ended since the caller's lookup.
        let found = self.cache.get_many(&self.tenant, &self.keys).await;
        let missing: Vec<&InputText> = self.texts.iter().zip(&found).filter_map(absent).collect();
        let mut outputs = Vec::new();
        if !missing.is_empty() {
            counter!(CACHE_MISSES, CACHE_NAME => PREDICTION).increment(missing.len() as u64);
            outputs = self.model.classify(&self.tenant, &missing, self.options, self.queueing).await?;
        }
        let mut outputs = outputs.into_iter();
        let mut fresh = Vec::new();
        let mut items = Vec::with_capacity(found.len());
        for (key, found) in self.keys.into_iter().zip(found) {
            let computed = match found {
                Some(output) => Ok(Computed { output, cached: true }),
                None => match outputs.next() {
                    Some(output) => output.map(|output| {
                        let ModelOutput { windows, usage, cached, .. } = output;
                        let output = CachedOutput { windows, usage };
                        if is_finite(&output) {
                            fresh.push((key, output.clone()));
                        }
                        Computed { output, cached }
                    }),
                    // The port's contract is one output for each text; `wait_for` reports a text without one.
                    None => break,
                },
            };
            items.push(computed);
        }
        self.cache.put_many(&self.tenant, fresh).await;
        Ok(items)
    }
}

fn absent<'a>((text, found): (&'a InputText, &Option<CachedOutput>)) -> Option<&'a InputText> {
    found.is_none().then_some(text)
}

/// Whether every logit is a number, so that the output may be cached.
fn is_finite(output: &CachedOutput) -> bool {
    output.windows.iter().all(|window| window.logits.iter().all(|logit| logit.is_finite()))
}
