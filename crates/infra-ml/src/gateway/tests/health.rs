use application::action::chain;

use super::*;
use crate::engine_health::MAX_FAILED_BATCHES;
use crate::testing::fake_engine::Seen;

/// A model whose engine has failed for so many texts that it counts as failing.
async fn unhealthy() -> (Arc<LocalMlGateway>, Arc<Seen>) {
    let (engine, seen) = FakeEngine::new();
    let gateway = start_fake(engine, ROOMY).await;
    seen.set_broken(true);
    for _ in 0..MAX_FAILED_BATCHES {
        assert!(gateway.check().await.is_ok());
        fails(&gateway, "good").await;
    }
    // The probe of the worker runs after the reply to the last text, and a check after the probe.
    fails(&gateway, "bad").await;
    (gateway, seen)
}

async fn fails(gateway: &LocalMlGateway, word: &str) {
    let output = gateway.classify_one(&tenant(), &text(word), PLAIN).await;
    assert!(matches!(output, Err(MlError::InferenceFailed { .. })), "{output:?}");
}

#[tokio::test]
async fn an_engine_that_fails_for_every_batch_and_a_probe_makes_the_model_unhealthy() {
    let (gateway, _) = unhealthy().await;
    let reason = chain(gateway.check().await.unwrap_err().as_ref());
    assert_eq!(
        reason,
        "the engine failed for 5 batches in a row and for a probe: the engine failed: the device is gone"
    );
    // Texts are tried all the same.
    fails(&gateway, "good").await;
}

#[tokio::test]
async fn a_text_that_succeeds_makes_an_unhealthy_model_healthy() {
    let (gateway, seen) = unhealthy().await;
    seen.set_broken(false);
    assert_eq!(only_window(gateway.classify_one(&tenant(), &text("good"), PLAIN).await), [7.0, 3.0, 1.0]);
    let batches = seen.batches().len();
    assert!(gateway.check().await.is_ok());
    assert_eq!(seen.batches().len(), batches, "a healthy engine is not probed");
}

#[tokio::test]
async fn the_health_check_probes_a_failing_engine_so_that_it_recovers_without_texts() {
    let (gateway, seen) = unhealthy().await;
    assert!(gateway.check().await.is_err());
    assert_eq!(seen.batches().last().unwrap(), &[[1, 2]], "the probe is a window without a text");
    seen.set_broken(false);
    assert!(gateway.check().await.is_ok());
}

#[tokio::test]
async fn texts_that_make_the_engine_fail_do_not_make_the_model_unhealthy() {
    let (engine, seen) = FakeEngine::new();
    let gateway = start_fake(engine, ROOMY).await;
    for _ in 0..MAX_FAILED_BATCHES {
        for word in ["error", "panic", "nan"] {
            fails(&gateway, word).await;
        }
    }
    assert!(gateway.check().await.is_ok());
    let probes = seen.batches().iter().filter(|batch| **batch == [[1, 2]]).count();
    assert!(probes >= 2, "{probes} probes");
}
