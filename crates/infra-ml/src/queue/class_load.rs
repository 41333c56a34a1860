use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::job::Job;

/// What waits of one class: its load in the queue with the limits, and its backlog before the queue.
pub(super) struct ClassLoad {
    texts: usize,
    tokens: usize,
    max_texts: usize,
    /// A text alone may have more.
    max_tokens: usize,
    /// The texts that wait to enter the queue, by position.
    pub(super) backlog: BTreeMap<u64, (Arc<Job>, oneshot::Sender<()>)>,
}

impl ClassLoad {
    pub(super) fn new(max_texts: usize, max_tokens: usize) -> Self {
        Self { texts: 0, tokens: 0, max_texts, max_tokens, backlog: BTreeMap::new() }
    }

    pub(super) fn texts(&self) -> usize {
        self.texts
    }

    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Whether a text of `cost` tokens fits into the queue.
    pub(super) fn fits(&self, cost: usize) -> bool {
        self.texts == 0 || (self.texts < self.max_texts && self.tokens + cost <= self.max_tokens)
    }

    pub(super) fn add_text(&mut self, cost: usize) {
        self.texts += 1;
        self.tokens += cost;
    }

    /// Removes a window of `cost` tokens of a text that has more windows.
    pub(super) fn remove_window(&mut self, cost: usize) {
        self.tokens -= cost;
    }

    /// Removes a text with its remaining `cost` tokens.
    pub(super) fn remove_text(&mut self, cost: usize) {
        self.texts -= 1;
        self.tokens -= cost;
    }

    /// Empties the load, not the backlog.
    pub(super) fn clear(&mut self) {
        (self.texts, self.tokens) = (0, 0);
    }

    /// Removes the first text of the backlog if it fits into the queue.
    pub(super) fn pop_backlog(&mut self) -> Option<(Arc<Job>, oneshot::Sender<()>)> {
        let (_, (job, _)) = self.backlog.first_key_value()?;
        if !self.fits(job.cost_from(0)) {
            return None;
        }
        self.backlog.pop_first().map(|(_, first)| first)
    }
}
