use application::ports::{Computation, ComputePool, NotComputed};
use async_trait::async_trait;
use tokio::task::spawn_blocking;
use tracing::Span;

/// Runs each computation on one of the runtime's blocking threads.
#[derive(Debug, Clone, Copy, Default)]
pub struct BlockingComputePool;

#[async_trait]
impl ComputePool for BlockingComputePool {
    async fn run(&self, computation: Computation) -> Result<(), NotComputed> {
        let span = Span::current();
        spawn_blocking(move || span.in_scope(computation)).await.map_err(|_| NotComputed)
    }
}

#[cfg(test)]
mod tests {
    use std::thread::current;

    use super::*;

    #[tokio::test]
    async fn a_computation_runs_on_another_thread() {
        let pool: &dyn ComputePool = &BlockingComputePool;
        let here = current().id();
        assert_eq!(pool.compute(move || current().id() == here).await, Ok(false));
    }

    #[tokio::test]
    async fn a_computation_that_panics_has_no_result() {
        let pool: &dyn ComputePool = &BlockingComputePool;
        assert_eq!(pool.compute(|| -> u32 { panic!("a bug") }).await, Err(NotComputed));
    }
}
