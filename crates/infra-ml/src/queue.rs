mod lane;
mod room;
mod state;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use application::ports::Admission;
use tokio::sync::oneshot;

use crate::engine::Cores;
use crate::gateway::NotAvailable;
use crate::job::{Class, Job};
use crate::metric;

use state::{Length, State};

/// The texts that wait for the workers: bounded by texts and by tokens, first come first served, with three exceptions.
///
/// **Room.** Single texts and bulk texts (those of batches and streams) have room of their own, bulk half as much as
/// single ones. Whether a single text is let in depends on single texts alone. Bulk texts that find no room stand in a
/// line before the queue, first come first served. A caller who leaves gives the room back at once, and the next in
/// line gets it.
///
/// **Lanes.** Long windows wait apart from short ones and run apart from them. While both wait, one worker at a time
/// takes a long one and the others take short ones; where there is only one worker it takes them in turn. So neither
/// holds the other: a short text waits for no more than one long window, and long texts always get on. A text of many
/// windows goes back to the end after each window.
///
/// **Shares.** In each lane, while both wait, one token in four is bulk's; see [`lane::Lane`]. For a moment after a
/// single text came, the last worker that is not busy takes no bulk; see [`State::pause`].
///
/// **Impatience.** For every caller of a single text who gives up, some single windows are taken newest first. Where
/// callers give up after a second and the oldest text has waited that long, first come first served would compute only
/// what nobody waits for any longer.
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    limits: QueueLimits,
}

/// The most that waits, and the most that runs together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    /// Single texts; half as many bulk texts may wait beside them.
    pub(crate) items: usize,
    /// Tokens of single texts, likewise. One text alone may have more.
    pub(crate) tokens: usize,
    /// One window alone may have more.
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
    /// Held while they run.
    pub(crate) running: Running<'a>,
}

/// Tells the queue, when it is dropped, that a batch has been run.
pub(crate) struct Running<'a> {
    queue: &'a Queue,
    length: Length,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.running -= 1;
        state.running_long -= usize::from(self.length == Length::Long);
    }
}

/// One window of a text, taken out to be run.
pub(crate) struct Task {
    pub(crate) job: Arc<Job>,
    pub(crate) window: usize,
}

/// A text that was let in, or stands in line. When it is dropped nobody waits for the answer any longer: what was not
/// run yet is taken out, and its room is free at once.
pub(crate) struct QueuedText {
    queue: Arc<Queue>,
    job: Arc<Job>,
    /// Reports that the text was let in; none where it was let in at once.
    pub(crate) entered: Option<oneshot::Receiver<()>>,
}

impl Drop for QueuedText {
    fn drop(&mut self) {
        if !self.job.is_complete() {
            self.queue.leave(&self.job);
        }
    }
}

/// Why a text was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too much is waiting.
    Full,
    /// The queue was stopped.
    Stopped,
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self { state: Mutex::new(State::new(limits)), work: Condvar::new(), limits }
    }

    /// Tells how many will take from the queue: it is one until then.
    pub(crate) fn serve(&self, workers: usize) {
        self.state().workers = workers;
    }

    /// Whether even the smallest text would be refused now.
    pub(crate) fn is_full(&self, admission: Admission) -> bool {
        self.refuses(&self.state(), admission, 1)
    }

    /// Lets `job` in, or into the line before the queue. Its class is [`class_of`] `admission`.
    pub(crate) fn enter(
        self: &Arc<Self>,
        job: Arc<Job>,
        admission: Admission,
    ) -> Result<QueuedText, Refused> {
        let mut state = self.state();
        if state.stopped {
            return Err(Refused::Stopped);
        }
        let cost = job.cost_from(0);
        if self.refuses(&state, admission, cost) {
            return Err(Refused::Full);
        }
        let mut entered = None;
        if state.has_room(job.class(), cost) {
            state.push(Arc::clone(&job));
            state.gauge();
            self.work.notify_one();
        } else {
            entered = Some(state.stand_in_line(Arc::clone(&job)));
        }
        Ok(QueuedText { queue: Arc::clone(self), job, entered })
    }

    /// Waits for work and takes windows of at most `wanted` tokens, and no more than this worker's share of what waits.
    /// None once the queue is stopped.
    pub(crate) fn take(&self, wanted: usize) -> Option<Batch<'_>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(pause) = state.pause() {
                let woken = self.work.wait_timeout(state, pause);
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let length = state.next_length();
            let idle = state.workers.saturating_sub(state.running).max(1);
            let share = wanted.min(self.limits.batch_tokens).min(state.tokens().div_ceil(idle));
            let tasks = state.take(length, share);
            state.let_in();
            state.gauge();
            if !tasks.is_empty() {
                let alone = state.running == 0 && state.is_empty();
                state.running += 1;
                state.running_long += usize::from(length == Length::Long);
                state.last = length;
                if !state.is_empty() {
                    self.work.notify_one();
                }
                let cores = if alone { Cores::All } else { Cores::Own };
                return Some(Batch { tasks, cores, running: Running { queue: self, length } });
            }
            if state.is_empty() {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Lets nobody in any more, and answers those who wait that the model has stopped.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        let left = state.drain();
        state.gauge();
        drop(state);
        self.work.notify_all();
        for job in left {
            job.fail(NotAvailable::Stopped.into());
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// How many texts wait.
    #[cfg(test)]
    pub(crate) fn depth(&self) -> usize {
        self.state().texts()
    }

    fn refuses(&self, state: &State, admission: Admission, cost: usize) -> bool {
        match admission {
            Admission::Single => !state.has_room(Class::Single, cost),
            Admission::BulkStart => state.bulk_texts() >= self.limits.items,
            Admission::BulkNext => false,
        }
    }

    /// Takes out what was not run yet of a text for which nobody waits any longer.
    fn leave(&self, job: &Job) {
        let mut state = self.state();
        let gave_up = job.abandon();
        let waited = state.remove(job);
        if gave_up && waited {
            metrics::counter!(metric::SKIPPED).increment(1);
        }
        if gave_up && job.class() == Class::Single {
            state.hasten();
        }
        if waited && state.let_in() {
            self.work.notify_one();
        }
        state.gauge();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
