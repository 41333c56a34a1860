use std::ops::Range;

use crate::value_objects::{Confidence, SentenceResult, Sentiment, TextSpan};

/// The lowest confidence of a strong sentence.
const STRONG_CONFIDENCE: f32 = 0.8;

/// Returns whether strong sentences disagree: at least one is negative and at least one is positive, each with a
/// confidence of 0.8 or more. A sentence without a confidence is not strong.
pub fn sentences_disagree(sentences: &[SentenceResult]) -> bool {
    let has_strong = |side: Sentiment| {
        let strong = |confidence: Confidence| confidence.value() >= STRONG_CONFIDENCE;
        sentences
            .iter()
            .any(|sentence| sentence.sentiment == Some(side) && sentence.confidence.is_some_and(strong))
    };
    has_strong(Sentiment::Negative) && has_strong(Sentiment::Positive)
}

/// A sentence of a text, without the white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence<'t> {
    /// The sentence.
    pub text: &'t str,
    /// Its position in the text.
    pub span: TextSpan,
}

/// Returns the sentences of `text` at the byte ranges `cuts`, which are in reading order and do not overlap. White
/// space around a sentence is removed.
///
/// A range is skipped if it contains only white space, is not on character boundaries or begins before the end of an
/// earlier one.
pub fn sentences<'t>(text: &'t str, cuts: &[Range<usize>]) -> Vec<Sentence<'t>> {
    let (mut end_bytes, mut end_chars) = (0, 0);
    let mut found = Vec::with_capacity(cuts.len());
    for cut in cuts {
        let (Some(between), Some(part)) = (text.get(end_bytes..cut.start), text.get(cut.clone())) else {
            continue;
        };
        let lead = part.len() - part.trim_start().len();
        let trimmed = part.trim();
        let start = end_chars + count(between) + count(&part[..lead]);
        let end = start + count(trimmed);
        if !trimmed.is_empty() {
            found.push(Sentence { text: trimmed, span: TextSpan { start, end } });
        }
        end_chars = end + count(&part[lead + trimmed.len()..]);
        end_bytes = cut.end;
    }
    found
}

fn count(text: &str) -> u32 {
    text.chars().count() as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value_objects::SentimentScores;

    fn sentence(sentiment: Sentiment, confidence: f32) -> SentenceResult {
        SentenceResult {
            span: TextSpan { start: 0, end: 1 },
            sentiment: Some(sentiment),
            confidence: Some(Confidence::clamped(confidence)),
            scores: SentimentScores::default(),
        }
    }

    #[test]
    fn only_strong_sentences_of_both_sides_disagree() {
        let (negative, positive) =
            (sentence(Sentiment::Negative, STRONG_CONFIDENCE), sentence(Sentiment::Positive, 0.99));
        assert!(sentences_disagree(&[negative, positive]));
        for agreeing in [
            vec![],
            vec![positive, positive],
            vec![sentence(Sentiment::Neutral, 0.99), positive],
            vec![sentence(Sentiment::Negative, 0.799), positive],
            vec![sentence(Sentiment::Negative, f32::NAN), positive],
            vec![SentenceResult { confidence: None, ..negative }, positive],
            vec![SentenceResult { sentiment: None, ..negative }, positive],
        ] {
            assert!(!sentences_disagree(&agreeing), "{agreeing:?}");
        }
    }

    #[test]
    fn white_space_around_a_sentence_is_removed() {
        let text = " 😀 é. \n\n مرحبا";
        let cuts = [0..9, 9..10, 10..text.len()];
        let found = sentences(text, &cuts);
        assert_eq!(found.iter().map(|found| found.text).collect::<Vec<_>>(), ["😀 é.", "مرحبا"]);
        assert_eq!(found[0].span, TextSpan { start: 1, end: 5 });
        assert_eq!(found[1].span, TextSpan { start: 9, end: 14 });
    }

    proptest! {
        #[test]
        fn spans_are_the_sentences_positions_whatever_the_cuts(
            text in any::<String>(), mut cuts in proptest::collection::vec(0_usize..60, 0..12),
        ) {
            cuts.sort_unstable();
            let cuts: Vec<_> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
            let chars: Vec<char> = text.chars().collect();
            let mut last = 0;
            for Sentence { text: sentence, span } in sentences(&text, &cuts) {
                let sliced: String = chars[span.start as usize..span.end as usize].iter().collect();
                prop_assert_eq!(sliced, sentence);
                prop_assert!(span.start >= last && !sentence.is_empty() && sentence.trim() == sentence);
                last = span.end;
            }
        }
    }
}
