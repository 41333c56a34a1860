use std::ops::Range;

/// Cuts texts into sentences.
///
/// Implementations must cut by UAX #29, must give the sentences in reading order without overlap, as ranges of bytes
/// that begin and end between characters, and must cut the same text the same way every time.
pub trait SentenceSplitter: Send + Sync {
    /// The sentences of `text`; the white space around them may belong to them.
    fn split(&self, text: &str) -> Vec<Range<usize>>;
}
