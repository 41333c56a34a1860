use std::ops::Range;

use crate::value_objects::{Confidence, SentenceResult, Sentiment, TextSpan};

/// The probability from which a sentence counts as strong.
const STRONG_CONFIDENCE: f32 = 0.8;

/// Whether strong sentences disagree: at least one is negative and at least one positive, each with a probability of
/// 0.8 or more. A sentence without a confidence is not strong, and neutral ones take no side.
pub fn sentences_disagree(sentences: &[SentenceResult]) -> bool {
    let holds = |side: Sentiment| {
        let strong = |confidence: Confidence| confidence.value() >= STRONG_CONFIDENCE;
        sentences
            .iter()
            .any(|sentence| sentence.sentiment == Some(side) && sentence.confidence.is_some_and(strong))
    };
    holds(Sentiment::Negative) && holds(Sentiment::Positive)
}

/// A sentence: its words without the white space around them, and where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence<'t> {
    /// The words.
    pub text: &'t str,
    /// Where they stand in the whole text.
    pub span: TextSpan,
}

/// The sentences of `text` that the byte ranges `cuts`, in reading order and without overlap, cut out of it: without
/// the white space around them, and those of white space alone left out. A range that does not cut between
/// characters, or that goes back, is left out too.
pub fn sentences<'t>(text: &'t str, cuts: &[Range<usize>]) -> Vec<Sentence<'t>> {
    let (mut seen_bytes, mut seen_chars) = (0, 0);
    let mut found = Vec::with_capacity(cuts.len());
    for cut in cuts {
        let (Some(between), Some(part)) = (text.get(seen_bytes..cut.start), text.get(cut.clone())) else {
            continue;
        };
        let lead = part.len() - part.trim_start().len();
        let words = part.trim();
        let start = seen_chars + count(between) + count(&part[..lead]);
        let end = start + count(words);
        if !words.is_empty() {
            found.push(Sentence { text: words, span: TextSpan { start, end } });
        }
        seen_chars = end + count(&part[lead + words.len()..]);
        seen_bytes = cut.end;
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
        let (bad, good) =
            (sentence(Sentiment::Negative, STRONG_CONFIDENCE), sentence(Sentiment::Positive, 0.99));
        assert!(sentences_disagree(&[bad, good]));
        for agreeing in [
            vec![],
            vec![good, good],
            vec![sentence(Sentiment::Neutral, 0.99), good],
            vec![sentence(Sentiment::Negative, 0.799), good],
            vec![sentence(Sentiment::Negative, f32::NAN), good],
            vec![SentenceResult { confidence: None, ..bad }, good],
            vec![SentenceResult { sentiment: None, ..bad }, good],
        ] {
            assert!(!sentences_disagree(&agreeing), "{agreeing:?}");
        }
    }

    #[test]
    fn a_sentence_stands_without_the_white_space_around_it() {
        let text = " 😀 é. \n\n مرحبا";
        let cuts = [0..9, 9..10, 10..text.len()];
        let found = sentences(text, &cuts);
        assert_eq!(found.iter().map(|found| found.text).collect::<Vec<_>>(), ["😀 é.", "مرحبا"]);
        assert_eq!(found[0].span, TextSpan { start: 1, end: 5 });
        assert_eq!(found[1].span, TextSpan { start: 9, end: 14 });
    }

    proptest! {
        #[test]
        fn spans_slice_the_text_exactly_wherever_it_is_cut(
            text in any::<String>(), mut cuts in proptest::collection::vec(0_usize..60, 0..12),
        ) {
            cuts.sort_unstable();
            let cuts: Vec<_> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
            let chars: Vec<char> = text.chars().collect();
            let mut last = 0;
            for Sentence { text: words, span } in sentences(&text, &cuts) {
                let sliced: String = chars[span.start as usize..span.end as usize].iter().collect();
                prop_assert_eq!(sliced, words);
                prop_assert!(span.start >= last && !words.is_empty() && words.trim() == words);
                last = span.end;
            }
        }
    }
}
