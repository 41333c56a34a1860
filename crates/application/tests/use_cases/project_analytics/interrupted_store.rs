use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use application::ports::{
    AdmittedValue, EventFeedRepository, FeedBounds, FeedEvent, HistorySnapshot, Lease, OutdatedRange,
    PendingEvent, ProjectionStep, Recount, RollupRepository, SinkProgress, SinkRepository, SinkStep,
    StoreError,
};
use async_trait::async_trait;
use domain::value_objects::{Bucket, Dimensions, PredictionFacts, TenantId};
use testkit::MemoryStore;

use super::scene::{Act, Shared};

/// What happens during a pass.
#[derive(Debug, Clone, Default)]
pub(super) struct Interruptions {
    /// After how many calls the process dies: before the next one, or once that has taken effect.
    pub(super) kill: Option<(usize, bool)>,
    /// What others do, each before the call of that number.
    pub(super) beside: Vec<(usize, Act)>,
}

/// The ports of one process over a store that others use too.
#[derive(Clone)]
pub(super) struct InterruptedStore {
    store: MemoryStore,
    shared: Arc<Shared>,
    state: Arc<Mutex<Running>>,
}

#[derive(Default)]
struct Running {
    calls: usize,
    kill: Option<(usize, bool)>,
    beside: VecDeque<(usize, Act)>,
}

impl InterruptedStore {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { store: shared.store.clone(), shared, state: Arc::default() }
    }

    /// Begins a pass with these interruptions.
    pub(super) fn interrupt(&self, Interruptions { kill, mut beside }: Interruptions) {
        beside.sort_by_key(|(call, _)| *call);
        *self.state.lock().unwrap() = Running { calls: 0, kill, beside: beside.into() };
    }

    /// Does what others do before this call, then makes it, unless the process dies.
    async fn call<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let number = {
            let mut state = self.state.lock().unwrap();
            state.calls += 1;
            state.calls
        };
        loop {
            let act = {
                let mut state = self.state.lock().unwrap();
                let is_due = state.beside.front().is_some_and(|(due, _)| *due <= number);
                if is_due { state.beside.pop_front() } else { None }
            };
            let Some((_, act)) = act else { break };
            self.shared.write(&act).await;
        }
        let dead = || StoreError::unavailable("the process is dead");
        let kill = self.state.lock().unwrap().kill;
        match kill {
            Some((after, true)) if number == after + 1 => {
                call.await?;
                Err(dead())
            }
            Some((after, _)) if number > after => Err(dead()),
            _ => call.await,
        }
    }
}

#[async_trait]
impl EventFeedRepository for InterruptedStore {
    async fn read(
        &self,
        tenant: Option<&TenantId>,
        after: i64,
        up_to: i64,
    ) -> Result<Vec<FeedEvent>, StoreError> {
        self.call(self.store.read(tenant, after, up_to)).await
    }

    async fn bounds(&self) -> Result<FeedBounds, StoreError> {
        self.call(self.store.bounds()).await
    }
}

#[async_trait]
impl SinkRepository for InterruptedStore {
    async fn open(&self, lease: &Lease, name: &str) -> Result<i64, StoreError> {
        self.call(self.store.open(lease, name)).await
    }

    async fn advance(&self, lease: &Lease, name: &str, step: SinkStep) -> Result<(), StoreError> {
        self.call(self.store.advance(lease, name, step)).await
    }

    async fn list(&self) -> Result<Vec<SinkProgress>, StoreError> {
        self.call(self.store.list()).await
    }
}

#[async_trait]
impl RollupRepository for InterruptedStore {
    async fn admitted(&self, days: &[(TenantId, i64)]) -> Result<Vec<AdmittedValue>, StoreError> {
        self.call(self.store.admitted(days)).await
    }

    async fn apply(&self, lease: &Lease, step: &ProjectionStep) -> Result<(), StoreError> {
        self.call(self.store.apply(lease, step)).await
    }

    async fn replace(&self, lease: &Lease, recount: &Recount) -> Result<(), StoreError> {
        self.call(self.store.replace(lease, recount)).await
    }

    async fn outdated(&self, limit: u32) -> Result<Vec<OutdatedRange>, StoreError> {
        self.call(self.store.outdated(limit)).await
    }

    async fn mark_outdated(&self, tenant: Option<&TenantId>) -> Result<u64, StoreError> {
        self.call(self.store.mark_outdated(tenant)).await
    }

    async fn restart(&self, lease: &Lease, from: i64) -> Result<i64, StoreError> {
        self.call(self.store.restart(lease, from)).await
    }

    async fn last_prediction(&self, range: &OutdatedRange) -> Result<Option<Bucket>, StoreError> {
        self.call(self.store.last_prediction(range)).await
    }

    async fn history(
        &self,
        range: &OutdatedRange,
        after: i64,
        dimensions: &Dimensions,
    ) -> Result<Box<dyn HistorySnapshot>, StoreError> {
        let inner = self.call(self.store.history(range, after, dimensions)).await?;
        Ok(Box::new(InterruptedHistory { inner, store: self.clone() }))
    }
}

struct InterruptedHistory {
    inner: Box<dyn HistorySnapshot>,
    store: InterruptedStore,
}

#[async_trait]
impl HistorySnapshot for InterruptedHistory {
    async fn next_predictions(&mut self, limit: u32) -> Result<Option<Vec<PredictionFacts>>, StoreError> {
        self.store.call(self.inner.next_predictions(limit.min(7))).await
    }

    async fn next_pending(&mut self, limit: u32) -> Result<Option<Vec<PendingEvent>>, StoreError> {
        self.store.call(self.inner.next_pending(limit.min(3))).await
    }
}
