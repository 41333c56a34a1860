use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::job::Job;
use crate::queue::length_queue::Entry;

/// What waits of one class: its load in the queue with the limits, and its backlog before the queue.
pub(super) struct ClassLoad {
    texts: usize,
    tokens: usize,
    /// The tokens of the next window of each text.
    next_tokens: usize,
    max_texts: usize,
    /// A text alone may have more.
    max_tokens: usize,
    /// The texts that wait to enter the queue, by position.
    backlog: BTreeMap<u64, (Arc<Job>, oneshot::Sender<()>)>,
    backlog_tokens: usize,
}

impl ClassLoad {
    pub(super) fn new(max_texts: usize, max_tokens: usize) -> Self {
        Self {
            texts: 0,
            tokens: 0,
            next_tokens: 0,
            max_texts,
            max_tokens,
            backlog: BTreeMap::new(),
            backlog_tokens: 0,
        }
    }

    pub(super) fn texts(&self) -> usize {
        self.texts
    }

    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    pub(super) fn next_tokens(&self) -> usize {
        self.next_tokens
    }

    pub(super) fn backlog_texts(&self) -> usize {
        self.backlog.len()
    }

    pub(super) fn backlog_tokens(&self) -> usize {
        self.backlog_tokens
    }

    /// Whether a text of `cost` tokens fits into the queue.
    pub(super) fn fits(&self, cost: usize) -> bool {
        self.texts == 0 || (self.texts < self.max_texts && self.tokens + cost <= self.max_tokens)
    }

    /// Counts a text with its remaining windows.
    pub(super) fn add(&mut self, entry: &Entry) {
        self.texts += 1;
        self.tokens += entry.cost();
        self.next_tokens += entry.next_cost();
    }

    /// Undoes [`add`](Self::add) of the same windows.
    pub(super) fn remove(&mut self, entry: &Entry) {
        self.texts -= 1;
        self.tokens -= entry.cost();
        self.next_tokens -= entry.next_cost();
    }

    /// Empties the load and the backlog, and returns the texts of the backlog.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Arc<Job>> + use<> {
        (self.texts, self.tokens, self.next_tokens, self.backlog_tokens) = (0, 0, 0, 0);
        std::mem::take(&mut self.backlog).into_values().map(|(job, _)| job)
    }

    /// Adds a text to the backlog. The receiver is notified when it enters the queue.
    pub(super) fn push_backlog(&mut self, position: u64, job: Arc<Job>) -> oneshot::Receiver<()> {
        let (entered, receiver) = oneshot::channel();
        self.backlog_tokens += job.cost_from(0);
        self.backlog.insert(position, (job, entered));
        receiver
    }

    /// Removes the first text of the backlog if it fits into the queue.
    pub(super) fn pop_backlog(&mut self) -> Option<(Arc<Job>, oneshot::Sender<()>)> {
        let (_, (job, _)) = self.backlog.first_key_value()?;
        let cost = job.cost_from(0);
        if !self.fits(cost) {
            return None;
        }
        self.backlog_tokens -= cost;
        self.backlog.pop_first().map(|(_, first)| first)
    }

    /// Removes the text at `position` from the backlog. Returns whether there was one.
    pub(super) fn remove_backlog(&mut self, position: u64) -> bool {
        let Some((job, _)) = self.backlog.remove(&position) else { return false };
        self.backlog_tokens -= job.cost_from(0);
        true
    }
}
