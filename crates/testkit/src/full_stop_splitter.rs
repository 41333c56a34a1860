use std::ops::Range;

use application::ports::SentenceSplitter;

/// Ends a sentence with every full stop, exclamation mark and question mark.
#[derive(Debug, Clone, Copy, Default)]
pub struct FullStopSplitter;

impl SentenceSplitter for FullStopSplitter {
    fn split(&self, text: &str) -> Vec<Range<usize>> {
        let mut start = 0;
        let parts = text.split_inclusive(['.', '!', '?']).map(|part| {
            let begins = start;
            start += part.len();
            begins..start
        });
        parts.collect()
    }
}
