use domain::value_objects::{PredictionOptions, PredictionResult, Sentiment};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::testing::bundled;

const TEXTS: [&str; 6] = [
    "I love it",
    "I hate it.",
    "The meeting is at noon on Monday.",
    "ok",
    "The food was cold but the staff were lovely, and in the end we stayed for three hours and laughed a lot.",
    "😀",
];

#[tokio::test]
async fn the_bundled_model_distinguishes_love_from_hate() {
    let gateway = bundled().await;
    for (words, sentiment) in
        [(TEXTS[0], Sentiment::Positive), (TEXTS[1], Sentiment::Negative), (TEXTS[2], Sentiment::Neutral)]
    {
        let output = gateway.classify_one(&tenant(), &text(words), PLAIN).await.unwrap();
        assert_eq!(
            PredictionResult::from_output(&output, &PredictionOptions::default()).sentiment(),
            Some(sentiment),
            "{words}"
        );
    }
}

#[tokio::test]
async fn the_logits_in_a_batch_equal_those_of_the_single_text() {
    let gateway = bundled().await;
    let mut texts: Vec<InputText> = TEXTS.map(text).into();
    texts.push(text(TEXTS.join(" ").repeat(12)));
    let batch: Vec<&InputText> = texts.iter().chain(&texts).collect();
    let outputs = gateway.classify(&tenant(), &batch, PLAIN, Admission::BulkNext.into()).await.unwrap();
    for (words, batched) in batch.iter().zip(outputs) {
        let (single, batched) =
            (gateway.classify_one(&tenant(), words, PLAIN).await.unwrap(), batched.unwrap());
        assert_eq!(single.usage, batched.usage);
        for (single, batched) in single.windows.iter().zip(&batched.windows) {
            for (single, batched) in single.logits.iter().zip(&batched.logits) {
                assert!((single - batched).abs() < 1e-4, "{single} alone, {batched} in a batch: {words:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_text_of_50_000_characters_is_classified_by_its_windows() {
    let gateway = bundled().await;
    let words = "It was a wonderful evening. ".repeat(2_000);
    let long = text(&words[..50_000]);
    let output = gateway.classify_one(&tenant(), &long, PLAIN).await.unwrap();
    let window = gateway.info().unwrap().window.tokens;
    assert!(output.usage.tokens > 10_000 && !output.usage.truncated, "{:?}", output.usage);
    assert_eq!(output.usage.windows as usize, output.windows.len());
    assert_eq!(output.windows.iter().map(|window| window.tokens).sum::<u32>(), output.usage.tokens);
    assert!(output.windows.iter().rev().skip(1).all(|read| read.tokens == window));
    assert_eq!(
        PredictionResult::from_output(&output, &PredictionOptions::default()).sentiment(),
        Some(Sentiment::Positive)
    );
}

#[tokio::test]
async fn texts_without_words_are_classified() {
    let gateway = bundled().await;
    for odd in
        ["\u{1}", "\u{200b}", "\u{fffd}", "🧿🪬", "\u{301}\u{301}", "[SEP]", "[PAD] [MASK]", "\u{e000}", "𒀀"]
    {
        let output = gateway.classify_one(&tenant(), &text(odd), PLAIN).await.unwrap();
        assert_eq!(output.usage.windows, 1, "{odd:?}");
        assert!(output.windows[0].logits.iter().all(|logit| logit.is_finite()), "{odd:?}");
    }
    assert_eq!(gateway.classify_one(&tenant(), &text("\u{1}"), PLAIN).await.unwrap().usage.tokens, 0);
}

#[test]
fn any_text_is_classified() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let gateway = runtime.block_on(bundled());
    let any_text = prop_oneof![any::<String>(), "\\PC{0,60}", "[\\x01-\\x1f\\u{200b}-\\u{200f} 😀a]{1,40}"];
    let outcome = TestRunner::new(Config { cases: 24, ..Config::default() }).run(&any_text, |words| {
        let Ok(words) = InputText::parse(words, domain::value_objects::TextLimits::default()) else {
            return Ok(());
        };
        let output = runtime.block_on(gateway.classify_one(&tenant(), &words, PLAIN)).unwrap();
        prop_assert!(output.windows.iter().flat_map(|window| &window.logits).all(|logit| logit.is_finite()));
        prop_assert!(!output.windows.is_empty());
        Ok(())
    });
    outcome.unwrap();
}
