use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::action::chain;

use crate::inference_error::InferenceError;

/// After so many failed batches in a row a probe decides whether the engine works.
pub(crate) const MAX_FAILED_BATCHES: u32 = 5;

/// How long a health check waits for the reply to its probe.
pub(crate) const PROBE_TIME: Duration = Duration::from_secs(1);

/// Whether a model's engine works, as observed by its workers.
///
/// A batch has failed if no sequence of it has usable logits, alone neither. Texts that make the engine fail are no
/// fault of the engine, however many come in a row. So after [`MAX_FAILED_BATCHES`] a worker runs a probe, a sequence
/// that had usable logits when the model was loaded, and only if the probe fails too the engine counts as failing. It
/// is tried further, and works again after the first success.
#[derive(Default)]
pub(crate) struct EngineHealth {
    /// The batches that failed since the last success.
    failed: AtomicU32,
    failing: Mutex<Option<EngineFails>>,
}

/// Why the engine does not work.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the engine failed for {batches} batches in a row and for a probe")]
pub(crate) struct EngineFails {
    batches: u32,
    #[source]
    source: Arc<InferenceError>,
}

impl EngineHealth {
    /// Records a usable row of logits.
    pub(crate) fn record_success(&self) {
        // Usually nothing is written: all workers share these values.
        if self.failed.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.failed.store(0, Ordering::Relaxed);
        if self.failing().take().is_some() {
            tracing::info!("the engine works again");
        }
    }

    /// Records a failed batch. Returns whether a probe must now decide.
    pub(crate) fn record_failed_batch(&self) -> bool {
        let failed = self.failed.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        failed >= MAX_FAILED_BATCHES && self.failing().is_none()
    }

    /// Records that the probe failed because of `source`.
    pub(crate) fn record_failed_probe(&self, source: Arc<InferenceError>) {
        let mut failing = self.failing();
        if failing.is_none() {
            let batches = self.failed.load(Ordering::Relaxed);
            let fails = failing.insert(EngineFails { batches, source });
            tracing::error!(
                reason = chain(fails),
                "the model is unhealthy; if it does not recover, check its device and restart the service"
            );
        }
    }

    /// # Errors
    /// While the engine is failing.
    pub(crate) fn check(&self) -> Result<(), EngineFails> {
        self.failing().clone().map_or(Ok(()), Err)
    }

    fn failing(&self) -> MutexGuard<'_, Option<EngineFails>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(health: &EngineHealth, batches: u32) -> bool {
        (0..batches).map(|_| health.record_failed_batch()).last().unwrap()
    }

    #[test]
    fn a_success_between_failed_batches_starts_the_count_again() {
        let health = EngineHealth::default();
        assert!(!fail(&health, MAX_FAILED_BATCHES - 1));
        health.record_success();
        assert!(!fail(&health, MAX_FAILED_BATCHES - 1));
        assert!(health.record_failed_batch(), "the probe is due");
        health.record_success();
        assert!(
            !health.record_failed_batch() && health.check().is_ok(),
            "a probe that succeeds is a success"
        );
    }

    #[test]
    fn a_failed_probe_is_the_reason_until_a_success() {
        let health = EngineHealth::default();
        assert!(fail(&health, MAX_FAILED_BATCHES) && health.check().is_ok());
        health.record_failed_probe(Arc::new(InferenceError::NotUsable));
        let reason = chain(&health.check().unwrap_err());
        assert_eq!(
            reason,
            "the engine failed for 5 batches in a row and for a probe: a logit is not a finite number, or one is missing"
        );
        assert!(!health.record_failed_batch(), "no further probe: each batch is one");
        assert_eq!(chain(&health.check().unwrap_err()), reason, "the reason stays");
        health.record_success();
        assert!(health.check().is_ok());
    }
}
