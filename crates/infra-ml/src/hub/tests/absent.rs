//! The cached copy in place of a hub that gives no answer.

use application::ports::ModelOrigin;
use testkit::{BlackHole, HubFault};
use tokio::time::timeout;

use super::*;

/// How soon the copy is served in these tests; far less than `hub.timeout`.
const SOON: Duration = Duration::from_millis(200);
const LONG: Seconds = Seconds(3_600.0);

impl World {
    /// Loads the model from the hub at `endpoint`, whose silence the settings allow for an hour.
    async fn load_from_silent(&self, endpoint: String) -> Arc<ModelInfo> {
        let settings = HubSettings { endpoint: Some(endpoint), timeout: LONG, ..self.settings() };
        let hub = Hub { timeout_with_copy: SOON, ..quick(settings, Arc::new(LoggedProgress::default())) };
        let (running, loading) = start(REPO, hub);
        timeout(Duration::from_mins(5), loading).await.unwrap().unwrap();
        let info = running.gateway.info().unwrap();
        running.lifecycle.stop().await;
        info
    }
}

#[tokio::test]
async fn an_absent_hub_is_replaced_by_the_cache() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    world.hub.fail("/api/", usize::MAX, HubFault::status(503));
    let info = world.load(REPO).await.unwrap();
    assert!(matches!(&info.source, ModelOrigin::Hub { commit, .. } if commit == COMMIT));

    let World { hub, cache, model } = world;
    let endpoint = hub.endpoint();
    drop(hub);
    let world = World { hub: FakeHub::start(), cache, model };
    let unreachable = HubSettings { endpoint: Some(endpoint), ..world.settings() };
    assert!(world.load_with(REPO, unreachable).await.is_ok());
}

#[tokio::test]
async fn a_refusing_hub_is_not_replaced_by_the_cache() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    world.hub.fail("/api/", usize::MAX, HubFault::refusal(403, "GatedRepo"));
    assert!(matches!(world.refusal(REPO).await, HubError::Gated { .. }));
}

#[tokio::test]
async fn with_a_copy_a_revision_is_resolved_by_one_short_try() {
    let world = World::new();
    let hub = |seconds| {
        let settings = HubSettings { timeout: Seconds(seconds), ..world.settings() };
        Hub::new(settings, Arc::new(LoggedProgress::default()))
    };
    let resolving = |seconds, has_copy| {
        let resolving = hub(seconds).resolving(has_copy);
        (resolving.timeout.as_secs_f64(), resolving.retries)
    };
    assert_eq!(resolving(30.0, true), (4.0, 0));
    assert_eq!(resolving(1.5, true), (1.5, 0));
    assert_eq!(resolving(30.0, false), (30.0, 2));
}

#[tokio::test]
async fn the_cache_soon_replaces_a_hub_that_accepts_and_is_silent() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    // Before the first byte of the answer, and in its body.
    for bytes in [0, 5] {
        world.hub.fail("/revision/", 1, HubFault::StallAfter(bytes));
        let info = world.load_from_silent(world.hub.endpoint()).await;
        assert!(matches!(&info.source, ModelOrigin::Hub { commit, .. } if commit == COMMIT));
    }
    assert_eq!(world.hub.stalled(), 2);
}

#[tokio::test]
async fn the_cache_soon_replaces_a_network_that_answers_nothing() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    let hole = BlackHole::open().await;
    world.load_from_silent(format!("http://{}", hole.address())).await;
}

#[tokio::test]
async fn the_cache_soon_replaces_a_hub_whose_tls_handshake_never_ends() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    // Connections are completed by the system, and nothing is read from them or written to them.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    world.load_from_silent(format!("https://{}", listener.local_addr().unwrap())).await;
}
