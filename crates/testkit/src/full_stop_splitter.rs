use std::ops::Range;

use application::ports::SentenceSplitter;
use async_trait::async_trait;

/// Ends a sentence with every full stop, exclamation mark and question mark.
#[derive(Debug, Clone, Copy, Default)]
pub struct FullStopSplitter;

#[async_trait]
impl SentenceSplitter for FullStopSplitter {
    async fn split(&self, text: &str) -> Vec<Range<usize>> {
        let mut start = 0;
        let parts = text.split_inclusive(['.', '!', '?']).map(|part| {
            let begins = start;
            start += part.len();
            begins..start
        });
        parts.collect()
    }
}
