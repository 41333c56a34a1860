//! Outages of the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::{PredictionFilter, StoreError, WriteStore};
use domain::entities::Prediction;
use domain::value_objects::TenantId;
use infra_postgres::{OpenError, PostgresSettings, PostgresStore};
use store_contract::samples::Samples;
use testkit::{FaultProxy, ProxyMode};
use tokio::task::JoinSet;

use crate::database::TestDatabase;
use crate::harness::insert;

/// The store's timeout in these tests.
const TIMEOUT: Duration = Duration::from_millis(600);

/// The longest that a call may take on a busy machine, beyond the timeout.
const AT_MOST: Duration = Duration::from_millis(1_600);

struct Outage {
    store: PostgresStore,
    proxy: FaultProxy,
    database: TestDatabase,
    samples: Samples,
}

impl Outage {
    async fn prepare() -> Self {
        let database = TestDatabase::create().await;
        let (host, port) = database.address();
        let server: SocketAddr = tokio::net::lookup_host((host, port)).await.unwrap().next().unwrap();
        let proxy = FaultProxy::start(server).await;
        let store = PostgresStore::open(&settings(&database, &proxy)).await.unwrap();
        store.migrator().up().await.unwrap();
        Self { store, proxy, database, samples: Samples::new() }
    }

    /// Calls every port; asserts that each call fails within its limit.
    async fn everything_is_unavailable(&mut self) {
        let prediction = self.samples.one();
        let tenant = TenantId::default();
        let filter = PredictionFilter::default();
        let (writes, predictions) = (self.store.writes(), self.store.predictions());
        let (feed, leases, health) = (self.store.event_feed(), self.store.leases(), self.store.health());
        let started = Instant::now();
        let (stored, found, listed, events, lease, checked) = tokio::join!(
            insert(&writes, std::slice::from_ref(&prediction)),
            predictions.find(&tenant, prediction.id()),
            predictions.list(&tenant, &filter, None, 10),
            feed.read(None, 0, 10),
            leases.acquire("x", "y", TIMEOUT),
            health.check(),
        );
        assert!(started.elapsed() < AT_MOST, "{:?}", started.elapsed());
        assert!(matches!(stored, Err(StoreError::Unavailable { .. })), "{stored:?}");
        assert!(matches!(found, Err(StoreError::Unavailable { .. })), "{found:?}");
        assert!(matches!(listed, Err(StoreError::Unavailable { .. })), "{listed:?}");
        assert!(matches!(events, Err(StoreError::Unavailable { .. })), "{events:?}");
        assert!(matches!(lease, Err(StoreError::Unavailable { .. })), "{lease:?}");
        assert!(checked.is_err());
    }

    /// Calls every port; returns whether all calls succeeded.
    async fn try_everything(&mut self) -> bool {
        let prediction = self.samples.one();
        let (tenant, filter) = (TenantId::default(), PredictionFilter::default());
        let started = Instant::now();
        let worked = insert(&self.store.writes(), std::slice::from_ref(&prediction)).await.is_ok()
            & self.store.predictions().find(&tenant, prediction.id()).await.is_ok()
            & self.store.predictions().list(&tenant, &filter, None, 10).await.is_ok()
            & self.store.event_feed().read(None, 0, 10).await.is_ok()
            & self.store.health().check().await.is_ok();
        assert!(started.elapsed() < AT_MOST * 5, "{:?}", started.elapsed());
        worked
    }

    /// Asserts that the store works at the first attempt.
    async fn everything_works(&mut self) {
        let prediction = self.samples.one();
        insert(&self.store.writes(), std::slice::from_ref(&prediction)).await.unwrap();
        let found = self.store.predictions().find(&TenantId::default(), prediction.id()).await.unwrap();
        assert_eq!(found, Some((&prediction).into()));
        self.store.event_feed().read(None, 0, 10).await.unwrap();
        self.store.health().check().await.unwrap();
    }
}

fn settings(database: &TestDatabase, proxy: &FaultProxy) -> PostgresSettings {
    PostgresSettings {
        timeout: TIMEOUT,
        max_connections: 4,
        ..database.settings_through(proxy.addr().port())
    }
}

async fn an_outage_passes(mode: ProxyMode) {
    let mut outage = Outage::prepare().await;
    for _ in 0..2 {
        outage.everything_works().await;
        outage.proxy.set_mode(mode).await;
        outage.everything_is_unavailable().await;
        outage.everything_is_unavailable().await;
        outage.proxy.set_mode(ProxyMode::Pass).await;
    }
    outage.everything_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_comes_back() {
    an_outage_passes(ProxyMode::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_comes_back() {
    an_outage_passes(ProxyMode::Refuse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stalls_comes_back() {
    an_outage_passes(ProxyMode::Stall).await;
}

/// Commits one prediction after another until stopped; returns the acknowledged ones.
async fn insert_until_stopped(
    writes: Arc<dyn WriteStore>,
    predictions: Vec<Prediction>,
    stop: tokio::sync::watch::Receiver<bool>,
) -> Vec<Prediction> {
    let mut acknowledged = Vec::new();
    for prediction in predictions {
        if *stop.borrow() {
            break;
        }
        let started = Instant::now();
        match insert(&writes, std::slice::from_ref(&prediction)).await {
            Ok(()) => acknowledged.push(prediction),
            Err(StoreError::Unavailable { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(started.elapsed() < AT_MOST, "{:?}", started.elapsed());
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn predictions_acknowledged_around_outages_are_stored() {
    let mut outage = Outage::prepare().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let committers: Vec<_> = (0..8)
        .map(|_| {
            let predictions = outage.samples.many(20_000);
            tokio::spawn(insert_until_stopped(outage.store.writes(), predictions, stopped.clone()))
        })
        .collect();
    for mode in [ProxyMode::Stall, ProxyMode::Cut, ProxyMode::Refuse] {
        outage.everything_works().await;
        outage.proxy.set_mode(mode).await;
        outage.everything_is_unavailable().await;
        outage.proxy.set_mode(ProxyMode::Pass).await;
    }
    outage.everything_works().await;
    stop.send_replace(true);
    let beside = PostgresStore::open(&outage.database.settings()).await.unwrap();
    for committer in committers {
        let acknowledged = committer.await.unwrap();
        assert!(!acknowledged.is_empty());
        for prediction in acknowledged {
            let found = beside.predictions().find(&TenantId::default(), prediction.id()).await.unwrap();
            assert_eq!(found, Some((&prediction).into()));
        }
    }
}

#[tokio::test]
async fn abandoned_connections_do_not_fill_the_pool() {
    let mut outage = Outage::prepare().await;
    outage.everything_works().await;
    outage.proxy.set_mode(ProxyMode::Stall).await;
    for _ in 0..3 {
        outage.everything_is_unavailable().await;
    }
    outage.proxy.set_mode(ProxyMode::Cut).await;
    outage.proxy.set_mode(ProxyMode::Pass).await;
    let reads = (0..64).map(|_| {
        let predictions = outage.store.predictions();
        async move { predictions.list(&TenantId::default(), &PredictionFilter::default(), None, 1).await }
    });
    for read in reads.collect::<JoinSet<_>>().join_all().await {
        read.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_call_does_not_affect_the_next() {
    let mut outage = Outage::prepare().await;
    outage.everything_works().await;
    let predictions = outage.store.predictions();
    let (tenant, filter) = (TenantId::default(), PredictionFilter::default());
    for patience in 0..200 {
        let patience = Duration::from_micros(patience * 20);
        let _ = tokio::time::timeout(patience, predictions.list(&tenant, &filter, None, 1)).await;
    }
    outage.everything_works().await;
}

/// Reads one page after another while the server's host repeatedly goes silent.
async fn read_on(outage: &Outage) {
    let reads = (0..32).map(|_| {
        let predictions = outage.store.predictions();
        async move {
            for _ in 0..20 {
                // It may succeed or fail.
                drop(predictions.list(&TenantId::default(), &PredictionFilter::default(), None, 1).await);
            }
        }
    });
    let mut reads: JoinSet<()> = reads.collect();
    while reads.join_next().await.is_some() {
        outage.proxy.silence_existing();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_goes_silent_is_replaced_by_the_next() {
    let mut outage = Outage::prepare().await;
    for _ in 0..3 {
        outage.everything_works().await;
        outage.proxy.silence_existing();
        let again = async { while !outage.try_everything().await {} };
        tokio::time::timeout(Duration::from_secs(15), again).await.expect("full service again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_went_silent_at_any_moment_leave_the_pool_whole() {
    let mut outage = Outage::prepare().await;
    read_on(&outage).await;
    for _ in 0..3 {
        // May meet the connections that were silenced last.
        outage.try_everything().await;
    }
    outage.everything_works().await;
    let reads = (0..64).map(|_| {
        let predictions = outage.store.predictions();
        async move { predictions.list(&TenantId::default(), &PredictionFilter::default(), None, 1).await }
    });
    for read in reads.collect::<JoinSet<_>>().join_all().await {
        read.unwrap();
    }
}

async fn closing_ends(silence: impl AsyncFnOnce(&FaultProxy)) {
    let mut outage = Outage::prepare().await;
    outage.everything_works().await;
    silence(&outage.proxy).await;
    // In the middle of a commit and of a read as well.
    let (writes, predictions, prediction) =
        (outage.store.writes(), outage.store.predictions(), outage.samples.one());
    let id = prediction.id();
    let mut calls = JoinSet::new();
    calls.spawn(async move { drop(insert(&writes, &[prediction]).await) });
    calls.spawn(async move { drop(predictions.find(&TenantId::default(), id).await) });
    tokio::task::yield_now().await;
    tokio::time::timeout(Duration::from_secs(10), outage.store.close()).await.expect("the store closes");
    calls.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_whose_host_went_silent_closes() {
    closing_ends(async |proxy: &FaultProxy| proxy.silence_existing()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_whose_network_stalls_closes() {
    closing_ends(async |proxy: &FaultProxy| proxy.set_mode(ProxyMode::Stall).await).await;
}

#[tokio::test]
async fn a_stalled_server_is_reported_when_the_store_is_opened() {
    let outage = Outage::prepare().await;
    outage.proxy.set_mode(ProxyMode::Stall).await;
    let started = Instant::now();
    let opened = PostgresStore::open(&settings(&outage.database, &outage.proxy)).await;
    assert!(matches!(opened, Err(OpenError::TimedOut(600))));
    assert!(started.elapsed() < AT_MOST);
}
