use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use application::ports::FeedEvent;
use domain::value_objects::{EventId, PredictionId, TenantId, TraceParent};

use crate::columns::{Columns, Unreadable, text};
use crate::json::read_facts;

/// Reads rows of `outbox` that have a position; logs and counts each row that cannot be read once.
#[derive(Debug, Default)]
pub struct FeedReader {
    /// The positions of the rows found unreadable, the last of them only.
    unreadable: Mutex<BTreeSet<i64>>,
}

/// The most unreadable rows that are remembered.
const MOST_UNREADABLE: usize = 10_000;

impl FeedReader {
    /// The events of the rows that can be read, in their order.
    pub fn read(&self, rows: impl Iterator<Item = impl Columns>) -> Vec<FeedEvent> {
        rows.filter_map(|row| read_event(&row).map_err(|error| self.report(&row, error)).ok()).collect()
    }

    fn report(&self, row: &impl Columns, error: Unreadable) {
        let position = row.integer("position").ok().flatten().unwrap_or_default();
        let mut unreadable = self.lock();
        if !unreadable.insert(position) {
            return;
        }
        if unreadable.len() > MOST_UNREADABLE {
            unreadable.pop_first();
        }
        let error = error.corrupt("outbox", position.to_string());
        tracing::error!(position, %error, "a row of the outbox cannot be read; readers of the feed pass it");
        metrics::counter!("undertone_corrupt_rows_total", "table" => "outbox").increment(1);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The event of a row.
fn read_event(row: &impl Columns) -> Result<FeedEvent, Unreadable> {
    let payload = text(row, "payload")?;
    let aggregate_id = row.text("aggregate_id")?;
    let prediction_id = match &aggregate_id {
        Some(_) => None,
        None => Some(PredictionId::from_u128(row.id("prediction_id")?)),
    };
    Ok(FeedEvent {
        position: row.integer("position")?.ok_or(Unreadable("position"))?,
        tenant: TenantId::parse(text(row, "tenant")?).map_err(|_| Unreadable("tenant"))?,
        event_id: EventId::from_u128(row.id("event_id")?),
        event_type: text(row, "event_type")?,
        aggregate_type: text(row, "aggregate_type")?,
        aggregate_id: aggregate_id.or(prediction_id.map(|id| id.to_string())).unwrap_or_default(),
        prediction_id,
        occurred_at: row.time("occurred_at")?,
        traceparent: row.text("traceparent")?.and_then(|header| TraceParent::parse(&header)),
        facts: prediction_id.and_then(|_| read_facts(&payload)),
        payload,
    })
}
