use std::sync::{Condvar, Mutex, PoisonError};

/// Counts the cores of the batches above the usual size that run, and makes others wait where they would be too many.
#[derive(Default)]
pub(super) struct LargeBatches {
    cores: Mutex<usize>,
    ended: Condvar,
}

/// Counts the cores of a batch until it is dropped.
pub(super) struct RunningLarge<'a> {
    batches: &'a LargeBatches,
    cores: usize,
}

impl LargeBatches {
    /// Waits until a batch on `cores` cores makes no more than `most` with those that run, or runs alone.
    pub(super) fn start(&self, cores: usize, most: usize) -> RunningLarge<'_> {
        let running = self.cores.lock().unwrap_or_else(PoisonError::into_inner);
        let running = self.ended.wait_while(running, |running| *running > 0 && *running + cores > most);
        *running.unwrap_or_else(PoisonError::into_inner) += cores;
        RunningLarge { batches: self, cores }
    }
}

impl Drop for RunningLarge<'_> {
    fn drop(&mut self) {
        *self.batches.cores.lock().unwrap_or_else(PoisonError::into_inner) -= self.cores;
        self.batches.ended.notify_all();
    }
}
