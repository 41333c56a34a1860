use std::ops::Range;

use async_trait::async_trait;

/// Cuts texts into sentences.
///
/// Implementations must cut by UAX #29, must give the sentences in reading order without overlap, as ranges of bytes
/// that begin and end between characters, and must cut the same text the same way every time. They must not occupy the
/// caller's thread with a long text, nor with many texts one after the other.
#[async_trait]
pub trait SentenceSplitter: Send + Sync {
    /// The sentences of `text`; the white space around them may belong to them.
    async fn split(&self, text: &str) -> Vec<Range<usize>>;
}
