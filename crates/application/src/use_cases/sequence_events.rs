use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::action::{chain, log_action};
use crate::dtos::SequenceEventsResponse;
use crate::errors::ApplicationError;
use crate::ports::{Clock, OutboxRepository, RelayMetrics, SinkRepository, StoreError};
use crate::use_cases::Leadership;

/// Gives committed events their positions in the feed, by one replica at a time, and purges old ones.
pub struct SequenceEventsUseCase {
    leadership: Arc<Leadership>,
    ports: SequencingPorts,
    keep: Duration,
    state: Mutex<State>,
}

/// The ports of [`SequenceEventsUseCase`].
#[derive(Clone)]
pub struct SequencingPorts {
    /// The events without a position.
    pub outbox: Arc<dyn OutboxRepository>,
    /// The sinks, whose progress is recorded.
    pub sinks: Arc<dyn SinkRepository>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Records the lag.
    pub metrics: Arc<dyn RelayMetrics>,
}

/// What one pass leaves for the next: instants of the monotonic clock.
#[derive(Default)]
struct State {
    purged_at: Option<Instant>,
    observed_at: Option<Instant>,
}

/// The most events that one pass gives positions.
const PASS_LIMIT: u32 = 1_000;
/// The pause between purges once there is nothing left to purge.
const PURGE_EVERY: Duration = Duration::from_mins(1);
/// The most events that one pass purges: more than it sequences, so that the outbox shrinks, and few enough for one
/// statement.
const PURGE_LIMIT: u32 = 2_000;
/// How often the lag is recorded.
const OBSERVE_EVERY: Duration = Duration::from_secs(1);

impl SequenceEventsUseCase {
    /// The use case over its ports. Events stay in the outbox for `keep` after they got their position.
    pub fn new(leadership: Arc<Leadership>, ports: SequencingPorts, keep: Duration) -> Self {
        Self { leadership, ports, keep, state: Mutex::default() }
    }

    /// Runs one pass: gives the oldest events positions, and purges some that are old enough. Every replica records the
    /// lag, whether it leads or not.
    ///
    /// # Errors
    /// `Unavailable` from the store.
    pub async fn execute(&self) -> Result<SequenceEventsResponse, ApplicationError> {
        log_action("SequenceEventsUseCase.execute", async {
            self.record_lag().await;
            let follows = SequenceEventsResponse { leads: false, sequenced: 0, more: false };
            let Some(lease) = self.leadership.lease().await? else { return Ok(follows) };
            let sequenced = match self.ports.outbox.sequence(&lease, PASS_LIMIT).await {
                Ok(sequenced) => sequenced,
                Err(StoreError::Conflict { .. }) => {
                    self.leadership.lost(&lease);
                    return Ok(follows);
                }
                Err(error) => return Err(error.into()),
            };
            let more = sequenced == PASS_LIMIT;
            if !more {
                self.purge().await?;
            }
            Ok(SequenceEventsResponse { leads: true, sequenced, more })
        })
        .await
    }

    /// Records the age of the oldest event without a position and how far the sinks are, at most once a second. A
    /// failure is logged: it must not delay the sequencing, whose own failure is reported.
    async fn record_lag(&self) {
        let now = self.ports.clock.monotonic();
        if !is_due(self.state().observed_at, now, OBSERVE_EVERY) {
            return;
        }
        self.state().observed_at = Some(now);
        match self.ports.outbox.oldest_unsequenced_age().await {
            Ok(age) => self.ports.metrics.record_oldest_unsequenced(age.unwrap_or_default()),
            Err(error) => tracing::debug!(error = chain(&error), "the age of the oldest event was not read"),
        }
        match self.ports.sinks.list().await {
            Ok(sinks) => sinks.iter().for_each(|sink| self.ports.metrics.record_sink(sink)),
            Err(error) => tracing::debug!(error = chain(&error), "the progress of the sinks was not read"),
        }
    }

    /// Purges some of the events that are old enough: on every pass while there are more, else once a minute.
    async fn purge(&self) -> Result<(), ApplicationError> {
        let now = self.ports.clock.monotonic();
        if is_due(self.state().purged_at, now, PURGE_EVERY.min(self.keep)) {
            let purged = self.ports.outbox.purge(self.keep, PURGE_LIMIT).await?;
            if purged < PURGE_LIMIT.into() {
                self.state().purged_at = Some(now);
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_due(last: Option<Instant>, now: Instant, every: Duration) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= every)
}
