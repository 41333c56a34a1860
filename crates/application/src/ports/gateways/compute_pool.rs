use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

/// A computation that takes a millisecond or longer.
pub type Computation = Box<dyn FnOnce() + Send>;

/// The computation has no result: it panicked, or the process is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the computation was not completed")]
pub struct NotComputed;

/// Runs computations apart from the threads that serve requests.
///
/// Implementations must not block the calling thread. Once begun, a computation runs to its end even if the future is
/// dropped.
#[async_trait]
pub trait ComputePool: Send + Sync {
    /// Runs `computation` to its end. `compute` returns what a closure computes.
    ///
    /// # Errors
    /// `NotComputed`.
    async fn run(&self, computation: Computation) -> Result<(), NotComputed>;
}

impl dyn ComputePool {
    /// Returns what `work` computes.
    ///
    /// # Errors
    /// `NotComputed`.
    pub async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotComputed> {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        self.run(Box::new(move || {
            let computed = work();
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(computed);
        }))
        .await?;
        let computed = result.lock().unwrap_or_else(PoisonError::into_inner).take();
        computed.ok_or(NotComputed)
    }
}
