//! Moves long computations off the threads that serve connections.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;

use actix_web::rt::task::{spawn_blocking, yield_now};
use tokio::sync::Semaphore;
use tracing::Span;

/// The bytes up to which a body is parsed or rendered on the connection's thread: a millisecond at most.
pub(crate) const INLINE_BYTES: usize = 64 * 1024;

/// The process is ending, and the work was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessEnding;

/// Runs computations over large bodies on blocking threads, so that probes and small requests are answered meanwhile.
/// As many run at once as there are cores, which also bounds the memory that they need beside the bodies. Clones share
/// the threads.
#[derive(Debug, Clone)]
pub struct Offload(Arc<Semaphore>);

impl Offload {
    /// Creates an offload with as many threads as there are cores.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(available_parallelism().map_or(1, NonZero::get))))
    }

    /// Runs `work`, which processes this number of `bytes`: on this thread where they are few. Once begun, the work
    /// runs to its end even if the future is dropped.
    ///
    /// # Errors
    /// The process is ending.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ProcessEnding> {
        if bytes <= INLINE_BYTES {
            return Ok(work());
        }
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(|_closed| ProcessEnding)?;
        let span = Span::current();
        let running = spawn_blocking(move || {
            let _permit = permit;
            span.in_scope(work)
        });
        // Lets other tasks of this thread run, even if the work has ended already.
        yield_now().await;
        match running.await {
            Ok(done) => Ok(done),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_cancelled) => Err(ProcessEnding),
            },
        }
    }
}

impl Default for Offload {
    fn default() -> Self {
        Self::new()
    }
}
