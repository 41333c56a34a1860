use application::ports::{Admission, Queueing};

use crate::job::{Class, Job};
use crate::queue::QueueLimits;
use crate::queue::length_queue::SINGLE_PER_BULK;
use crate::queue::state::State;

/// The part of the time that is left to a text's deadline which it may wait for other texts. The rest is for its own
/// computation, for storing the prediction, and for the error of the measured speed.
const MAX_WAIT_SHARE: f64 = 0.8;

/// What a text needs of the queue.
#[derive(Clone, Copy)]
pub(super) struct TextSize {
    pub(super) tokens: usize,
    pub(super) windows: usize,
}

impl TextSize {
    /// The size of the smallest text.
    pub(super) const LEAST: Self = Self { tokens: 1, windows: 1 };

    pub(super) fn of(job: &Job) -> Self {
        Self { tokens: job.cost_from(0), windows: job.windows() }
    }
}

impl State {
    /// Whether a text of this size is refused now.
    pub(super) fn refuses(&self, queueing: Queueing, size: TextSize, limits: &QueueLimits) -> bool {
        let is_full = match queueing.admission {
            Admission::Single => !self.can_enter(Class::Single, size.tokens),
            Admission::BulkStart => self.bulk_texts() >= limits.items,
            Admission::BulkNext => return false,
        };
        is_full || self.is_too_slow(queueing, size.windows)
    }

    /// Whether what waits before a text of `windows` windows would take longer than the deadline of the text allows.
    fn is_too_slow(&self, queueing: Queueing, windows: usize) -> bool {
        let Some(left) = queueing.deadline.remaining() else { return false };
        let Some(speed) = self.throughput.tokens_per_second() else { return false };
        let (waiting, is_shared, share) = match queueing.admission {
            // Each text before it returns to the end of the queue after a window.
            Admission::Single => {
                let first_windows = self.single.next_tokens().saturating_mul(windows);
                let share = SINGLE_PER_BULK as f64 / (SINGLE_PER_BULK + 1) as f64;
                (self.single.tokens().min(first_windows), self.bulk.texts() > 0, share)
            }
            Admission::BulkStart | Admission::BulkNext => {
                let share = 1.0 / (SINGLE_PER_BULK + 1) as f64;
                (self.bulk.tokens() + self.bulk.backlog_tokens(), self.single.texts() > 0, share)
            }
        };
        let speed = if is_shared { speed * share } else { speed };
        waiting as f64 / speed > MAX_WAIT_SHARE * left.as_secs_f64()
    }
}
