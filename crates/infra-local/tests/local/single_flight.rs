//! Texts that are the same at the same time are read once.

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
async fn a_thousand_callers_of_one_text_compute_once() {
    let world = World::new();
    world.model().hold_all();
    let mut callers: Vec<_> = (0..1_000).map(|_| Box::pin(world.predict("I love it"))).collect();
    for caller in &mut callers {
        assert!(caller.now_or_never().is_none());
    }
    assert_eq!(world.model().in_work(), 1);
    world.model().release_all();

    let outputs = join_all(callers).await;
    let flags = cached(&outputs);
    assert_eq!(flags.iter().filter(|cached| !**cached).count(), 1, "one of them had it read");
    let logits = |n: usize| &outputs[n].as_ref().unwrap().windows;
    assert!((1..1_000).all(|n| logits(n) == logits(0)));
    assert_eq!(world.calls(), [["I love it"]]);
    assert!(world.predict("I love it").await.unwrap().cached);
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_on_many_threads_compute_once() {
    let model = Arc::new(FakeMlGateway::new());
    let limits = CacheLimits { entries: 1_000, bytes: 1 << 30 };
    let cache = Arc::new(MokaCacheGateway::new(limits, Duration::from_mins(5)));
    let gateway = Arc::new(CachedMlGateway::new(model.clone(), cache));
    for round in 0..20 {
        let callers = (0..1_000).map(|_| {
            let (gateway, text) = (gateway.clone(), text(&format!("text {round}")));
            tokio::spawn(async move {
                gateway.classify_one(&TenantId::default(), &text, ReadOptions::default()).await
            })
        });
        let outputs: Vec<_> = join_all(callers).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(cached(&outputs).iter().filter(|cached| !**cached).count(), 1);
        assert_eq!(model.calls().len(), round + 1);
    }
}

#[tokio::test]
async fn a_caller_who_leaves_fails_nobody_and_costs_nothing() {
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
async fn when_all_have_left_the_model_is_left_alone() {
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
async fn a_caller_who_stands_still_holds_up_nobody() {
    let world = World::new();
    world.model().hold_all();
    // As one whose client takes no more lines: it has begun the reading, and is not looked at again.
    let mut still = Box::pin(world.predict("good"));
    assert!(still.as_mut().now_or_never().is_none());
    let mut other = Box::pin(world.predict("good"));
    assert!(other.as_mut().now_or_never().is_none());
    world.model().release_all();
    assert!(other.await.unwrap().cached);
    assert!(!still.await.unwrap().cached);
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn an_error_goes_to_all_who_wait_and_is_not_kept() {
    for failure in [MlFailure::InferenceFailed, MlFailure::Unavailable] {
        let world = World::new();
        world.model().fail("bad luck", failure);
        world.model().hold_all();
        let mut callers: Vec<_> = (0..3).map(|_| Box::pin(world.predict("bad luck"))).collect();
        assert!(callers.iter_mut().all(|caller| caller.now_or_never().is_none()));
        world.model().release_all();
        let expected = chain(&MlError::from(failure));
        for outcome in join_all(callers).await {
            assert_eq!(chain(&outcome.unwrap_err()), expected);
        }
        assert_eq!((world.calls().len(), world.cache.entries().len()), (1, 0));
        assert!(world.predict("bad luck").await.is_err());
        assert_eq!(world.calls().len(), 2, "the next one has it read again");
    }
}

#[tokio::test]
async fn the_deadline_of_an_elder_twin_is_not_that_of_those_who_joined() {
    for joins_as in [Single, BulkStart, BulkNext] {
        let world = World::new();
        world.gate.shut();
        let mut elder = Box::pin(world.predict("good"));
        assert!(elder.as_mut().now_or_never().is_none());
        let mut joined: Vec<_> = (0..3).map(|_| Box::pin(ask(&world, joins_as))).collect();
        assert!(joined.iter_mut().all(|caller| caller.as_mut().now_or_never().is_none()));
        world.model().fail("good", MlFailure::DeadlineExceeded);
        world.gate.open();
        assert!(matches!(elder.await, Err(MlError::DeadlineExceeded)));
        world.gate.shut();
        assert!(joined.iter_mut().all(|caller| caller.as_mut().now_or_never().is_none()), "{joins_as:?}");
        world.model().recover("good");
        world.gate.open();
        for outcome in join_all(joined).await {
            assert!(outcome.is_ok(), "{outcome:?}");
        }
        assert_eq!(world.calls().len(), 2, "they ask again together");
    }
}

#[tokio::test]
async fn a_deadline_that_passes_twice_is_an_error_for_all() {
    let world = World::new();
    world.model().fail("good", MlFailure::DeadlineExceeded);
    world.gate.shut();
    let mut callers: Vec<_> = (0..3).map(|_| Box::pin(world.predict("good"))).collect();
    assert!(callers.iter_mut().all(|caller| caller.now_or_never().is_none()));
    world.gate.open();
    for outcome in join_all(callers).await {
        assert!(matches!(outcome, Err(MlError::DeadlineExceeded)), "{outcome:?}");
    }
    assert_eq!(
        world.calls().len(),
        3,
        "each of those who joined asked once more; the second was done when the third came"
    );
}

#[tokio::test]
async fn who_asks_for_one_text_does_not_wait_for_a_batch_or_a_stream() {
    let world = World::new();
    world.gate.shut();
    let mut line = Box::pin(world.predict_batch(&["good", "bad"], BulkNext));
    assert!(line.as_mut().now_or_never().is_none());
    world.gate.open();
    assert!(!world.predict("good").await.unwrap().cached);
    assert_eq!(cached(&line.await.unwrap()), [false, false]);
    assert_eq!(world.calls(), [vec!["good"], vec!["good", "bad"]]);
}

/// Asks for `good`, alone or as a batch or line.
async fn ask(world: &World, admission: Admission) -> Result<ModelOutput, MlError> {
    world.predict_batch(&["good"], admission).await?.remove(0)
}

#[tokio::test]
async fn the_cause_of_an_error_comes_with_it() {
    let world = World::new();
    world.model().refuse_all(MlFailure::Unavailable);
    let error = world.predict("good").await.unwrap_err();
    assert_eq!(chain(&error), "the model is not available: the model is not there");
}

#[tokio::test]
async fn a_full_queue_refuses_those_who_would_have_been_refused_and_no_others() {
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
async fn a_batch_that_was_let_in_is_not_refused_for_what_others_asked() {
    let world = World::new();
    world.gate.shut();
    let mut single = Box::pin(world.predict("good"));
    assert!(single.as_mut().now_or_never().is_none());
    world.model().refuse_all(MlFailure::Saturated);
    // Its own text gets in, the twin of the other's is refused with it, and then asked for again.
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
async fn a_panic_in_the_model_leaves_nobody_waiting() {
    let world = World::new();
    world.gate.shut();
    let mut callers: Vec<_> = (0..3).map(|_| Box::pin(world.predict("good"))).collect();
    assert!(callers.iter_mut().all(|caller| caller.now_or_never().is_none()));
    world.gate.collapse();
    for outcome in join_all(callers).await {
        assert!(matches!(outcome, Err(MlError::InferenceFailed { .. })), "{outcome:?}");
    }
    world.gate.open();
    assert!(world.predict("good").await.is_ok());
}

#[tokio::test]
async fn twins_in_one_batch_are_read_once_and_stand_in_their_places() {
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
async fn a_batch_asks_the_model_once_for_what_nobody_has_or_reads() {
    let world = World::new();
    world.predict("kept").await.unwrap();
    world.model().hold_all();
    let mut single = Box::pin(world.predict("under way"));
    assert!(single.as_mut().now_or_never().is_none());
    let mut batch = Box::pin(world.predict_batch(&["new", "under way", "kept", "newer"], BulkStart));
    assert!(batch.as_mut().now_or_never().is_none());
    let mut twin_of_the_batch = Box::pin(world.predict_batch(&["newer"], BulkNext));
    assert!(twin_of_the_batch.as_mut().now_or_never().is_none());
    assert_eq!(world.calls(), [vec!["kept"], vec!["under way"], vec!["new", "newer"]]);
    world.model().release_all();
    assert_eq!(cached(&batch.await.unwrap()), [false, true, true, false]);
    assert!(!single.await.unwrap().cached);
    assert_eq!(cached(&twin_of_the_batch.await.unwrap()), [true]);
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
