use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::job::Job;

/// What waits of one class, and the line of those who wait to be let in.
pub(super) struct Room {
    texts: usize,
    tokens: usize,
    max_texts: usize,
    /// One text alone may have more.
    max_tokens: usize,
    /// By their numbers.
    pub(super) line: BTreeMap<u64, (Arc<Job>, oneshot::Sender<()>)>,
}

impl Room {
    pub(super) fn new(max_texts: usize, max_tokens: usize) -> Self {
        Self { texts: 0, tokens: 0, max_texts, max_tokens, line: BTreeMap::new() }
    }

    pub(super) fn texts(&self) -> usize {
        self.texts
    }

    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Whether a text of `cost` tokens fits.
    pub(super) fn fits(&self, cost: usize) -> bool {
        self.texts == 0 || (self.texts < self.max_texts && self.tokens + cost <= self.max_tokens)
    }

    pub(super) fn add(&mut self, cost: usize) {
        self.texts += 1;
        self.tokens += cost;
    }

    /// A window of `cost` tokens waits no longer.
    pub(super) fn take_window(&mut self, cost: usize) {
        self.tokens -= cost;
    }

    /// A text waits no longer, with the `cost` tokens that were left of it.
    pub(super) fn remove(&mut self, cost: usize) {
        self.texts -= 1;
        self.tokens -= cost;
    }

    /// Nothing waits any longer; the line stays.
    pub(super) fn clear(&mut self) {
        (self.texts, self.tokens) = (0, 0);
    }

    /// Removes the first in line if it fits.
    pub(super) fn next_in_line(&mut self) -> Option<(Arc<Job>, oneshot::Sender<()>)> {
        let (_, (job, _)) = self.line.first_key_value()?;
        if !self.fits(job.cost_from(0)) {
            return None;
        }
        self.line.pop_first().map(|(_, first)| first)
    }
}
