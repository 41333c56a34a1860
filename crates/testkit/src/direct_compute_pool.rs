use application::ports::{Computation, ComputePool, NotComputed};
use async_trait::async_trait;

/// Runs computations at once, on the calling thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectComputePool;

#[async_trait]
impl ComputePool for DirectComputePool {
    async fn run(&self, computation: Computation) -> Result<(), NotComputed> {
        computation();
        Ok(())
    }
}
