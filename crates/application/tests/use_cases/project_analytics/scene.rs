use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::dtos::SinkPass;
use application::ports::{
    Clock, LeaseRepository, OutboxRepository, RollupRepository, UnitOfWork, WriteStore,
};
use application::use_cases::{Leadership, ProjectAnalyticsUseCase, ProjectionPorts};
use domain::entities::{NewPrediction, Prediction};
use domain::value_objects::{
    Confidence, Dimensions, EventId, InputText, LabelScore, Metadata, MetadataValue, ModelRef,
    PredictionFacts, PredictionId, PredictionResult, Sentiment, SentimentScores, TenantId, TextLimits,
    Timestamp, Usage,
};
use proptest::prelude::*;
use testkit::{FixedClock, MemoryStore};

use super::interrupted_store::{InterruptedStore, Interruptions};

/// What can happen.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// One write set inserts a prediction for each of `values`, made `minutes` from now.
    Insert { tenant: usize, minutes: i64, values: Range<u32>, facts: bool },
    /// A prediction is deleted.
    Delete { nth: usize, facts: bool },
    /// Events get their positions.
    Sequence(u32),
    /// Seconds pass.
    Wait(u64),
    /// All events that have a position are purged.
    Purge,
    /// Histories are marked.
    Rebuild { tenant: Option<usize> },
    /// A replica makes a pass; it starts anew where it died.
    Pass { replica: usize, interruptions: Interruptions },
}

/// A store and two replicas.
pub(super) struct Scene {
    pub(super) store: MemoryStore,
    pub(super) clock: Arc<FixedClock>,
    shared: Arc<Shared>,
    replicas: Mutex<[Replica; 2]>,
}

#[derive(Clone)]
struct Replica {
    store: InterruptedStore,
    use_case: Arc<ProjectAnalyticsUseCase>,
}

/// What writes need.
pub(super) struct Shared {
    pub(super) store: MemoryStore,
    clock: Arc<FixedClock>,
    ids: Mutex<u128>,
    live: Mutex<Vec<(TenantId, PredictionId, PredictionFacts)>>,
}

pub(super) fn dimensions() -> Dimensions {
    Dimensions::try_new(vec!["channel".to_owned(), "product".to_owned()]).unwrap()
}

pub(super) fn tenants() -> [TenantId; 2] {
    [TenantId::default(), TenantId::parse("other").unwrap()]
}

impl Scene {
    pub(super) fn new() -> Self {
        let clock = Arc::new(FixedClock::default());
        let store = MemoryStore::with_clock(clock.clone());
        let shared = Arc::new(Shared {
            store: store.clone(),
            clock: clock.clone(),
            ids: Mutex::default(),
            live: Mutex::default(),
        });
        let replicas = Mutex::new([0, 1].map(|number| replica(&shared, number)));
        Self { store, clock, shared, replicas }
    }

    /// Replaces the process of a replica, and waits until the lease of the old one has ended.
    pub(super) fn restart(&self, number: usize) {
        self.clock.advance(Duration::from_secs(11));
        self.replicas.lock().unwrap()[number] = replica(&self.shared, number);
    }

    pub(super) async fn pass(&self, number: usize) -> SinkPass {
        let Replica { store, use_case } = self.replicas.lock().unwrap()[number].clone();
        store.interrupt(Interruptions::default());
        use_case.execute().await.expect("a pass")
    }

    pub(super) async fn purge(&self) {
        OutboxRepository::purge(&self.store, Duration::ZERO, 10_000).await.unwrap();
    }

    pub(super) async fn perform(&self, act: &Act) {
        let Act::Pass { replica, interruptions } = act else { return self.shared.write(act).await };
        let Replica { store, use_case } = self.replicas.lock().unwrap()[*replica].clone();
        store.interrupt(interruptions.clone());
        let passed = use_case.execute().await;
        if passed.is_err() {
            assert!(interruptions.kill.is_some(), "{passed:?}");
            self.restart(*replica);
        }
    }

    /// Counts everything.
    pub(super) async fn settle(&self) {
        loop {
            self.shared.write(&Act::Sequence(10_000)).await;
            let passes = [self.pass(0).await, self.pass(1).await];
            let is_done = passes.iter().any(|pass| pass.leads) && passes.iter().all(|pass| !pass.more);
            if is_done && self.store.outdated(1).await.unwrap().is_empty() {
                return;
            }
            if passes.iter().all(|pass| !pass.more) {
                // A bucket that is not over waits, or a dead replica's lease does.
                self.clock.advance(Duration::from_secs(31));
            }
        }
    }
}

fn replica(shared: &Arc<Shared>, number: usize) -> Replica {
    let store = InterruptedStore::new(Arc::clone(shared));
    let leases = Arc::new(shared.store.clone());
    let id = { *shared.ids.lock().unwrap() };
    let holder = format!("replica {number} after {id}");
    let leadership = Arc::new(Leadership::new(leases, shared.clock.clone(), holder));
    let ports = ProjectionPorts {
        leadership,
        feed: Arc::new(store.clone()),
        sinks: Arc::new(store.clone()),
        rollups: Arc::new(store.clone()),
        clock: shared.clock.clone(),
    };
    Replica { store, use_case: Arc::new(ProjectAnalyticsUseCase::new(ports, dimensions())) }
}

impl Shared {
    /// Does what other processes do.
    pub(super) async fn write(&self, act: &Act) {
        match act {
            Act::Insert { tenant, minutes, values, facts } => {
                self.insert(&tenants()[*tenant], *minutes, values.clone(), *facts).await;
            }
            Act::Delete { nth, facts } => self.delete(*nth, *facts).await,
            Act::Sequence(limit) => {
                let lease = self.store.acquire("sequencing", "the scene", Duration::from_hours(9)).await;
                self.store.sequence(&lease.unwrap().unwrap(), *limit).await.unwrap();
            }
            Act::Wait(seconds) => self.clock.advance(Duration::from_secs(*seconds)),
            Act::Purge => {
                OutboxRepository::purge(&self.store, Duration::ZERO, 10_000).await.unwrap();
            }
            Act::Rebuild { tenant } => {
                let tenant = tenant.map(|tenant| tenants()[tenant].clone());
                self.store.mark_outdated(tenant.as_ref()).await.unwrap();
            }
            Act::Pass { .. } => {}
        }
    }

    async fn insert(&self, tenant: &TenantId, minutes: i64, values: Range<u32>, facts: bool) {
        let now = Timestamp::from_micros(self.clock.now().as_micros() + minutes * 60_000_000);
        let mut work = UnitOfWork::of(tenant);
        let mut made = Vec::new();
        for value in values {
            let prediction = self.prediction(now, value);
            work.insert(&prediction);
            work.append(prediction.events());
            made.push(prediction);
        }
        self.store.commit(work).await.unwrap();
        for prediction in made {
            if !facts {
                self.store.drop_facts(tenant, prediction.id());
            }
            let facts = prediction.events()[0].facts().cloned().unwrap();
            self.live.lock().unwrap().push((tenant.clone(), prediction.id(), facts));
        }
    }

    async fn delete(&self, nth: usize, has_facts: bool) {
        let (tenant, id, facts) = {
            let mut live = self.live.lock().unwrap();
            if live.is_empty() {
                return;
            }
            let nth = nth % live.len();
            live.remove(nth)
        };
        let event_id = EventId::from_u128(self.id(self.clock.now()));
        let event = Prediction::deleted(id, has_facts.then_some(facts), event_id, self.clock.now());
        let mut work = UnitOfWork::of(&tenant);
        work.delete(id);
        work.append(std::slice::from_ref(&event));
        self.store.commit(work).await.unwrap();
    }

    fn prediction(&self, now: Timestamp, value: u32) -> Prediction {
        let text = |text: String| MetadataValue::Text(text);
        let mut entries = vec![("channel".to_owned(), text(format!("c{value}")))];
        if !value.is_multiple_of(3) {
            entries.push(("product".to_owned(), text(format!("p{}", value % 3))));
        }
        let labels = vec![LabelScore { label: "a".into(), score: 1.0, logit: None }];
        let sentiment = [None, Some(Sentiment::Positive), Some(Sentiment::Mixed)][(value % 3) as usize];
        let confidence = Confidence::try_new("confidence", (value % 101) as f32 / 100.0).unwrap();
        let result = PredictionResult::restore(
            sentiment,
            sentiment.map(|_| confidence),
            SentimentScores::default(),
            labels,
        );
        let new = NewPrediction {
            id: PredictionId::from_u128(self.id(now)),
            event_id: EventId::from_u128(self.id(now)),
            text: InputText::parse("a text", TextLimits::default()).unwrap(),
            reference: None,
            metadata: Metadata::try_new(entries.into_iter().collect()).unwrap(),
            result,
            model: ModelRef::new("m", if value.is_multiple_of(7) { "r2" } else { "r1" }),
            usage: Usage { tokens: value, windows: 1, truncated: value.is_multiple_of(5) },
            cached: value.is_multiple_of(2),
            now,
        };
        Prediction::create(new, &dimensions())
    }

    fn id(&self, now: Timestamp) -> u128 {
        let mut ids = self.ids.lock().unwrap();
        *ids += 1;
        PredictionId::lowest_at(now).as_u128() | *ids
    }
}

/// Anything that can happen.
pub(super) fn act() -> impl Strategy<Value = Act> {
    let kill = prop::option::weighted(0.4, (0..12_usize, any::<bool>()));
    let beside = prop::collection::vec((1..14_usize, write()), 0..3);
    let interruptions = (kill, beside).prop_map(|(kill, beside)| Interruptions { kill, beside });
    let pass =
        (0..2_usize, interruptions).prop_map(|(replica, interruptions)| Act::Pass { replica, interruptions });
    prop_oneof![1 => write(), 1 => pass]
}

/// Anything that other processes do.
fn write() -> impl Strategy<Value = Act> {
    let insert = (0..2_usize, -180..5_i64, 0..40_u32, 1..9_u32, prop::bool::weighted(0.8)).prop_map(
        |(tenant, minutes, first, count, facts)| Act::Insert {
            tenant,
            minutes,
            values: first..first + count,
            facts,
        },
    );
    let many = (-180..5_i64, 0..2_u32).prop_map(|(minutes, half)| Act::Insert {
        tenant: 0,
        minutes,
        values: half * 120..half * 120 + 120,
        facts: true,
    });
    let delete =
        (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(nth, facts)| Act::Delete { nth, facts });
    prop_oneof![
        6 => insert,
        1 => many,
        6 => delete,
        6 => (1..300_u32).prop_map(Act::Sequence),
        2 => (1..40_u64).prop_map(Act::Wait),
        1 => Just(Act::Purge),
        1 => prop::option::of(0..2_usize).prop_map(|tenant| Act::Rebuild { tenant }),
    ]
}
