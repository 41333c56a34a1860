use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The runs at the same time, of all tenants.
const MAX_RUNS: usize = 2;

/// Counts the runs in progress.
#[derive(Debug, Default)]
pub(super) struct Runs(Arc<AtomicUsize>);

/// A run in progress; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Run(Arc<AtomicUsize>);

impl Runs {
    /// Starts a run; none while as many as allowed are in progress.
    pub(super) fn start(&self) -> Option<Run> {
        let one_more = |runs: usize| (runs < MAX_RUNS).then_some(runs + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Run(Arc::clone(&self.0)))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_are_in_progress_at_most() {
        let runs = Runs::default();
        let (first, second) = (runs.start(), runs.start());
        assert!(first.is_some() && second.is_some() && runs.start().is_none());
        drop(first);
        let third = runs.start();
        assert!(third.is_some() && runs.start().is_none());
    }
}
