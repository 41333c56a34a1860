use std::time::{Duration, Instant};

use application::ports::{CacheGateway, CacheKey, CachedOutput};
use domain::value_objects::{ReadOptions, TenantId, Usage, WindowOutput};
use infra_local::{CacheLimits, MokaCacheGateway};
use metrics::set_default_local_recorder;
use testkit::cache_contract;

use crate::recorded::Recorded;

/// Far longer than a test takes.
const LONG: Duration = Duration::from_hours(1);
const ENTRIES: &str = "cache_entries{cache_name=prediction}";
const BYTES: &str = "cache_bytes{cache_name=prediction}";

/// A cache bounded by `entries` alone.
fn cache(entries: u64, time_to_live: Duration) -> MokaCacheGateway {
    MokaCacheGateway::new(CacheLimits { entries, bytes: 1 << 30 }, time_to_live)
}

fn key(n: u64) -> CacheKey {
    let mut text = [0; 32];
    text[..8].copy_from_slice(&n.to_le_bytes());
    CacheKey {
        weights: "w".into(),
        precision: "f32".into(),
        generation: 0,
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
async fn the_cache_passes_the_cache_contract() {
    cache_contract(&cache(9, LONG)).await;
}

#[tokio::test]
async fn the_cache_never_exceeds_its_entries() {
    let cache = cache(100, LONG);
    let recorded = Recorded::default();
    let _guard = set_default_local_recorder(&recorded);
    put(&cache, 0..70).await;
    cache.run_maintenance();
    put(&cache, 70..1_000).await;
    cache.run_maintenance();
    assert_eq!(recorded.of(ENTRIES), [70.0, 100.0]);
    let keys: Vec<_> = (0..1_000).map(key).collect();
    let found = cache.get_many(&TenantId::default(), &keys).await;
    assert_eq!(found.iter().flatten().count(), 100);
}

#[tokio::test]
async fn an_output_expires() {
    let cache = cache(100, Duration::from_millis(1));
    let recorded = Recorded::default();
    let _guard = set_default_local_recorder(&recorded);
    put(&cache, 0..1).await;
    let deadline = Instant::now() + Duration::from_mins(1);
    while cache.get_many(&TenantId::default(), &[key(0)]).await != [None] {
        assert!(Instant::now() < deadline, "the output never expires");
        tokio::task::yield_now().await;
    }
    // Its memory is freed without another output.
    while recorded.of(ENTRIES).last() != Some(&0.0) || recorded.of(BYTES).last() != Some(&0.0) {
        assert!(Instant::now() < deadline, "its memory is never freed");
        cache.run_maintenance();
    }
}

/// An output of `count` windows, as `max_tokens = 1` makes of a long text.
fn windows(count: usize) -> CachedOutput {
    let windows = vec![WindowOutput { logits: vec![0.5, -0.5, 0.1], tokens: 1 }; count];
    let usage = Usage { tokens: count as u32, windows: count as u32, truncated: false };
    CachedOutput { windows, usage }
}

#[tokio::test]
async fn the_cache_never_exceeds_its_bytes() {
    let limits = CacheLimits { entries: 20_000, bytes: 1 << 20 };
    let cache = MokaCacheGateway::new(limits, LONG);
    let recorded = Recorded::default();
    let _guard = set_default_local_recorder(&recorded);
    let tenant = TenantId::default();
    for n in 0..2_000 {
        cache.put_many(&tenant, vec![(key(n), windows(100))]).await;
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    let (entries, bytes) = loop {
        // Evicted outputs are dropped a little later.
        cache.run_maintenance();
        let (entries, bytes) = (recorded.of(ENTRIES), recorded.of(BYTES));
        if let (Some(entries), Some(bytes)) = (entries.last(), bytes.last())
            && *bytes <= limits.bytes as f64
        {
            break (*entries, *bytes);
        }
        assert!(Instant::now() < deadline, "the cache exceeds its bytes");
    };
    assert!(bytes > limits.bytes as f64 / 2.0, "{bytes} bytes");
    // The logits of an output alone take 100 times three times four bytes.
    assert!(bytes > entries * 1_200.0, "{entries} entries of {bytes} bytes");
}

#[tokio::test]
async fn an_output_of_too_many_windows_is_not_cached_and_replaces_its_older_output() {
    let cache = cache(100, LONG);
    let tenant = TenantId::default();
    let most = MokaCacheGateway::MAX_WINDOWS;
    cache.put_many(&tenant, vec![(key(1), windows(most)), (key(2), windows(most + 1))]).await;
    assert_eq!(cache.get_many(&tenant, &[key(1), key(2)]).await, [Some(windows(most)), None]);
    cache.put_many(&tenant, vec![(key(1), windows(5_000))]).await;
    assert_eq!(cache.get_many(&tenant, &[key(1)]).await, [None], "the older output is removed");
}
