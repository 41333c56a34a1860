use std::collections::VecDeque;
use std::mem::size_of;
use std::sync::Arc;

use application::ports::FeedEvent;
use domain::value_objects::TenantId;

/// Every event of a range of positions, the most recent ones.
pub(super) struct Ring {
    events: VecDeque<Arc<FeedEvent>>,
    bytes: usize,
    /// The ring has the events above this position.
    start: i64,
    /// The ring has the events up to this position.
    end: i64,
}

impl Ring {
    /// A ring without events that begins after `position`.
    pub(super) fn at(position: i64) -> Self {
        Self { events: VecDeque::new(), bytes: 0, start: position, end: position }
    }

    /// The position above which the ring has the events.
    pub(super) fn start(&self) -> i64 {
        self.start
    }

    /// The position up to which the ring has the events.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// Adds all `events` from the end of the ring up to the position `end`, and drops the oldest beyond the limits.
    pub(super) fn extend(&mut self, events: Vec<FeedEvent>, end: i64, most: usize, most_bytes: usize) {
        for event in events {
            self.bytes += estimate(&event);
            self.events.push_back(Arc::new(event));
        }
        self.end = end;
        while self.events.len() > most || self.bytes > most_bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= estimate(&oldest);
            self.start = oldest.position;
        }
    }

    /// Returns the first events of `tenant` above the position `after`, at most `most`, and the position up to which
    /// they are all. `after` must be within the ring.
    pub(super) fn after(&self, after: i64, tenant: &TenantId, most: usize) -> (Vec<Arc<FeedEvent>>, i64) {
        let mut found = Vec::new();
        let first = self.events.partition_point(|event| event.position <= after);
        for event in self.events.range(first..).filter(|event| event.tenant == *tenant) {
            found.push(Arc::clone(event));
            if found.len() == most {
                return (found, event.position);
            }
        }
        (found, self.end.max(after))
    }
}

/// About how many bytes the event takes.
fn estimate(event: &FeedEvent) -> usize {
    /// For the facts, which repeat much of the payload.
    const PAYLOADS: usize = 2;
    let texts = event.tenant.as_str().len() + event.event_type.len() + event.aggregate_id.len();
    size_of::<FeedEvent>() + texts + PAYLOADS * event.payload.len()
}
