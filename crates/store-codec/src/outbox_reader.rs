use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::ports::OutboxEvent;
use domain::value_objects::{EventId, PredictionId, TenantId};

use crate::columns::{Columns, Unreadable, text};

/// The events of some rows of `outbox`.
#[derive(Debug)]
pub struct OutboxPage {
    /// The events that can be read, in the order of their rows.
    pub events: Vec<OutboxEvent>,
    /// The age of the first; none where there is none.
    pub oldest_age: Option<Duration>,
}

/// Reads rows of `outbox`; logs and counts each row that cannot be read once, and remembers its number.
#[derive(Debug, Default)]
pub struct OutboxReader {
    unreadable: Mutex<BTreeSet<i64>>,
}

impl OutboxReader {
    /// The `seq` of every row found unreadable, which the next query leaves out.
    pub fn unreadable(&self) -> Vec<i64> {
        self.lock().iter().copied().collect()
    }

    /// The events of `rows`; none where there are rows but none of them can be read, so that those behind them must be
    /// read.
    pub fn read(&self, rows: impl ExactSizeIterator<Item = impl Columns>) -> Option<OutboxPage> {
        let end = rows.len() == 0;
        let (ages, events): (Vec<_>, Vec<_>) = rows.filter_map(|row| self.read_row(&row)).unzip();
        (end || !events.is_empty()).then(|| OutboxPage { events, oldest_age: ages.first().copied() })
    }

    fn read_row(&self, row: &impl Columns) -> Option<(Duration, OutboxEvent)> {
        match read_event(row) {
            Ok(event) => Some(event),
            Err(error) => {
                let seq = row.integer("seq").ok().flatten().unwrap_or_default();
                let error = error.corrupt("outbox", seq.to_string());
                tracing::error!(seq, %error, "a row of the outbox cannot be read; its event stays unpublished");
                metrics::counter!("undertone_corrupt_rows_total", "table" => "outbox").increment(1);
                self.lock().insert(seq);
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The event of a row and its age at the row's `now`.
fn read_event(row: &impl Columns) -> Result<(Duration, OutboxEvent), Unreadable> {
    let event = OutboxEvent {
        tenant: TenantId::parse(text(row, "tenant")?).map_err(|_| Unreadable("tenant"))?,
        event_id: EventId::from_u128(row.id("event_id")?),
        event_type: text(row, "event_type")?,
        prediction_id: PredictionId::from_u128(row.id("prediction_id")?),
        occurred_at: row.time("occurred_at")?,
        payload: text(row, "payload")?,
    };
    Ok((row.time("now")?.since(event.occurred_at), event))
}
