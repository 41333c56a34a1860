use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::engine::Cores;
use crate::gateway::NotAvailable;
use crate::job::Job;
use crate::metric;

/// The texts that wait for the workers: bounded by texts and by tokens, first come first served, but for what is long.
///
/// Long windows wait apart from short ones and run apart from them. While both wait, one worker at a time takes a long
/// one and the others take short ones; where there is only one worker it takes them in turn. So neither holds the other:
/// a short text waits for no more than one long window, and long texts always get on. A text of many windows goes back
/// to the end after each batch.
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

/// The tokens above which a window is long.
const LONG: usize = 128;

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
    lane: Lane,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.running -= 1;
        state.running_long -= usize::from(self.lane == Lane::Long);
    }
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
    short: VecDeque<Entry>,
    long: VecDeque<Entry>,
    /// Tokens of the windows of `short` and of `long` that were not taken yet.
    tokens: usize,
    /// How many take from the queue.
    workers: usize,
    /// Batches that run, and those of them that are long.
    running: usize,
    running_long: usize,
    /// What was taken last.
    last: Lane,
    line: VecDeque<(Entry, oneshot::Sender<()>)>,
    stopped: bool,
    /// The texts and tokens of this queue that the gauges count now.
    told: (f64, f64),
}

/// A text of which the windows from `next` on are still to be run.
struct Entry {
    job: Arc<Job>,
    next: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Lane {
    #[default]
    Short,
    Long,
}

impl Entry {
    fn cost(&self) -> usize {
        self.job.cost_from(self.next)
    }

    /// By its next window: all but the last of a text's windows are alike.
    fn lane(&self) -> Lane {
        if self.job.cost(self.next) > LONG { Lane::Long } else { Lane::Short }
    }
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        let state = State { workers: 1, ..State::default() };
        Self { state: Mutex::new(state), work: Condvar::new(), limits }
    }

    /// Tells how many will take from the queue: it is one until then.
    pub(crate) fn serve(&self, workers: usize) {
        self.state().workers = workers;
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

    /// Waits for work and takes windows of at most `wanted` tokens, and no more than this worker's share of what waits,
    /// in the order in which they came. None once the queue is stopped.
    pub(crate) fn take(&self, wanted: usize) -> Option<Batch<'_>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            let lane = state.next_lane();
            let idle = state.workers.saturating_sub(state.running).max(1);
            let share = wanted.min(self.limits.batch_tokens).min(state.tokens.div_ceil(idle));
            let tasks = state.take(lane, share);
            state.let_in(self.limits);
            state.tell();
            if !tasks.is_empty() {
                let alone = state.running == 0 && state.is_empty();
                state.running += 1;
                state.running_long += usize::from(lane == Lane::Long);
                state.last = lane;
                if !state.is_empty() {
                    self.work.notify_one();
                }
                let cores = if alone { Cores::All } else { Cores::Own };
                return Some(Batch { tasks, cores, running: Running { queue: self, lane } });
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
        state.tokens = 0;
        let line = std::mem::take(&mut state.line).into_iter().map(|(entry, _)| entry);
        let (short, long) = (std::mem::take(&mut state.short), std::mem::take(&mut state.long));
        let left: Vec<Entry> = short.into_iter().chain(long).chain(line).collect();
        state.tell();
        drop(state);
        self.work.notify_all();
        for entry in left {
            entry.job.fail(NotAvailable::Stopped.into());
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// How many texts wait.
    #[cfg(test)]
    pub(crate) fn depth(&self) -> usize {
        self.state().waiting()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self, cost: usize, limits: QueueLimits) -> bool {
        let fits = self.waiting() < limits.items && self.tokens + cost <= limits.tokens;
        self.line.is_empty() && (fits || self.is_empty())
    }

    fn waiting(&self) -> usize {
        self.short.len() + self.long.len()
    }

    fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Entry> {
        match lane {
            Lane::Short => &mut self.short,
            Lane::Long => &mut self.long,
        }
    }

    /// From which lane a worker takes now.
    fn next_lane(&self) -> Lane {
        let longs_turn = match self.workers {
            1 => self.last == Lane::Short,
            _ => self.running_long == 0,
        };
        if self.long.is_empty() || (!self.short.is_empty() && !longs_turn) { Lane::Short } else { Lane::Long }
    }

    fn push(&mut self, entry: Entry) {
        self.tokens += entry.cost();
        self.lane(entry.lane()).push_back(entry);
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

    fn take(&mut self, lane: Lane, budget: usize) -> Vec<Task> {
        let mut tasks = Vec::new();
        let mut tokens = 0;
        while let Some(mut entry) = self.lane(lane).pop_front() {
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
                self.lane(lane).push_front(entry);
            } else {
                self.lane(entry.lane()).push_back(entry);
            }
            break;
        }
        tasks
    }

    /// Keeps the gauges, which count what waits for all models of the process.
    fn tell(&mut self) {
        let now = (self.waiting() as f64, self.tokens as f64);
        metrics::gauge!(metric::QUEUE_DEPTH).increment(now.0 - self.told.0);
        metrics::gauge!(metric::QUEUE_TOKENS).increment(now.1 - self.told.1);
        self.told = now;
    }
}

#[cfg(test)]
mod tests;
