//! Which outputs are cached, and by which key.

use application::ports::Admission::BulkStart;
use application::ports::{MlError, MlGateway, ModelInfo};
use std::sync::Arc;

use domain::value_objects::{Overflow, ReadOptions, TenantId};
use infra_local::CachedMlGateway;
use metrics::set_default_local_recorder;
use testkit::{ClassifyOne, MlFailure};

use crate::gate::{World, cached, text};
use crate::recorded::Recorded;

#[tokio::test]
async fn a_cached_text_is_not_computed_again() {
    let world = World::new();
    let first = world.predict("I love it").await.unwrap();
    let mut second = world.predict("I love it").await.unwrap();
    assert_eq!((first.cached, second.cached), (false, true));
    second.cached = false;
    assert_eq!(first, second);
    assert_eq!(world.calls(), [["I love it"]]);
    let batch = world.predict_batch(&["I love it"], BulkStart).await.unwrap();
    assert_eq!((cached(&batch), world.calls().len()), (vec![true], 1));
}

#[tokio::test]
async fn an_evicted_output_is_computed_again() {
    let world = World::new();
    world.predict("good").await.unwrap();
    world.cache.clear();
    assert!(!world.predict("good").await.unwrap().cached);
    assert_eq!(world.calls().len(), 2);
}

#[tokio::test]
async fn cached_outputs_are_returned_while_the_queue_is_full() {
    let world = World::new();
    world.predict("good").await.unwrap();
    world.model().refuse_all(MlFailure::Saturated);
    assert!(world.predict("good").await.unwrap().cached);
    assert!(matches!(world.predict("bad").await, Err(MlError::Saturated)));
    let mixed = world.predict_batch(&["good", "bad"], BulkStart).await;
    assert!(matches!(mixed, Err(MlError::Saturated)));
}

#[tokio::test]
async fn tenants_share_no_outputs() {
    let world = World::new();
    let (ann, ben) = (TenantId::parse("ann").unwrap(), TenantId::parse("ben").unwrap());
    for (tenant, cached) in [(&ann, false), (&ben, false), (&ann, true), (&ben, true)] {
        assert_eq!(world.predict_for(tenant, "good").await.unwrap().cached, cached);
    }
    assert_eq!(world.calls().len(), 2);

    // They do not share computations in flight either.
    world.model().hold_all();
    let (mut of_ann, mut of_ben) =
        (Box::pin(world.predict_for(&ann, "bad")), Box::pin(world.predict_for(&ben, "bad")));
    assert!(futures_util::poll!(&mut of_ann).is_pending() && futures_util::poll!(&mut of_ben).is_pending());
    assert_eq!(world.model().in_work(), 2);
}

#[tokio::test]
async fn texts_weights_and_precisions_have_their_own_entries() {
    let world = World::new();
    let change =
        |change: fn(&mut ModelInfo)| change(Arc::make_mut(world.gate.info.lock().unwrap().as_mut().unwrap()));
    assert!(!world.predict("good").await.unwrap().cached);
    assert!(!world.predict("good ").await.unwrap().cached, "texts are compared unaltered");
    assert!(!world.predict("Good").await.unwrap().cached);
    change(|info| info.sha256 = "1".repeat(64));
    assert!(!world.predict("good").await.unwrap().cached);
    change(|info| info.precision = "int8".to_owned());
    assert!(!world.predict("good").await.unwrap().cached);
    assert!(world.predict("good").await.unwrap().cached);
    change(|info| (info.sha256, info.precision) = ("0".repeat(64), "f32".to_owned()));
    assert!(world.predict("good").await.unwrap().cached, "the first output is still cached");
    assert_eq!((world.calls().len(), world.cache.entries().len()), (5, 5));
}

#[tokio::test]
async fn models_that_share_a_cache_share_no_entry() {
    let world = World::new();
    world.predict("good").await.unwrap();
    let again = CachedMlGateway::new(world.gate.clone(), world.cache.clone());
    let tenant = TenantId::default();
    for cached in [false, true] {
        let output = again.classify_one(&tenant, &text("good"), ReadOptions::default()).await.unwrap();
        assert_eq!(output.cached, cached, "a reloaded model may have another tokenizer");
    }
    assert!(world.predict("good").await.unwrap().cached);
    assert_eq!(world.cache.entries().len(), 2);
}

#[tokio::test]
async fn errors_and_outputs_that_are_not_finite_are_not_cached() {
    let world = World::new();
    world.model().fail("poison", MlFailure::InferenceFailed);
    world.model().set_logits("strange", &[f32::NAN, 0.0, 1.0]);
    world.model().set_logits("endless", &[0.0, f32::INFINITY, 1.0]);
    for _ in 0..2 {
        assert!(world.predict("poison").await.is_err());
        assert!(!world.predict("strange").await.unwrap().cached);
        assert!(!world.predict("endless").await.unwrap().cached);
    }
    assert_eq!((world.calls().len(), world.cache.entries().len()), (6, 0));
}

#[tokio::test]
async fn texts_are_not_stored_in_the_cache() {
    let world = World::new();
    world.predict("a secret of a client").await.unwrap();
    let entries = format!("{:?}", world.cache.entries());
    assert!(!entries.contains("secret"), "{entries}");
    let digest = &world.cache.entries()[0].1.text[..4];
    assert_eq!(digest, [0xe5, 0x5c, 0x5e, 0x85], "the beginning of the text's SHA-256");
}

#[tokio::test]
async fn without_a_loaded_model_the_cache_is_bypassed() {
    let world = World::new();
    let loaded = std::mem::take(&mut *world.gate.info.lock().unwrap());
    assert!(world.gateway.info().is_none());
    world.model().refuse_all(MlFailure::Unavailable);
    assert!(matches!(world.predict("good").await, Err(MlError::Unavailable { .. })));
    world.model().admit_all();
    *world.gate.info.lock().unwrap() = loaded;
    assert!(!world.predict("good").await.unwrap().cached);
    assert_eq!(world.gateway.info(), world.model().info());
}

#[tokio::test]
async fn hits_and_misses_are_counted_and_failures_are_not_hits() {
    let world = World::new();
    let recorded = Recorded::default();
    let _guard = set_default_local_recorder(&recorded);
    world.model().fail("poison", MlFailure::InferenceFailed);
    world.predict("good").await.unwrap();
    world.predict("good").await.unwrap();
    world.predict_batch(&["good", "bad", "bad", "poison"], BulkStart).await.unwrap();
    assert_eq!(recorded.of("cache_hits_total{cache_name=prediction}"), [0.0, 1.0, 2.0]);
    assert_eq!(recorded.of("cache_misses_total{cache_name=prediction}"), [1.0, 2.0]);
}

#[tokio::test]
async fn outputs_are_cached_by_read_options() {
    let world = World::new();
    let (tenant, words) = (TenantId::default(), text("good good bad"));
    let read = |max_tokens: u32, overflow| ReadOptions { max_tokens: max_tokens.try_into().ok(), overflow };
    let all_options = [
        ReadOptions::default(),
        read(2, Overflow::Window),
        read(2, Overflow::Truncate),
        read(1, Overflow::Truncate),
        read(3, Overflow::Reject),
    ];
    for cached in [false, true] {
        for options in all_options {
            let output = world.gateway.classify_one(&tenant, &words, options).await.unwrap();
            assert_eq!(output.cached, cached, "{options:?}");
            assert_eq!(output.usage.truncated, options.overflow == Overflow::Truncate);
        }
    }
    assert_eq!(world.calls().len(), all_options.len());
}

#[tokio::test]
async fn a_text_with_too_many_tokens_is_refused_again_and_classified_without_the_limit() {
    let world = World::new();
    let (tenant, words) = (TenantId::default(), text("good good bad"));
    let reject = ReadOptions { max_tokens: 2.try_into().ok(), overflow: Overflow::Reject };
    for _ in 0..2 {
        let refused = world.gateway.classify_one(&tenant, &words, reject).await;
        assert!(matches!(refused, Err(MlError::TooManyTokens { max: 2, actual: 3 })), "{refused:?}");
    }
    assert!(world.gateway.classify_one(&tenant, &words, ReadOptions::default()).await.is_ok());
}
