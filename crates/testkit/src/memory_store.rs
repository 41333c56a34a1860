//! An in-memory store that fulfills the contract of the real ones, and fails on request.

mod access;
mod analytics;
mod audit;
mod claims;
mod leases;
mod outbox;
mod predictions;
mod rollups;
mod trends;
mod usage;
mod writes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use application::dtos::PredictionRecord;
use application::ports::{AuditSealer, Clock, FeedBounds, FeedEvent, StoreError};
use domain::value_objects::{AuditLine, PredictionId, TenantId, Timestamp};

use crate::FixedClock;

use access::Access;
use claims::Claims;
use rollups::Rollups;
use usage::TextCounts;

/// Every port of a store over maps behind one lock. Clones share their rows.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    clock: StoreClock,
    sealer: Option<Arc<dyn AuditSealer>>,
}

/// The store's own clock.
#[derive(Debug, Clone)]
enum StoreClock {
    /// Runs, from the start of [`FixedClock`] on.
    Running(Instant),
    /// Advances on request.
    Fixed(Arc<FixedClock>),
}

impl Default for StoreClock {
    fn default() -> Self {
        Self::Running(Instant::now())
    }
}

impl StoreClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::Running(started) => FixedClock::default().now().plus(started.elapsed()),
            Self::Fixed(clock) => clock.now(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    rows: HashMap<TenantId, BTreeMap<PredictionId, Row>>,
    outbox: Vec<Outgoing>,
    feed: FeedBounds,
    sinks: Sinks,
    rollups: Rollups,
    leases: HashMap<String, HeldLease>,
    access: Access,
    claims: Claims,
    texts: TextCounts,
    audit: Vec<AuditLine>,
    failure: Option<&'static str>,
    commits: usize,
    reads: usize,
}

#[derive(Debug)]
struct Row {
    record: PredictionRecord,
    terms: BTreeSet<String>,
    unreadable: bool,
}

#[derive(Debug)]
struct Outgoing {
    /// Its position is 0 until it is sequenced.
    event: FeedEvent,
    sequenced_at: Option<Timestamp>,
}

/// The sinks by name.
#[derive(Debug)]
struct Sinks(BTreeMap<String, Sink>);

#[derive(Debug)]
struct Sink {
    position: i64,
    fence: i64,
    lost: u64,
}

impl Default for Sinks {
    /// Those of a new database.
    fn default() -> Self {
        let sink = |name: &str, position| (name.to_owned(), Sink { position, fence: 0, lost: 0 });
        Self(BTreeMap::from([sink("analytics", -1), sink("log", 0)]))
    }
}

#[derive(Debug)]
struct HeldLease {
    holder: Option<String>,
    fence: i64,
    expires_at: Timestamp,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store whose own clock is `clock`.
    pub fn with_clock(clock: Arc<FixedClock>) -> Self {
        Self { clock: StoreClock::Fixed(clock), ..Self::default() }
    }

    /// An empty store that seals the lines of its audit with `sealer`.
    pub fn with_sealer(sealer: Arc<dyn AuditSealer>) -> Self {
        Self { sealer: Some(sealer), ..Self::default() }
    }

    /// Makes every later call fail with `Unavailable` because of `reason`.
    pub fn fail_with(&self, reason: &'static str) {
        self.lock().failure = Some(reason);
    }

    /// Makes the store work again, with its rows.
    pub fn recover(&self) {
        self.lock().failure = None;
    }

    /// Makes reading the row `id` fail with `Corrupt`, if it exists.
    pub fn corrupt(&self, tenant: &TenantId, id: PredictionId) {
        if let Some(row) = self.lock().rows.get_mut(tenant).and_then(|rows| rows.get_mut(&id)) {
            row.unreadable = true;
        }
    }

    /// Makes every count of texts and every idempotency key `days` days older.
    pub fn age_rows(&self, days: u32) {
        let mut state = self.lock();
        state.texts.age(days);
        state.claims.age(Duration::from_hours(24) * days);
    }

    /// The tenant's predictions, newest first.
    pub fn stored(&self, tenant: &TenantId) -> Vec<PredictionRecord> {
        let state = self.lock();
        let rows = state.rows.get(tenant).into_iter().flatten();
        rows.rev().map(|(_, row)| row.record.clone()).collect()
    }

    /// Every event that was not purged, in the order of the commits, and when it got its position.
    pub fn events(&self) -> Vec<(FeedEvent, Option<Timestamp>)> {
        self.lock().outbox.iter().map(|outgoing| (outgoing.event.clone(), outgoing.sequenced_at)).collect()
    }

    /// Every line of the audit, oldest first.
    pub fn audit_lines(&self) -> Vec<AuditLine> {
        self.lock().audit.clone()
    }

    /// The number of committed units of work.
    pub fn commits(&self) -> usize {
        self.lock().commits
    }

    /// The number of rows and pages that were read.
    pub fn reads(&self) -> usize {
        self.lock().reads
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, if the store works.
    fn working(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.lock();
        match state.failure {
            Some(reason) => Err(StoreError::unavailable(reason)),
            None => Ok(state),
        }
    }
}
