use std::ops::Range;

use application::ports::SentenceSplitter;
use async_trait::async_trait;
use tokio::task::{spawn_blocking, yield_now};
use unicode_segmentation::UnicodeSegmentation;

/// Cuts texts by the default rules of UAX #29: no language's own rules, no list of abbreviations.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnicodeSentenceSplitter;

/// The bytes of a text above which it is cut away from the caller's thread, which others share.
const LONG_TEXT_BYTES: usize = 4_096;

#[async_trait]
impl SentenceSplitter for UnicodeSentenceSplitter {
    async fn split(&self, text: &str) -> Vec<Range<usize>> {
        if text.len() > LONG_TEXT_BYTES {
            let owned = text.to_owned();
            if let Ok(sentences) = spawn_blocking(move || split(&owned)).await {
                return sentences;
            }
            // The runtime is shutting down: here is as good as anywhere.
        }
        yield_now().await;
        split(text)
    }
}

fn split(text: &str) -> Vec<Range<usize>> {
    text.split_sentence_bound_indices().map(|(start, part)| start..start + part.len()).collect()
}
