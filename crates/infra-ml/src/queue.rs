mod admission;
mod class_load;
mod length_queue;
mod state;
mod throughput;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::ports::{Admission, Queueing};
use tokio::sync::oneshot;

use crate::engine::Cores;
use crate::inference_error::NotAvailable;
use crate::job::{Class, Job};
use crate::metric;

use admission::TextSize;
use state::{Length, State};

/// The texts that wait for the workers, bounded in texts and in tokens. First come, first served, with these
/// exceptions:
///
/// **Admission.** The limits of single texts and of bulk texts (those of batches and streams) are separate; bulk has
/// half as much. A single text that does not fit is refused. A bulk text that does not fit waits in a backlog before
/// the queue, first come, first served. When a caller drops a waiting text, as at its deadline, the backlog moves up at
/// once.
///
/// **Deadlines.** A single text, or the first of a batch, is also refused where the texts that wait before it in its
/// class would take so long, at the measured speed and the share of the class, that its deadline would be missed; see
/// [`State::refuses`]. The client learns it at once, and no work is spent on what is too late. A text of several
/// windows waits for as many windows of each text before it. Bulk texts that may wait in the backlog are not refused.
///
/// **Window lengths.** Long windows wait and run apart from short ones. While both wait, one worker at a time takes
/// long windows and the others short ones; a single worker alternates. So a short text waits for at most one long
/// window, and long texts are not starved. A text of many windows returns to the end of its queue after each window.
///
/// **Classes.** Among windows of the same length, while both classes wait, one token in four is bulk; see
/// [`LengthQueue`](length_queue::LengthQueue). Shortly after single texts came, bulk leaves workers free for as many as
/// came at once; see [`State::bulk_delay`].
///
/// **Newest first.** For each caller of a single text that gives up, some single windows are taken newest first: where
/// callers time out, first come, first served would compute only texts that are about to be given up.
pub(crate) struct Queue {
    state: Mutex<State>,
    work_available: Condvar,
    limits: QueueLimits,
}

/// The limits of what waits and of what runs together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    /// The maximum number of waiting single texts; half as many bulk texts may wait besides.
    pub(crate) items: usize,
    /// The maximum number of their tokens; half as many of bulk texts. A text alone may have more.
    pub(crate) tokens: usize,
    /// The maximum number of tokens that run together. A window alone may have more.
    pub(crate) batch_tokens: usize,
}

/// The class of texts that enter the queue with `admission`.
pub(crate) fn class_of(admission: Admission) -> Class {
    match admission {
        Admission::Single => Class::Single,
        Admission::BulkStart | Admission::BulkNext => Class::Bulk,
    }
}

/// Windows that run together.
pub(crate) struct Batch<'a> {
    pub(crate) tasks: Vec<Task>,
    pub(crate) cores: Cores,
    /// To be held while they run.
    pub(crate) running: Running<'a>,
}

/// Counts a batch as running until it is dropped.
pub(crate) struct Running<'a> {
    queue: &'a Queue,
    length: Length,
    /// The number of single texts.
    singles: usize,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.running -= 1;
        state.running_long -= usize::from(self.length == Length::Long);
        state.running_bulk -= usize::from(self.singles == 0);
        state.running_singles -= self.singles;
    }
}

/// One window of a text, to be run.
pub(crate) struct Task {
    pub(crate) job: Arc<Job>,
    pub(crate) window: usize,
}

/// A caller's handle of a text in the queue or in the backlog. Dropping it abandons the reply and removes the windows
/// that have not run.
pub(crate) struct QueuedText {
    queue: Arc<Queue>,
    job: Arc<Job>,
    /// Notified when the text enters the queue from the backlog; `None` where it entered at once.
    pub(crate) entered: Option<oneshot::Receiver<()>>,
}

impl Drop for QueuedText {
    fn drop(&mut self) {
        if !self.job.is_complete() {
            self.queue.cancel(&self.job);
        }
    }
}

/// Why a text did not enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The queue is full, or too slow for the text's deadline.
    Full,
    /// The queue was stopped.
    Stopped,
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self { state: Mutex::new(State::new(limits)), work_available: Condvar::new(), limits }
    }

    /// Sets the number of workers, which is 1 at first.
    pub(crate) fn set_workers(&self, workers: usize) {
        self.state().workers = workers;
    }

    /// Sets the tokens below which what waits is not divided among idle workers, which are 0 at first.
    pub(crate) fn set_min_batch_tokens(&self, tokens: usize) {
        self.state().min_batch_tokens = tokens;
    }

    /// Records a batch of `tokens` that took `elapsed` on `cores` of as many cores as there are workers.
    pub(crate) fn record_batch(&self, tokens: usize, elapsed: Duration, cores: usize) {
        let mut state = self.state();
        let share = cores as f64 / state.workers as f64;
        state.throughput.record(tokens, elapsed, share.min(1.0));
    }

    /// Returns the tokens that all workers compute in a second under full load; none before the first batch.
    pub(crate) fn tokens_per_second(&self) -> Option<f64> {
        self.state().throughput.tokens_per_second()
    }

    /// Whether any text would be refused now.
    pub(crate) fn is_full(&self, queueing: Queueing) -> bool {
        self.state().refuses(queueing, TextSize::LEAST, &self.limits)
    }

    /// Adds `job` to the queue or to the backlog. Its class must be [`class_of`] its admission. Its caller must drop it
    /// at its deadline.
    pub(crate) fn enter(self: &Arc<Self>, job: Arc<Job>, queueing: Queueing) -> Result<QueuedText, Refused> {
        let mut state = self.state();
        if state.stopped {
            return Err(Refused::Stopped);
        }
        let size = TextSize::of(&job);
        if state.refuses(queueing, size, &self.limits) {
            return Err(Refused::Full);
        }
        let mut entered = None;
        if state.can_enter(job.class(), size.tokens) {
            state.push(Arc::clone(&job));
            state.publish_gauges();
            self.work_available.notify_one();
        } else {
            entered = Some(state.push_backlog(Arc::clone(&job)));
        }
        Ok(QueuedText { queue: Arc::clone(self), job, entered })
    }

    /// Waits for work and takes windows of at most `max_tokens` in total, and no more than an equal share of what waits
    /// for each idle worker, unless that is less than the minimum of a batch. Returns `None` once the queue is stopped.
    pub(crate) fn take(&self, max_tokens: usize) -> Option<Batch<'_>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(delay) = state.bulk_delay() {
                let woken = self.work_available.wait_timeout(state, delay);
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let length = state.next_length();
            let idle = state.workers.saturating_sub(state.running).max(1);
            let share = state.tokens().div_ceil(idle).max(state.min_batch_tokens);
            let tasks = state.take(length, share.min(max_tokens).min(self.limits.batch_tokens));
            state.admit_backlog();
            state.publish_gauges();
            if !tasks.is_empty() {
                let alone = state.running == 0 && state.is_empty();
                let singles = tasks.iter().filter(|task| task.job.class() == Class::Single).count();
                state.running += 1;
                state.running_long += usize::from(length == Length::Long);
                state.running_bulk += usize::from(singles == 0);
                state.running_singles += singles;
                state.last_length = length;
                if !state.is_empty() {
                    self.work_available.notify_one();
                }
                let cores = if alone { Cores::All } else { Cores::Own };
                let running = Running { queue: self, length, singles };
                return Some(Batch { tasks, cores, running });
            }
            if state.is_empty() {
                state = self.work_available.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Refuses further texts, and fails those that wait.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        let waiting = state.drain();
        state.publish_gauges();
        drop(state);
        self.work_available.notify_all();
        for job in waiting {
            job.fail(NotAvailable::Stopped.into());
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// The number of texts that wait.
    #[cfg(test)]
    pub(crate) fn depth(&self) -> usize {
        self.state().texts()
    }

    /// Abandons the reply of a text and removes its windows that have not run.
    fn cancel(&self, job: &Job) {
        let mut state = self.state();
        let was_awaited = job.abandon();
        let was_waiting = state.remove(job);
        if was_awaited && was_waiting {
            metrics::counter!(metric::SKIPPED).increment(1);
        }
        if was_awaited && job.class() == Class::Single {
            state.prefer_newest();
        }
        if was_waiting && state.admit_backlog() {
            self.work_available.notify_one();
        }
        state.publish_gauges();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
