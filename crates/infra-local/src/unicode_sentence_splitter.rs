use std::ops::Range;

use application::ports::SentenceSplitter;
use unicode_segmentation::UnicodeSegmentation;

/// Cuts texts by the default rules of UAX #29: no language's own rules, no list of abbreviations.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnicodeSentenceSplitter;

impl SentenceSplitter for UnicodeSentenceSplitter {
    fn split(&self, text: &str) -> Vec<Range<usize>> {
        text.split_sentence_bound_indices().map(|(start, part)| start..start + part.len()).collect()
    }
}
