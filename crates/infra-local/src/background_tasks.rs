use std::panic::AssertUnwindSafe;
use std::time::Duration;

use application::action::panic_message;
use futures_util::FutureExt;
use metrics::{counter, describe_counter};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const RESTARTS: &str = "undertone_task_restarts_total";

/// The pause before a task that panicked starts again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Tasks that run until they are cancelled. One that panics starts again, so each of their passes must be independent
/// of the one before.
#[derive(Debug)]
pub struct BackgroundTasks {
    tasks: JoinSet<()>,
    cancel: CancellationToken,
}

impl BackgroundTasks {
    /// Creates an empty set of tasks. To be called after the recorder of metrics is installed.
    pub fn new() -> Self {
        describe_counter!(RESTARTS, "Background tasks that panicked and were started again, by task.");
        Self { tasks: JoinSet::new(), cancel: CancellationToken::new() }
    }

    /// Starts `task`, which must return when it is cancelled.
    pub fn spawn<F>(&mut self, name: &'static str, task: impl Fn(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(supervise(name, self.cancel.clone(), task));
    }

    /// Cancels the tasks, waits at most `within` for them to return, and aborts the rest.
    pub async fn stop(mut self, within: Duration) {
        self.cancel.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(within, ended).await.is_err() {
            tracing::warn!("a background task did not end in time");
            self.tasks.abort_all();
        }
    }
}

impl Default for BackgroundTasks {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs `task` until it returns; starts it again after a panic unless it was cancelled.
async fn supervise<F>(name: &'static str, cancel: CancellationToken, task: impl Fn(CancellationToken) -> F)
where
    F: Future<Output = ()>,
{
    let restarts = counter!(RESTARTS, "task" => name);
    restarts.increment(0);
    // The state of the task is dropped with its future.
    while let Err(panic) = AssertUnwindSafe(task(cancel.clone())).catch_unwind().await {
        let message = panic_message(panic.as_ref());
        tracing::error!(task = name, panic = message, "a background task panicked; starting it again");
        restarts.increment(1);
        if timeout(RESTART_AFTER, cancel.cancelled()).await.is_ok() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_starts_again() {
        let starts = Arc::new(AtomicU32::new(0));
        let (mut tasks, started) = (BackgroundTasks::new(), Arc::clone(&starts));
        tasks.spawn("health", move |cancel| {
            let start = started.fetch_add(1, Ordering::SeqCst);
            async move {
                assert!(start > 0, "a bug");
                cancel.cancelled().await;
            }
        });
        while starts.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(RESTART_AFTER).await;
        }
        tasks.stop(RESTART_AFTER).await;
        assert_eq!(starts.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_while_it_is_cancelled_does_not_start_again() {
        let starts = Arc::new(AtomicU32::new(0));
        let (mut tasks, started) = (BackgroundTasks::new(), Arc::clone(&starts));
        tasks.spawn("relay", move |cancel| {
            started.fetch_add(1, Ordering::SeqCst);
            async move {
                cancel.cancelled().await;
                panic!("a bug of the last pass");
            }
        });
        tokio::task::yield_now().await;
        tasks.stop(RESTART_AFTER * 2).await;
        assert_eq!(starts.load(Ordering::SeqCst), 1);
    }
}
