//! Concurrent identical texts are computed once.

use std::sync::Arc;
use std::time::Duration;

use application::action::chain;
use application::ports::Admission::{BulkNext, BulkStart, Single};
use application::ports::{Admission, MlError};
use domain::value_objects::{ModelOutput, ReadOptions, TenantId};
use futures_util::FutureExt;
use futures_util::future::join_all;
use infra_local::{CacheLimits, CachedMlGateway, MokaCacheGateway};
use testkit::{ClassifyOne, FakeMlGateway, MlFailure};

use crate::gate::{World, cached, text};

#[tokio::test]
async fn a_thousand_calls_with_one_text_compute_once() {
    let world = World::new();
    world.model().hold_all();
    let mut calls: Vec<_> = (0..1_000).map(|_| Box::pin(world.predict("I love it"))).collect();
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    assert_eq!(world.model().in_work(), 1);
    world.model().release_all();

    let outputs = join_all(calls).await;
    let flags = cached(&outputs);
    assert_eq!(flags.iter().filter(|cached| !**cached).count(), 1, "one call computed it");
    let logits = |n: usize| &outputs[n].as_ref().unwrap().windows;
    assert!((1..1_000).all(|n| logits(n) == logits(0)));
    assert_eq!(world.calls(), [["I love it"]]);
    assert!(world.predict("I love it").await.unwrap().cached);
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_on_many_threads_compute_once() {
    let model = Arc::new(FakeMlGateway::new());
    let limits = CacheLimits { entries: 1_000, bytes: 1 << 30 };
    let cache = Arc::new(MokaCacheGateway::new(limits, Duration::from_mins(5)));
    let gateway = Arc::new(CachedMlGateway::new(model.clone(), cache));
    for round in 0..20 {
        let calls = (0..1_000).map(|_| {
            let (gateway, text) = (gateway.clone(), text(&format!("text {round}")));
            tokio::spawn(async move {
                gateway.classify_one(&TenantId::default(), &text, ReadOptions::default()).await
            })
        });
        let outputs: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(cached(&outputs).iter().filter(|cached| !**cached).count(), 1);
        assert_eq!(model.calls().len(), round + 1);
    }
}

#[tokio::test]
async fn dropping_the_first_call_does_not_affect_the_second() {
    let world = World::new();
    world.model().hold_all();
    let (mut first, mut second) = (Box::pin(world.predict("good")), Box::pin(world.predict("good")));
    assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
    drop(first);
    assert_eq!(world.model().in_work(), 1);
    world.model().release_all();
    assert!(second.await.is_ok());
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn dropping_all_calls_cancels_the_computation() {
    let world = World::new();
    world.model().hold_all();
    let (mut first, mut second) = (Box::pin(world.predict("good")), Box::pin(world.predict("good")));
    assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
    drop(second);
    assert_eq!(world.model().in_work(), 1);
    drop(first);
    assert_eq!(world.model().in_work(), 0);
    world.model().release_all();
    assert!(!world.predict("good").await.unwrap().cached);
    assert_eq!(world.calls().len(), 2);
}

#[tokio::test]
async fn a_call_that_is_not_polled_does_not_delay_others() {
    let world = World::new();
    world.model().hold_all();
    // It begins the computation and is not polled again, like a stream whose client reads no more lines.
    let mut unpolled = Box::pin(world.predict("good"));
    assert!(unpolled.as_mut().now_or_never().is_none());
    let mut other = Box::pin(world.predict("good"));
    assert!(other.as_mut().now_or_never().is_none());
    world.model().release_all();
    assert!(other.await.unwrap().cached);
    assert!(!unpolled.await.unwrap().cached);
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn an_error_goes_to_all_waiting_calls_and_is_not_cached() {
    for failure in [MlFailure::InferenceFailed, MlFailure::Unavailable] {
        let world = World::new();
        world.model().fail("bad luck", failure);
        world.model().hold_all();
        let mut calls: Vec<_> = (0..3).map(|_| Box::pin(world.predict("bad luck"))).collect();
        assert!(calls.iter_mut().all(|call| call.now_or_never().is_none()));
        world.model().release_all();
        let expected = chain(&MlError::from(failure));
        for outcome in join_all(calls).await {
            assert_eq!(chain(&outcome.unwrap_err()), expected);
        }
        assert_eq!((world.calls().len(), world.cache.entries().len()), (1, 0));
        assert!(world.predict("bad luck").await.is_err());
        assert_eq!(world.calls().len(), 2, "the next call computes it again");
    }
}

#[tokio::test]
async fn calls_that_joined_are_retried_after_the_deadline_of_the_first() {
    for admission in [Single, BulkStart, BulkNext] {
        let world = World::new();
        world.gate.shut();
        let mut first = Box::pin(world.predict("good"));
        assert!(first.as_mut().now_or_never().is_none());
        let mut joined: Vec<_> = (0..3).map(|_| Box::pin(predict_good(&world, admission))).collect();
        assert!(joined.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
        world.model().fail("good", MlFailure::DeadlineExceeded);
        world.gate.open();
        assert!(matches!(first.await, Err(MlError::DeadlineExceeded)));
        world.gate.shut();
        assert!(joined.iter_mut().all(|call| call.as_mut().now_or_never().is_none()), "{admission:?}");
        world.model().recover("good");
        world.gate.open();
        for outcome in join_all(joined).await {
            assert!(outcome.is_ok(), "{outcome:?}");
        }
        assert_eq!(world.calls().len(), 2, "they are computed again together");
    }
}

#[tokio::test]
async fn a_deadline_exceeded_twice_is_an_error_for_all() {
    let world = World::new();
    world.model().fail("good", MlFailure::DeadlineExceeded);
    world.gate.shut();
    let mut calls: Vec<_> = (0..3).map(|_| Box::pin(world.predict("good"))).collect();
    assert!(calls.iter_mut().all(|call| call.now_or_never().is_none()));
    world.gate.open();
    for outcome in join_all(calls).await {
        assert!(matches!(outcome, Err(MlError::DeadlineExceeded)), "{outcome:?}");
    }
    assert_eq!(world.calls().len(), 3, "each call that joined computes once more, one after the other");
}

#[tokio::test]
async fn a_single_text_does_not_wait_for_a_bulk_text() {
    let world = World::new();
    world.gate.shut();
    let mut line = Box::pin(world.predict_batch(&["good", "bad"], BulkNext));
    assert!(line.as_mut().now_or_never().is_none());
    world.gate.open();
    assert!(!world.predict("good").await.unwrap().cached);
    assert_eq!(cached(&line.await.unwrap()), [false, false]);
    assert_eq!(world.calls(), [vec!["good"], vec!["good", "bad"]]);
}

/// Predicts `good` with the given admission.
async fn predict_good(world: &World, admission: Admission) -> Result<ModelOutput, MlError> {
    world.predict_batch(&["good"], admission).await?.remove(0)
}

#[tokio::test]
async fn an_error_has_its_cause() {
    let world = World::new();
    world.model().refuse_all(MlFailure::Unavailable);
    let error = world.predict("good").await.unwrap_err();
    assert_eq!(chain(&error), "the model is not available: the model is not there");
}

#[tokio::test]
async fn a_full_queue_refuses_singles_and_starts_of_batches_only() {
    let world = World::new();
    world.gate.shut();
    let mut first = Box::pin(world.predict("good"));
    let mut second = Box::pin(world.predict("good"));
    let mut batch = Box::pin(world.predict_batch(&["good"], BulkStart));
    let mut line = Box::pin(world.predict_batch(&["good"], BulkNext));
    assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
    assert!(batch.as_mut().now_or_never().is_none() && line.as_mut().now_or_never().is_none());
    world.model().refuse_all(MlFailure::Saturated);
    world.gate.open();
    assert!(matches!(first.await, Err(MlError::Saturated)));
    assert!(matches!(second.await, Err(MlError::Saturated)));
    assert!(matches!(batch.await, Err(MlError::Saturated)), "a batch is refused as a whole");
    assert_eq!(world.calls().len(), 1);
    assert_eq!(cached(&line.await.unwrap()), [false]);
    let admissions: Vec<_> = world.model().calls().into_iter().map(|call| call.admission).collect();
    assert_eq!(admissions, [Single, BulkNext]);
}

#[tokio::test]
async fn an_admitted_batch_is_not_refused_with_a_single_text_that_it_joined() {
    let world = World::new();
    world.gate.shut();
    let mut single = Box::pin(world.predict("good"));
    assert!(single.as_mut().now_or_never().is_none());
    world.model().refuse_all(MlFailure::Saturated);
    // Its own text is admitted; the text that it shares with `single` is refused with that, then computed again.
    let mut batch = Box::pin(world.predict_batch(&["bad", "good"], BulkStart));
    assert!(batch.as_mut().now_or_never().is_none());
    world.gate.open();
    assert!(matches!(single.await, Err(MlError::Saturated)));
    world.model().admit_all();
    assert_eq!(cached(&batch.await.unwrap()), [false, false]);
    assert_eq!(world.calls(), [["good"], ["bad"], ["good"]]);
    assert_eq!(world.model().calls()[2].admission, BulkNext);
}

#[tokio::test]
async fn a_panic_in_the_model_is_an_error_for_all_calls() {
    let world = World::new();
    world.gate.shut();
    let mut calls: Vec<_> = (0..3).map(|_| Box::pin(world.predict("good"))).collect();
    assert!(calls.iter_mut().all(|call| call.now_or_never().is_none()));
    world.gate.panic();
    for outcome in join_all(calls).await {
        assert!(matches!(outcome, Err(MlError::InferenceFailed { .. })), "{outcome:?}");
    }
    world.gate.open();
    assert!(world.predict("good").await.is_ok());
}

#[tokio::test]
async fn identical_items_of_a_batch_are_computed_once_and_returned_in_order() {
    let world = World::new();
    let outputs = world.predict_batch(&["good", "bad", "good", "so so", "good"], BulkStart).await.unwrap();
    assert_eq!(world.calls(), [["good", "bad", "so so"]]);
    assert_eq!(cached(&outputs), [false, false, true, false, true]);
    let alone = world.predict("bad").await.unwrap();
    assert_eq!(alone.windows, outputs[1].as_ref().unwrap().windows);
    assert_eq!(outputs[0].as_ref().unwrap().windows, outputs[4].as_ref().unwrap().windows);
    assert_ne!(outputs[0].as_ref().unwrap().windows, outputs[1].as_ref().unwrap().windows);
}

#[tokio::test]
async fn a_batch_computes_what_is_neither_cached_nor_in_flight_in_one_call() {
    let world = World::new();
    world.predict("cached").await.unwrap();
    world.model().hold_all();
    let mut single = Box::pin(world.predict("in flight"));
    assert!(single.as_mut().now_or_never().is_none());
    let mut batch = Box::pin(world.predict_batch(&["new", "in flight", "cached", "newer"], BulkStart));
    assert!(batch.as_mut().now_or_never().is_none());
    let mut same_as_in_the_batch = Box::pin(world.predict_batch(&["newer"], BulkNext));
    assert!(same_as_in_the_batch.as_mut().now_or_never().is_none());
    assert_eq!(world.calls(), [vec!["cached"], vec!["in flight"], vec!["new", "newer"]]);
    world.model().release_all();
    assert_eq!(cached(&batch.await.unwrap()), [false, true, true, false]);
    assert!(!single.await.unwrap().cached);
    assert_eq!(cached(&same_as_in_the_batch.await.unwrap()), [true]);
    assert_eq!(world.calls().len(), 3);
}

#[tokio::test]
async fn a_text_that_fails_in_a_batch_fails_alone() {
    let world = World::new();
    world.model().fail("poison", MlFailure::InferenceFailed);
    let outputs = world.predict_batch(&["good", "poison", "bad", "poison"], BulkStart).await.unwrap();
    let failed: Vec<bool> = outputs.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, true, false, true]);
    assert_eq!(world.cache.entries().len(), 2);
}
