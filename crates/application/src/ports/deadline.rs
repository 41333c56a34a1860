use std::time::{Duration, Instant};

/// When work must have ended or be given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deadline {
    /// Never.
    #[default]
    Never,
    /// At this instant.
    At(Instant),
    /// So long after the text has entered the model's queue: the backlog before the queue slows a stream down to the
    /// throughput of the model, which is no reason to fail its lines.
    AfterQueueing(Duration),
}

impl Deadline {
    /// Returns the instant, where it is known before the work begins.
    pub fn instant(self) -> Option<Instant> {
        match self {
            Self::At(instant) => Some(instant),
            Self::Never | Self::AfterQueueing(_) => None,
        }
    }

    /// Returns whether the instant has passed.
    pub fn has_passed(self) -> bool {
        self.instant().is_some_and(|instant| instant <= Instant::now())
    }

    /// Returns how long the work may still take.
    pub fn remaining(self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::At(instant) => Some(instant.saturating_duration_since(Instant::now())),
            Self::AfterQueueing(longest) => Some(longest),
        }
    }
}
