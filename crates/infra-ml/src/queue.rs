use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use application::ports::MlError;
use tokio::sync::oneshot;

use crate::gateway::NotAvailable;
use crate::job::Job;
use crate::metric;

/// The texts that wait for the engine: bounded by texts and by tokens, first come first served, but for a text of
/// many windows, which goes back to the end after each batch so that a short text never waits for all of it.
///
/// Those who may wait for room stand in a line before the queue. While anyone stands there nobody else is let in,
/// so that a large text gets its turn.
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    limits: QueueLimits,
}

/// The most that waits, and the most that runs together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    pub(crate) items: usize,
    /// One text alone may have more.
    pub(crate) tokens: usize,
    /// One window alone may have more.
    pub(crate) batch_tokens: usize,
}

/// One window of a text, taken out to be run.
pub(crate) struct Task {
    pub(crate) job: Arc<Job>,
    pub(crate) window: usize,
}

/// Why a text was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too much is waiting.
    Full,
    /// The queue was stopped.
    Stopped,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Entry>,
    /// Tokens of the windows in `waiting` that were not taken yet.
    tokens: usize,
    line: VecDeque<(Entry, oneshot::Sender<()>)>,
    stopped: bool,
}

/// A text of which the windows from `next` on are still to be run.
struct Entry {
    job: Arc<Job>,
    next: usize,
}

impl Entry {
    fn cost(&self) -> usize {
        self.job.cost_from(self.next)
    }
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self { state: Mutex::default(), work: Condvar::new(), limits }
    }

    /// Whether even the smallest text would be refused now.
    pub(crate) fn is_full(&self) -> bool {
        !self.state().has_room(1, self.limits)
    }

    /// Lets a text in at once, or not at all.
    pub(crate) fn try_enter(&self, job: Arc<Job>) -> Result<(), Refused> {
        let mut state = self.state();
        if state.stopped {
            return Err(Refused::Stopped);
        }
        let entry = Entry { job, next: 0 };
        if !state.has_room(entry.cost(), self.limits) {
            return Err(Refused::Full);
        }
        state.push(entry);
        self.work.notify_one();
        Ok(())
    }

    /// Lets a text in, or into the line before the queue; the receiver then tells when it is in.
    pub(crate) fn enter(&self, job: Arc<Job>) -> Result<Option<oneshot::Receiver<()>>, Refused> {
        let mut state = self.state();
        if state.stopped {
            return Err(Refused::Stopped);
        }
        let entry = Entry { job, next: 0 };
        if state.has_room(entry.cost(), self.limits) {
            state.push(entry);
            self.work.notify_one();
            return Ok(None);
        }
        let (entered, notice) = oneshot::channel();
        state.line.push_back((entry, entered));
        Ok(Some(notice))
    }

    /// Waits for work and takes as many windows as the budget allows, in the order in which they came. None once the
    /// queue is stopped.
    pub(crate) fn take(&self) -> Option<Vec<Task>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            let tasks = state.take(self.limits.batch_tokens);
            state.let_in(self.limits);
            state.tell();
            if !tasks.is_empty() {
                return Some(tasks);
            }
            if state.waiting.is_empty() {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Lets nobody in any more, and answers those who wait that the model has stopped.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.tokens = 0;
        let line = std::mem::take(&mut state.line).into_iter().map(|(entry, _)| entry);
        let left: Vec<Entry> = std::mem::take(&mut state.waiting).into_iter().chain(line).collect();
        state.tell();
        drop(state);
        self.work.notify_all();
        for entry in left {
            entry.job.fail(MlError::Unavailable { source: NotAvailable::Stopped.into() });
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// How many texts wait.
    #[cfg(test)]
    pub(crate) fn depth(&self) -> usize {
        self.state().waiting.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self, cost: usize, limits: QueueLimits) -> bool {
        let fits = self.waiting.len() < limits.items && self.tokens + cost <= limits.tokens;
        self.line.is_empty() && (fits || self.waiting.is_empty())
    }

    fn push(&mut self, entry: Entry) {
        self.tokens += entry.cost();
        self.waiting.push_back(entry);
        self.tell();
    }

    /// Moves those at the head of the line into the queue while there is room; those who left are dropped.
    fn let_in(&mut self, limits: QueueLimits) {
        let mut line = std::mem::take(&mut self.line);
        while let Some((entry, entered)) = line.pop_front() {
            if !entry.job.is_wanted() {
                metrics::counter!(metric::SKIPPED).increment(1);
            } else if self.has_room(entry.cost(), limits) {
                self.push(entry);
                // One who does not listen is in all the same, and is skipped when its turn comes.
                let _ = entered.send(());
            } else {
                line.push_front((entry, entered));
                break;
            }
        }
        self.line = line;
    }

    fn take(&mut self, budget: usize) -> Vec<Task> {
        let mut tasks = Vec::new();
        let mut tokens = 0;
        while let Some(mut entry) = self.waiting.pop_front() {
            if !entry.job.is_wanted() {
                metrics::counter!(metric::SKIPPED).increment(1);
                self.tokens -= entry.cost();
                continue;
            }
            let first = entry.next;
            while entry.next < entry.job.windows() {
                let cost = entry.job.cost(entry.next);
                if !tasks.is_empty() && tokens + cost > budget {
                    break;
                }
                tasks.push(Task { job: Arc::clone(&entry.job), window: entry.next });
                tokens += cost;
                self.tokens -= cost;
                entry.next += 1;
            }
            if entry.next == entry.job.windows() {
                continue;
            }
            if entry.next == first {
                self.waiting.push_front(entry);
            } else {
                self.waiting.push_back(entry);
            }
            break;
        }
        tasks
    }

    fn tell(&self) {
        metrics::gauge!(metric::QUEUE_DEPTH).set(self.waiting.len() as f64);
        metrics::gauge!(metric::QUEUE_TOKENS).set(self.tokens as f64);
    }
}

#[cfg(test)]
mod tests;
