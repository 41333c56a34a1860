//! Sentences by the Unicode rules, and their positions by the domain.

use std::future::Future;
use std::ops::Range;
use std::pin::pin;
use std::task::{Context, Waker};

use application::ports::SentenceSplitter;
use domain::policies::sentences;
use infra_local::UnicodeSentenceSplitter;
use proptest::prelude::*;

fn split(text: &str) -> Vec<Range<usize>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(UnicodeSentenceSplitter.split(text))
}

/// Returns the sentences of `text` and asserts that each is at its span.
fn sliced(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let found = sentences(text, &split(text));
    for sentence in &found {
        let slice: String = chars[sentence.span.start as usize..sentence.span.end as usize].iter().collect();
        assert_eq!(slice, sentence.text);
    }
    found.iter().map(|sentence| sentence.text.to_owned()).collect()
}

#[test]
fn sentences_of_any_script_are_at_their_spans() {
    for (text, expected) in [
        ("I love it. I hate it!", vec!["I love it.", "I hate it!"]),
        ("  One?\n\nTwo.\t", vec!["One?", "Two."]),
        ("👨‍👩‍👧 came. 😀😀! Fine.", vec!["👨‍👩‍👧 came.", "😀😀!", "Fine."]),
        ("Cafe\u{301} ok. Na\u{308}chster Satz.", vec!["Cafe\u{301} ok.", "Na\u{308}chster Satz."]),
        ("مرحبا بك. كيف حالك؟ بخير.", vec!["مرحبا بك.", "كيف حالك؟", "بخير."]),
        ("שלום. מה שלומך?", vec!["שלום.", "מה שלומך?"]),
        ("我很喜欢。我讨厌它！真的吗？", vec!["我很喜欢。", "我讨厌它！", "真的吗？"]),
        ("とても良い。最悪だ。", vec!["とても良い。", "最悪だ。"]),
        ("It costs 3.50 a piece", vec!["It costs 3.50 a piece"]),
        ("…", vec!["…"]),
    ] {
        assert_eq!(sliced(text), expected, "{text}");
    }
}

#[test]
fn a_long_text_is_split_like_a_short_one() {
    let text = "I love it. ".repeat(1_000);
    assert_eq!(sliced(&text), vec!["I love it."; 1_000]);
}

#[tokio::test]
async fn splitting_yields_before_it_begins() {
    for text in ["One. Two.".to_owned(), "One. Two. ".repeat(10_000)] {
        let mut splitting = pin!(UnicodeSentenceSplitter.split(&text));
        let mut context = Context::from_waker(Waker::noop());
        assert!(splitting.as_mut().poll(&mut context).is_pending(), "{} bytes", text.len());
        assert!(splitting.await.len() >= 2);
    }
}

proptest! {
    #[test]
    fn every_character_but_white_space_is_in_one_sentence(
        text in prop_oneof![any::<String>(), "[a-zA-Z.!? \\n😀\u{301}مש。我]{0,80}"],
    ) {
        let joined: String = sliced(&text).concat();
        let dense = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(dense(&joined), dense(&text));
    }

    #[test]
    fn the_parts_of_a_text_are_adjacent_and_complete(text in any::<String>()) {
        let mut end = 0;
        for cut in split(&text) {
            prop_assert_eq!(cut.start, end);
            end = cut.end;
        }
        prop_assert_eq!(end, text.len());
    }
}
