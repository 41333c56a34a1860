//! Calls with different deadlines share a computation.

use std::time::Duration;

use application::ports::{Deadline, MlError};
use futures_util::FutureExt;
use tokio::time::Instant;

use crate::gate::World;

/// The deadline `seconds` from now.
fn after(seconds: u64) -> Deadline {
    Deadline::At((Instant::now() + Duration::from_secs(seconds)).into_std())
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_own_deadline_and_the_computation_continues() {
    for first_deadline in [after(10), Deadline::Never, Deadline::AfterQueueing(Duration::from_secs(10))] {
        let world = World::new();
        world.gate.shut();
        let mut first = Box::pin(world.predict_until("good", first_deadline));
        assert!(first.as_mut().now_or_never().is_none());
        let started = Instant::now();
        let second = world.predict_until("good", after(1)).await;
        assert!(matches!(second, Err(MlError::DeadlineExceeded)), "{second:?}");
        assert_eq!(started.elapsed().as_secs(), 1);
        world.gate.open();
        assert!(first.await.is_ok());
        assert_eq!(world.calls().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_wait_longer_than_the_first_computes_the_text_itself() {
    let world = World::new();
    world.gate.shut();
    let mut first = Box::pin(world.predict_until("good", after(1)));
    assert!(first.as_mut().now_or_never().is_none());
    let mut second = Box::pin(world.predict_until("good", after(5)));
    assert!(second.as_mut().now_or_never().is_none());
    assert!(matches!(first.await, Err(MlError::DeadlineExceeded)));
    // It begins before the second call computes the text, and ends earlier.
    let mut third = Box::pin(world.predict_until("good", after(1)));
    assert!(third.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    assert!(matches!(third.await, Err(MlError::DeadlineExceeded)));
    world.gate.open();
    assert!(!second.await.unwrap().cached);
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_fails_at_once() {
    let world = World::new();
    assert!(world.predict("good").await.is_ok());
    for words in ["good", "bad"] {
        let late = world.predict_until(words, after(0)).await;
        assert!(matches!(late, Err(MlError::DeadlineExceeded)), "{words}: {late:?}");
    }
    assert_eq!(world.calls().len(), 1);
}
