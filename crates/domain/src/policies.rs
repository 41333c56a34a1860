//! Pure functions over numbers and texts, without state; those over numbers accept every input, NaN included.

mod probabilities;
mod search_terms;
mod sentences;
mod tokens;

pub use probabilities::{choose_label, merge_windows, sigmoid, softmax};
pub use search_terms::{MAX_QUERY_TERMS, parse_query, search_terms};
pub use sentences::{Sentence, sentences, sentences_disagree};
pub use tokens::estimate_tokens;
