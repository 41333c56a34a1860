mod admitted_values;
mod pace;
mod tally;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::events::{PREDICTION, PREDICTION_DELETED, SENTIMENT_PREDICTED};
use domain::value_objects::{Bucket, Dimensions, PredictionFacts, TenantId};

use self::admitted_values::AdmittedValues;
use self::pace::Pace;
use self::tally::Tally;
use crate::action::log_action;
use crate::dtos::SinkPass;
use crate::errors::ApplicationError;
use crate::ports::{
    ANALYTICS_SINK, Clock, EventFeedRepository, FeedEvent, HistorySnapshot, Lease, OutdatedRange,
    PendingEvent, ProjectionStep, Recount, RollupRepository, SinkRepository, StoreError,
};
use crate::use_cases::Leadership;
use crate::use_cases::sink_cursor::SinkCursor;

/// Counts the events of the feed in the rollups: exactly once each, by one replica at a time. What events alone cannot
/// count is counted again from the predictions, a part at a time.
pub struct ProjectAnalyticsUseCase {
    ports: ProjectionPorts,
    dimensions: Dimensions,
    cursor: SinkCursor,
    /// Taken out for a pass and put back after it, unless it failed: then a step may have been applied or not.
    values: Mutex<AdmittedValues>,
    pace: Mutex<Pace>,
}

/// What the projector needs.
#[derive(Clone)]
pub struct ProjectionPorts {
    /// The lease of the replica that moves the sinks.
    pub leadership: Arc<Leadership>,
    /// The events.
    pub feed: Arc<dyn EventFeedRepository>,
    /// The cursor.
    pub sinks: Arc<dyn SinkRepository>,
    /// The rollups.
    pub rollups: Arc<dyn RollupRepository>,
    /// The time, by which a bucket is over.
    pub clock: Arc<dyn Clock>,
}

/// The most positions of the feed that one pass counts.
const PASS_LIMIT: i64 = 1_000;
/// The rows of one page of a history.
const HISTORY_PAGE: u32 = 2_000;
/// The most outdated ranges of which a pass chooses one.
const RANGES: u32 = 1_000;

impl ProjectAnalyticsUseCase {
    /// The use case over its ports. Predictions are counted by `dimensions` too.
    pub fn new(ports: ProjectionPorts, dimensions: Dimensions) -> Self {
        let cursor = SinkCursor::of(ANALYTICS_SINK);
        Self { ports, dimensions, cursor, values: Mutex::default(), pace: Mutex::default() }
    }

    /// Counts the next events. Where the feed is read to its end, it counts a part of an outdated range again. Where
    /// events were purged before it counted them, and when it runs for the first time, it marks all histories outdated
    /// and goes on at the end of the feed.
    ///
    /// # Errors
    /// `Unavailable` from the store.
    pub async fn execute(&self) -> Result<SinkPass, ApplicationError> {
        log_action("ProjectAnalyticsUseCase.execute", async {
            let Some(lease) = self.ports.leadership.lease().await? else {
                self.cursor.forget();
                return Ok(SinkPass::FOLLOWER);
            };
            let mut values = std::mem::take(&mut *lock(&self.values));
            values.begin(&lease);
            match self.pass(&lease, &mut values).await {
                Err(ApplicationError::Conflict { .. }) => {
                    // Another replica leads now, or a step was applied whose outcome was unknown.
                    self.cursor.forget();
                    self.ports.leadership.lost(&lease);
                    Ok(SinkPass::FOLLOWER)
                }
                Err(error) => {
                    self.cursor.forget();
                    Err(error)
                }
                Ok(passed) => {
                    // Where the lease was lost within the pass, values were admitted that were not stored.
                    if passed.leads {
                        *lock(&self.values) = values;
                    }
                    Ok(passed)
                }
            }
        })
        .await
    }

    async fn pass(&self, lease: &Lease, values: &mut AdmittedValues) -> Result<SinkPass, ApplicationError> {
        let position = self.cursor.position(self.ports.sinks.as_ref(), lease).await?;
        let bounds = self.ports.feed.bounds().await?;
        if position < bounds.purged {
            return self.restart(lease, position).await;
        }
        let up_to = bounds.last.min(position + PASS_LIMIT);
        if up_to > position {
            let events = self.ports.feed.read(None, position, up_to).await?;
            // Events that are missing were purged meanwhile, or cannot be read.
            let is_missing = (events.len() as u64) < up_to.abs_diff(position);
            if is_missing && position < self.ports.feed.bounds().await?.purged {
                return self.restart(lease, position).await;
            }
            self.project(lease, values, [position, up_to], &events).await?;
        }
        let pass = SinkPass {
            leads: true,
            passed: up_to.abs_diff(position),
            more: up_to < bounds.last,
            failed: false,
        };
        if pass.more {
            return Ok(pass);
        }
        match self.recount(lease, values, up_to).await? {
            Recounted::Nothing => Ok(pass),
            Recounted::Part => Ok(SinkPass { more: true, ..pass }),
            Recounted::LeaseLost => Ok(SinkPass { leads: false, ..pass }),
        }
    }

    /// Marks every history outdated, since events between `position` and the end of the feed are not counted.
    async fn restart(&self, lease: &Lease, position: i64) -> Result<SinkPass, ApplicationError> {
        let end = self.ports.rollups.restart(lease, position).await?;
        self.cursor.moved(lease, end);
        if position < 0 {
            tracing::info!(end, "analytics begin; the stored predictions are being counted");
        } else {
            tracing::warn!(position, end, "events were purged uncounted; every history is counted again");
        }
        Ok(SinkPass { leads: true, passed: end.abs_diff(position.max(0)), more: true, failed: false })
    }

    /// Counts `events`, all that have a position above `from` up to `to`.
    async fn project(
        &self,
        lease: &Lease,
        values: &mut AdmittedValues,
        [from, to]: [i64; 2],
        events: &[FeedEvent],
    ) -> Result<(), ApplicationError> {
        let counted = |event: &&FeedEvent| event.aggregate_type == PREDICTION;
        let facts =
            events.iter().filter(counted).filter_map(|event| Some((&event.tenant, event.facts.as_ref()?)));
        self.load_values(values, facts).await?;
        let mut tally = Tally::new(&self.dimensions, values);
        let mut outdated = BTreeSet::new();
        for event in events.iter().filter(counted) {
            if let Some(bucket) = count(&mut tally, event) {
                outdated.insert((event.tenant.clone(), bucket));
            }
        }
        let (changes, admitted) = tally.finish();
        let outdated = outdated.into_iter().map(|(tenant, bucket)| OutdatedRange {
            tenant,
            first: bucket,
            last: bucket,
        });
        let step = ProjectionStep { from, to, changes, admitted, outdated: outdated.collect() };
        self.ports.rollups.apply(lease, &step).await?;
        self.cursor.moved(lease, to);
        Ok(())
    }

    /// Reads the admitted values of the days of `facts`, where they are not known yet.
    async fn load_values(
        &self,
        values: &mut AdmittedValues,
        facts: impl Iterator<Item = (&TenantId, &PredictionFacts)> + Send,
    ) -> Result<(), StoreError> {
        if self.dimensions.is_empty() {
            return Ok(());
        }
        let days = facts.map(|(tenant, facts)| (tenant.clone(), Bucket::containing(facts.created_at).day()));
        let missing = values.missing(days.collect());
        if !missing.is_empty() {
            let admitted = self.ports.rollups.admitted(&missing).await?;
            values.load(missing, admitted);
        }
        Ok(())
    }

    /// Counts a part of an outdated range again, while the cursor is at `at`.
    async fn recount(
        &self,
        lease: &Lease,
        values: &mut AdmittedValues,
        at: i64,
    ) -> Result<Recounted, ApplicationError> {
        let started = self.ports.clock.monotonic();
        if !lock(&self.pace).is_due(started) {
            return Ok(Recounted::Nothing);
        }
        let ranges = self.ports.rollups.outdated(RANGES).await?;
        let now = self.ports.clock.now();
        let Some(range) = lock(&self.pace).choose(ranges, now, started) else {
            return Ok(Recounted::Nothing);
        };
        let last = self.ports.rollups.last_prediction(&range).await?;
        let part = lock(&self.pace).part(range, last);
        let replaced = self.recount_part(lease, values, at, &part).await;
        let took = self.ports.clock.monotonic().saturating_duration_since(started);
        let mut pace = lock(&self.pace);
        match replaced {
            Ok(Some(rollups)) => {
                pace.counted(started, took, rollups);
                if part.last >= Bucket::containing(now) {
                    pace.counted_open(part.tenant.clone(), started);
                }
                tracing::debug!(
                    tenant = %part.tenant, rollups, duration_ms = took.as_millis(), "a part of a history was counted again"
                );
                Ok(Recounted::Part)
            }
            Ok(None) => Ok(Recounted::LeaseLost),
            Err(error) => {
                pace.failed();
                Err(error)
            }
        }
    }

    /// Counts `part` and replaces its rollups; returns how many it has now, or none where the lease was lost.
    async fn recount_part(
        &self,
        lease: &Lease,
        values: &mut AdmittedValues,
        at: i64,
        part: &OutdatedRange,
    ) -> Result<Option<usize>, ApplicationError> {
        let mut history = self.ports.rollups.history(part, at, &self.dimensions).await?;
        let mut tally = Tally::new(&self.dimensions, values);
        if !self.count_history(lease, history.as_mut(), &part.tenant, &mut tally).await? {
            return Ok(None);
        }
        drop(history);
        let (rollups, admitted) = tally.finish();
        if !self.still_leads(lease).await? {
            return Ok(None);
        }
        let counted = rollups.len();
        let recount = Recount { at, range: part.clone(), rollups, admitted };
        self.ports.rollups.replace(lease, &recount).await?;
        Ok(Some(counted))
    }

    /// Counts what the cursor has passed: the predictions that exist, those whose deletion it has not passed, and not
    /// those whose creation it has not passed. Returns whether the lease is still held.
    async fn count_history(
        &self,
        lease: &Lease,
        history: &mut dyn HistorySnapshot,
        tenant: &TenantId,
        tally: &mut Tally<'_>,
    ) -> Result<bool, ApplicationError> {
        while let Some(predictions) = history.next_predictions(HISTORY_PAGE).await? {
            self.load_values(tally.values(), predictions.iter().map(|facts| (tenant, facts))).await?;
            for facts in &predictions {
                tally.add(tenant, facts);
            }
            if !self.still_leads(lease).await? {
                return Ok(false);
            }
        }
        while let Some(events) = history.next_pending(HISTORY_PAGE).await? {
            self.load_values(tally.values(), events.iter().map(|event| (tenant, event.facts()))).await?;
            for event in &events {
                match event {
                    PendingEvent::Predicted(facts) => tally.subtract(tenant, facts),
                    PendingEvent::Deleted(facts) => tally.add(tenant, facts),
                };
            }
            if !self.still_leads(lease).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn still_leads(&self, lease: &Lease) -> Result<bool, ApplicationError> {
        Ok(self.ports.leadership.lease().await?.as_ref() == Some(lease))
    }
}

/// What a pass counted again.
enum Recounted {
    Nothing,
    Part,
    LeaseLost,
}

/// Counts `event`; returns the bucket that it leaves outdated, if it does.
fn count(tally: &mut Tally<'_>, event: &FeedEvent) -> Option<Bucket> {
    let complete = match (&*event.event_type, &event.facts) {
        (SENTIMENT_PREDICTED, Some(facts)) => tally.add(&event.tenant, facts),
        (PREDICTION_DELETED, Some(facts)) => tally.subtract(&event.tenant, facts),
        // Of an older release: a prediction is made when its event occurs.
        (SENTIMENT_PREDICTED, None) => return Some(Bucket::containing(event.occurred_at)),
        // Of an older release, or of a row that could not be read: the id has the time of the prediction.
        (PREDICTION_DELETED, None) => return Some(Bucket::containing(event.prediction_id?.made_at())),
        _ => return None,
    };
    let created_at = event.facts.as_ref()?.created_at;
    (!complete).then(|| Bucket::containing(created_at))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
