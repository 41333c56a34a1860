use application::ports::{CacheGateway, CacheKey, CachedOutput};
use domain::value_objects::{Overflow, ReadOptions, TenantId, Usage, WindowOutput};

/// Asserts that `cache` fulfills the contract of its port. It must be empty and hold nine outputs without evicting one.
///
/// # Panics
/// If it does not fulfill the contract.
pub async fn cache_contract(cache: &dyn CacheGateway) {
    let ann = TenantId::parse("ann").expect("a tenant");
    let ben = TenantId::parse("ben").expect("a tenant");
    let keys = [key("w1", "f32", 1), key("w2", "f32", 1), key("w1", "int8", 1), key("w1", "f32", 2)];
    let again = CacheKey { generation: 1, ..key("w1", "f32", 1) };
    let keys =
        [keys.as_slice(), &[key_with(None, Overflow::Reject), key_with(Some(7), Overflow::Window), again]]
            .concat();

    let none = vec![None; keys.len()];
    assert_eq!(cache.get_many(&ann, &keys).await, none, "the cache is empty at first");
    assert!(cache.get_many(&ann, &[]).await.is_empty());
    cache.put_many(&ann, Vec::new()).await;

    for (n, key) in (1_u8..).zip(&keys) {
        cache.put_many(&ann, vec![(key.clone(), output(n))]).await;
    }
    let all: Vec<_> = (1_u8..=7).map(|n| Some(output(n))).collect();
    assert_eq!(cache.get_many(&ann, &keys).await, all, "every part of a key counts");
    assert_eq!(cache.get_many(&ben, &keys).await, none, "tenants share nothing");

    cache.put_many(&ben, vec![(keys[0].clone(), output(5)), (keys[3].clone(), output(6))]).await;
    let requested = [keys[3].clone(), keys[1].clone(), keys[0].clone(), keys[3].clone()];
    let expected = [Some(output(6)), None, Some(output(5)), Some(output(6))];
    assert_eq!(cache.get_many(&ben, &requested).await, expected, "outputs are in the order of the keys");
    assert_eq!(cache.get_many(&ann, &keys).await, all, "one tenant's outputs do not change another's");

    cache.put_many(&ann, vec![(keys[0].clone(), output(8))]).await;
    assert_eq!(
        cache.get_many(&ann, &keys[..1]).await,
        [Some(output(8))],
        "a later output replaces an earlier one"
    );
}

fn key(weights: &str, precision: &str, text: u8) -> CacheKey {
    CacheKey {
        weights: weights.into(),
        precision: precision.into(),
        generation: 0,
        text: [text; 32],
        options: ReadOptions::default(),
    }
}

/// The first key with other read options.
fn key_with(max_tokens: Option<u32>, overflow: Overflow) -> CacheKey {
    let max_tokens = max_tokens.and_then(|most| most.try_into().ok());
    CacheKey { options: ReadOptions { max_tokens, overflow }, ..key("w1", "f32", 1) }
}

/// An output of two windows, different for each `n`.
fn output(n: u8) -> CachedOutput {
    let window = |logit: f32| WindowOutput { logits: vec![logit, -logit], tokens: u32::from(n) };
    let usage = Usage { tokens: 2 * u32::from(n), windows: 2, truncated: n.is_multiple_of(2) };
    CachedOutput { windows: vec![window(f32::from(n)), window(1.0 / f32::from(n))], usage }
}
