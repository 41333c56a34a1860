use std::ops::Range;

use async_trait::async_trait;

/// Splits texts into sentences.
///
/// Implementations must split by UAX #29 and return byte ranges on character boundaries, in reading order and without
/// overlap; must split the same text the same way every time; and must not block the calling thread, neither with one
/// long text nor with many texts in a row.
#[async_trait]
pub trait SentenceSplitter: Send + Sync {
    /// The sentences of `text`, possibly with the white space around them.
    async fn split(&self, text: &str) -> Vec<Range<usize>>;
}
