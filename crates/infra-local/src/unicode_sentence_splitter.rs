use std::ops::Range;

use application::ports::SentenceSplitter;
use async_trait::async_trait;
use tokio::task::{spawn_blocking, yield_now};
use unicode_segmentation::UnicodeSegmentation;

/// Splits texts by the default rules of UAX #29, without rules of single languages and without abbreviations.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnicodeSentenceSplitter;

/// Longer texts are split on a blocking thread, so that they do not delay other tasks.
const LONG_TEXT_BYTES: usize = 4_096;

#[async_trait]
impl SentenceSplitter for UnicodeSentenceSplitter {
    async fn split(&self, text: &str) -> Vec<Range<usize>> {
        if text.len() > LONG_TEXT_BYTES {
            let owned = text.to_owned();
            if let Ok(sentences) = spawn_blocking(move || split(&owned)).await {
                return sentences;
            }
            // The runtime is shutting down and starts no blocking tasks: split on this thread.
        }
        yield_now().await;
        split(text)
    }
}

fn split(text: &str) -> Vec<Range<usize>> {
    text.split_sentence_bound_indices().map(|(start, part)| start..start + part.len()).collect()
}
