use std::time::{Duration, Instant};

use application::ports::{CacheGateway, CacheKey, CachedOutput};
use domain::value_objects::{ReadOptions, TenantId, Usage, WindowOutput};
use infra_local::MokaCacheGateway;
use metrics::set_default_local_recorder;
use testkit::cache_contract;

use crate::recorded::Recorded;

/// Far longer than a test takes.
const LONG: Duration = Duration::from_hours(1);
const ENTRIES: &str = "cache_entries{cache_name=prediction}";

fn key(n: u64) -> CacheKey {
    let mut text = [0; 32];
    text[..8].copy_from_slice(&n.to_le_bytes());
    CacheKey {
        weights: "w".into(),
        precision: "f32".into(),
        loading: 0,
        text,
        options: ReadOptions::default(),
    }
}

fn output() -> CachedOutput {
    let windows = vec![WindowOutput { logits: vec![0.5, -0.5], tokens: 3 }];
    CachedOutput { windows, usage: Usage { tokens: 3, windows: 1, truncated: false } }
}

async fn put(cache: &MokaCacheGateway, numbers: std::ops::Range<u64>) {
    let outputs = numbers.map(|n| (key(n), output())).collect();
    cache.put_many(&TenantId::default(), outputs).await;
}

#[tokio::test]
async fn it_keeps_the_contract_of_caches() {
    cache_contract(&MokaCacheGateway::new(9, LONG)).await;
}

#[tokio::test]
async fn it_never_keeps_more_than_it_may() {
    let cache = MokaCacheGateway::new(100, LONG);
    let recorded = Recorded::default();
    let _guard = set_default_local_recorder(&recorded);
    put(&cache, 0..70).await;
    cache.keep_up().await;
    put(&cache, 70..1_000).await;
    cache.keep_up().await;
    assert_eq!(recorded.of(ENTRIES), [70.0, 100.0]);
    let keys: Vec<_> = (0..1_000).map(key).collect();
    let found = cache.get_many(&TenantId::default(), &keys).await;
    assert_eq!(found.iter().flatten().count(), 100);
}

#[tokio::test]
async fn an_output_is_forgotten_after_its_time() {
    let cache = MokaCacheGateway::new(100, Duration::from_millis(1));
    let recorded = Recorded::default();
    let _guard = set_default_local_recorder(&recorded);
    put(&cache, 0..1).await;
    let deadline = Instant::now() + Duration::from_mins(1);
    while cache.get_many(&TenantId::default(), &[key(0)]).await != [None] {
        assert!(Instant::now() < deadline, "it is never forgotten");
        tokio::task::yield_now().await;
    }
    // Its memory is let go of, too, though nobody puts anything.
    while recorded.of(ENTRIES).last() != Some(&0.0) {
        assert!(Instant::now() < deadline, "its memory is never let go of");
        cache.keep_up().await;
    }
}
