//! The way of long computations off the threads that serve connections.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;

use actix_web::rt::task::{spawn_blocking, yield_now};
use tokio::sync::Semaphore;
use tracing::Span;

use crate::problem::{Problem, ProblemCode};

/// The bytes up to which a body is read or written where the connection is served: a millisecond at most.
pub(crate) const INLINE_BYTES: usize = 64 * 1024;

/// Runs computations over large bodies on threads of their own, as many at once as there are cores, so that probes
/// and small requests are answered meanwhile, and so that little of what they need beside the bodies is in memory at
/// once. Clones share the threads.
#[derive(Debug, Clone)]
pub struct Offload(Arc<Semaphore>);

impl Offload {
    /// As many threads as there are cores.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(available_parallelism().map_or(1, NonZero::get))))
    }

    /// Runs `work` over so many `bytes`: here where they are few. It runs to its end when its caller has left.
    ///
    /// # Errors
    /// `unavailable` where the process ends meanwhile.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        if bytes <= INLINE_BYTES {
            return Ok(work());
        }
        let ending = |_| Problem::new(ProblemCode::Unavailable);
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(ending)?;
        let span = Span::current();
        let running = spawn_blocking(move || {
            let _permit = permit;
            span.in_scope(work)
        });
        // Others on this thread get their turn, also where the work has ended by now.
        yield_now().await;
        match running.await {
            Ok(done) => Ok(done),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_cancelled) => Err(Problem::new(ProblemCode::Unavailable)),
            },
        }
    }
}

impl Default for Offload {
    fn default() -> Self {
        Self::new()
    }
}
