use application::action::chain;

use super::*;

/// Which of `words` succeed when they run in one batch.
async fn succeeds(words: &[&str]) -> Vec<bool> {
    let (engine, seen, mut gate) = FakeEngine::gated();
    let gateway = start_fake(engine, ROOMY).await;
    // The texts wait while the gate is closed, and then run in one batch.
    let _in_engine = occupy(&gateway, &mut gate).await;
    let texts: Vec<InputText> = words.iter().map(|word| text(*word)).collect();
    let texts: Vec<&InputText> = texts.iter().collect();
    let tenant = tenant();
    let asking = gateway.classify(&tenant, &texts, PLAIN, Admission::BulkNext.into());
    let opening = async {
        until_waiting(&gateway, words.len()).await;
        drop(gate);
    };
    let (outputs, ()) = tokio::join!(asking, opening);
    assert_eq!(seen.batches()[1].len(), words.len());
    outputs.unwrap().iter().map(is_success).collect()
}

fn is_success(output: &Result<ModelOutput, MlError>) -> bool {
    match output {
        Ok(output) => output.windows.iter().flat_map(|window| &window.logits).all(|logit| logit.is_finite()),
        Err(MlError::InferenceFailed { .. }) => false,
        Err(other) => panic!("not the error of one text: {other:?}"),
    }
}

#[tokio::test]
async fn a_panic_fails_its_own_text_and_no_other() {
    assert_eq!(succeeds(&["good", "good panic", "bad"]).await, [true, false, true]);
}

#[tokio::test]
async fn a_nan_fails_its_own_text_and_no_other() {
    assert_eq!(succeeds(&["good", "nan", "bad", "word nan"]).await, [true, false, true, false]);
}

#[tokio::test]
async fn an_engine_error_fails_its_own_text_and_no_other() {
    assert_eq!(succeeds(&["error", "good", "bad"]).await, [false, true, true]);
}

#[tokio::test]
async fn the_worker_continues_after_a_failed_text_and_reports_the_cause() {
    let gateway = start_fake(FakeEngine::new().0, ROOMY).await;
    for (bad, cause) in [
        ("panic", "the engine panicked: deliberate panic"),
        ("nan", "a logit is not a finite number, or one is missing"),
        ("error", "the engine failed: deliberate failure"),
    ] {
        let error = gateway.classify_one(&tenant(), &text(bad), PLAIN).await.unwrap_err();
        assert!(matches!(error, MlError::InferenceFailed { .. }), "{error:?}");
        assert_eq!(chain(&error), format!("inference failed: {cause}"));
        assert_eq!(only_window(gateway.classify_one(&tenant(), &text("good"), PLAIN).await), [7.0, 3.0, 1.0]);
    }
    assert!(gateway.check().await.is_ok());
}

#[tokio::test]
async fn one_failed_window_fails_the_whole_text() {
    let gateway = start_fake(FakeEngine::new().0, ROOMY).await;
    let words = format!("{} panic", "good ".repeat(20));
    let error = gateway.classify_one(&tenant(), &text(words), PLAIN).await.unwrap_err();
    assert_eq!(chain(&error), "inference failed: the engine panicked: deliberate panic");
}
