//! Work that continues if its client disconnects.

#![cfg_attr(test, expect(clippy::expect_used, reason = "a test may panic"))]

use std::panic::resume_unwind;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::Instrument;

use crate::offload::ProcessEnding;

/// Runs work that continues if its client disconnects. A worker of the server ends as soon as it has no connections, so
/// the work runs on another runtime. Clones share the count of what is running.
#[derive(Debug, Clone)]
pub struct Detached {
    runtime: Handle,
    running: watch::Sender<usize>,
}

impl Detached {
    /// Runs work on `runtime`, which must outlive the server.
    pub fn on(runtime: Handle) -> Self {
        Self { runtime, running: watch::Sender::new(0) }
    }

    /// Runs `work` in a task of its own, which continues if the client disconnects. A panic of the work continues here.
    ///
    /// # Errors
    /// The process is ending.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ProcessEnding> {
        let counted = Counted::of(&self.running);
        let task = async move {
            let _counted = counted;
            work.await
        };
        match self.runtime.spawn(task.in_current_span()).await {
            Ok(done) => Ok(done),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_cancelled) => Err(ProcessEnding),
            },
        }
    }

    /// Waits until no work is running.
    pub(crate) async fn idle(&self) {
        // An error would mean that no sender is left; `self` has one.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }
}

/// Counts work as running until it is dropped.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn of(running: &watch::Sender<usize>) -> Self {
        running.send_modify(|running| *running += 1);
        Self(running.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;
    use tokio::runtime::Builder;
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn work_outlives_its_client_and_the_worker_of_the_connection() {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
        let detached = Detached::on(runtime.handle().clone());
        let worker = Builder::new_current_thread().build().expect("a runtime");
        let (end, ended) = oneshot::channel();
        worker.block_on(async {
            let mut waiting = Box::pin(detached.run(ended));
            assert!(poll!(&mut waiting).is_pending());
        });
        drop(worker);
        runtime.block_on(async {
            let mut idle = Box::pin(detached.idle());
            assert!(poll!(&mut idle).is_pending());
            end.send(()).expect("the work is running");
            idle.await;
        });
    }

    #[tokio::test]
    async fn work_that_panics_is_not_running_any_more() {
        let detached = Detached::on(Handle::current());
        let running = detached.clone();
        let ended = tokio::spawn(async move { running.run(async { panic!("a bug") }).await });
        assert!(ended.await.is_err_and(|error| error.is_panic()));
        detached.idle().await;
    }
}
